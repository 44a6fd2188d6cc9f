"""Photos of a capture written into a scene: bytes as they are, or scaled down."""

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from gsseg.errors import InputError
from gsseg.io.picture import decode_picture, open_picture_bytes, pixels_of
from gsseg.prepare.capture import FileSpan
from gsseg.scene import Camera
from gsseg.threads import run_all, thread_count

QUALITY = 95
"""Of JPEGs that are scaled down."""
_ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp"}


def write_photo(span: FileSpan, stem: Path, camera: Camera, downscale: int) -> Path:
    """Writes one photo beside its name ``stem`` and returns the file.

    ``camera`` says what size the photo has. At ``downscale`` 1 its bytes are copied and only its header is looked at.
    Raises `InputError` where it is no picture or of another size.
    """
    content = span.read()
    try:
        with open_picture_bytes(span.path, content) as picture:
            ending = _ENDINGS[picture.format or "PNG"]
            if picture.size != (camera.width, camera.height):
                width, height = picture.size
                raise span.wrong(f"is {width} x {height} pixels, the capture {camera.width} x {camera.height}")
            if downscale > 1:
                content = _scaled(span.path, picture, camera.width // downscale, camera.height // downscale)
                ending = ".jpg"
    except InputError as error:
        # The reader of pictures knows the file, and not which of its frames it was given.
        raise error if not span.what or span.what in error.problem else span.wrong(error.problem) from error
    path = stem.with_name(stem.name + ending)
    path.write_bytes(content)
    return path


def scaled(camera: Camera, downscale: int) -> Camera:
    """The camera of photos that `write_photo` has scaled down; `InputError` where nothing is left of them."""
    if downscale == 1:
        return camera
    if min(camera.width, camera.height) < downscale:
        problem = f"is {downscale}, and the photos are {camera.width} x {camera.height} pixels"
        raise InputError("--downscale", problem, "give a smaller number")
    return camera.resized(camera.width // downscale, camera.height // downscale)


def for_each(count: int, what: str, job: Callable[[int], None], progress: Callable[[str, int, int], None]) -> None:
    """Calls ``job`` with 0..count-1 on all threads, a few at a time, so that little is in memory at once."""
    step = 16 * thread_count()
    for start in range(0, count, step):
        batch = range(start, min(start + step, count))
        run_all([lambda k=k: job(k) for k in batch])
        progress(what, batch.stop, count)


def _scaled(path: Path, picture: Image.Image, width: int, height: int) -> bytes:
    with pixels_of(path):
        picture.draft("RGB", (width, height))  # a JPEG is decoded no larger than it has to be
        small = decode_picture(path, picture).convert("RGB").resize((width, height), Image.Resampling.BOX)
        content = io.BytesIO()
        small.save(content, "JPEG", quality=QUALITY)
    return content.getvalue()
