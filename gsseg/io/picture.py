"""Pictures: opened as one of five formats, measured before they are decoded, refused where no camera took them.

Pillow's own opener knows fifty formats, one of which (EPS, under any name) starts another program, and refuses what has
more than 179 megapixels, which cameras do take. So its readers of the five formats are called by their names here, and
a size that no camera needs is refused before memory is taken for it.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL.BmpImagePlugin import BmpImageFile
from PIL.Image import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from gsseg.errors import InputError
from gsseg.files import check_readable, reading
from gsseg.io.quiet import no_warnings

LONGEST_SIDE = 16384
"""Pixels of the longest side that is read."""
MOST_PIXELS = 200_000_000
"""Pixels that are read: photos of this size exist, larger ones are stitched and no pinhole camera's."""

_READERS: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"\xff\xd8\xff", JpegImageFile),
    (b"RIFF", WebPImageFile),
    (b"II*\0", TiffImageFile),
    (b"MM\0*", TiffImageFile),
    (b"II+\0", TiffImageFile),
    (b"MM\0+", TiffImageFile),
    (b"BM", BmpImageFile),
)
"""The first bytes of a file -> what reads it."""

_COPY = "copy or make it again"


def open_picture(path: Path) -> Image:
    """Opens a PNG, JPEG, WebP, TIFF or BMP without decoding it; `InputError` where it is none, or of an absurd size."""
    check_readable(path)
    with reading(path), path.open("rb") as stream:
        head = stream.read(64)
    return _open(path, str(path), head)


def open_picture_bytes(path: Path, content: bytes) -> Image:
    """The same for a picture that lies in memory and came from ``path``."""
    return _open(path, io.BytesIO(content), content[:64])


def _open(path: Path, source: str | io.BytesIO, head: bytes) -> Image:
    reader = next((reader for magic, reader in _READERS if head.startswith(magic)), None)
    if reader is None:
        raise InputError(path, "is not a picture that can be read (PNG, JPEG, WebP, TIFF or BMP)", _COPY)
    if reader is WebPImageFile:  # which takes memory for all pixels as soon as it is opened
        check_size(path, *_webp_size(head))
    try:
        # Metadata that nobody needs here may be damaged; the pictures are sound, and Pillow's warnings of no use.
        with no_warnings():
            picture = reader(source)
    except Exception as error:  # Pillow's readers let through whatever a damaged header leads them to
        raise InputError(path, f"is not a picture that can be read ({error})", _COPY) from error
    try:
        check_size(path, *picture.size)
    except InputError:
        picture.close()
        raise
    return picture


def check_size(path: Path, width: int, height: int) -> None:
    """Raises `InputError` where a picture, or a mask of another kind, has no pixel or more than any camera needs."""
    if width < 1 or height < 1:
        raise InputError(path, f"is damaged: its size is {width} x {height} pixels", _COPY)
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        most = f"at most {LONGEST_SIDE} on a side and {MOST_PIXELS // 10**6} million are read"
        raise InputError(path, f"is {width} x {height} pixels; {most}", "scale it down")


def _webp_size(head: bytes) -> tuple[int, int]:
    """Width and height from the first chunk: lossy ``VP8``, lossless ``VP8L`` or extended ``VP8X``; 0 x 0 for others.

    Source: RFC 9649.
    """
    kind, content = head[12:16], head[20:30].ljust(10, b"\0")
    if kind == b"VP8 ":
        return int.from_bytes(content[6:8], "little") & 0x3FFF, int.from_bytes(content[8:10], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1
    return 0, 0


def decode_picture(path: Path, picture: Image) -> Image:
    """Decodes an opened picture; `InputError` where it is truncated or damaged."""
    with pixels_of(path), no_warnings():
        picture.load()
    return picture


@contextmanager
def pixels_of(path: Path) -> Iterator[None]:
    """Inside the block Pillow decodes or converts a picture; what it cannot do is an `InputError` for ``path``."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:  # as in `_open`; conversion finds palettes that are missing or short
        problem = f"is a damaged picture ({str(error) or type(error).__name__})"
        raise InputError(path, problem, _COPY) from error


def photo_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture, from its header alone. Orientation tags are not obeyed, as in COLMAP."""
    with open_picture(path) as picture:
        return picture.size
