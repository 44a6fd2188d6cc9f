"""Pictures: the five formats are opened, others never, and none of a size that no camera takes."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.label_png import read_label_png
from gsseg.io.masks import find_masks
from gsseg.io.photos import read_photo
from gsseg.io.picture import LONGEST_SIDE, MOST_PIXELS, decode_picture, open_picture, photo_size
from gsseg.scene import Camera, View

PIXELS = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("format", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"big_tiff": True}),
     ("WEBP", {"lossless": True}), ("WEBP", {}), ("JPEG", {}), ("JPEG", {"progressive": True}),
     ("MPO", {"save_all": True, "append_images": [Image.fromarray(PIXELS[::-1])]})],
)  # fmt: skip
def test_five_formats_under_any_name(tmp_path, format, options):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path, format, **options)
    assert photo_size(path) == (32, 24)
    with open_picture(path) as picture:
        got = np.asarray(decode_picture(path, picture).convert("RGB"))
    exact = format in ("PNG", "BMP", "TIFF") or options.get("lossless")
    assert np.array_equal(got, PIXELS) if exact else got.shape == PIXELS.shape


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (257, 3), (1000, 700)])
def test_sizes_of_webp_are_those_that_pillow_finds(tmp_path, lossless, mode, size):
    path = tmp_path / "a.webp"
    picture = Image.new(mode, size)
    picture.save(path, lossless=lossless, exif=b"Exif\0\0" + bytes(20))  # with which it becomes an extended one
    assert photo_size(path) == size
    picture.save(path, lossless=lossless)
    assert photo_size(path) == size


@pytest.mark.parametrize("format", ["GIF", "PPM", "ICO", "JPEG2000", "TGA", "SGI", "EPS", "PDF", "PCX"])
def test_other_formats_are_not_opened(tmp_path, format):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path, format)
    with pytest.raises(InputError, match=r"not a picture that can be read \(PNG, JPEG, WebP, TIFF or BMP\)"):
        open_picture(path)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, rows: int = 0) -> bytes:
    """A grey PNG that says it is so large; ``rows`` of it are there."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(rows * (width + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def webp(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides


def jpeg_of_height(tmp_path, height: int) -> bytes:
    """A JPEG whose frame header states that height."""
    path = tmp_path / "whole.jpg"
    Image.fromarray(PIXELS).save(path, "JPEG")
    blob = bytearray(path.read_bytes())
    frame = blob.index(b"\xff\xc0")
    blob[frame + 5 : frame + 7] = struct.pack(">H", height)
    return bytes(blob)


@pytest.mark.parametrize(
    "content",
    [png(LONGEST_SIDE + 1, 1), png(1, LONGEST_SIDE + 1), png(16000, 16000), png(2**31 - 1, 2**31 - 1),
     webp(16000, 16000), webp(2**24, 2**8)],
)  # fmt: skip
def test_what_no_camera_takes_is_refused_before_memory_is_taken(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        for read in (photo_size, read_label_png):
            with pytest.raises(InputError, match="at most 16384 on a side and 200 million are read"):
                read(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_photo_above_pillows_own_limit_is_read(tmp_path):
    width, height = 15000, 13000
    assert 2 * Image.MAX_IMAGE_PIXELS < width * height <= MOST_PIXELS
    path = tmp_path / "a.png"
    path.write_bytes(png(width, height, height))
    view = View("a", Camera(150, 130, 100.0, 100.0, 75.0, 65.0, np.eye(4)), None, path, None)
    assert read_photo(view).shape == (130, 150, 3)


@pytest.mark.parametrize("size", [(0, 10), (10, 0)])
def test_pictures_without_pixels(tmp_path, size):
    path = tmp_path / "a.png"
    path.write_bytes(png(*size))
    with pytest.raises(InputError, match=r"its size is|not a picture"):
        photo_size(path)
    path.write_bytes(jpeg_of_height(tmp_path, 0))
    with pytest.raises(InputError, match=r"its size is|not a picture"):
        photo_size(path)


@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0II*\0" + b"\xff" * 40, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(30), b"Exif\0\0", b"Exif\0\0hello"],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_does_not_matter(tmp_path, exif, format):
    path = tmp_path / "a.jpg"
    Image.fromarray(PIXELS).save(path, format, exif=exif)
    view = View("a", Camera(32, 24, 30.0, 30.0, 16.0, 12.0, np.eye(4)), None, path, None)
    assert read_photo(view).shape == (24, 32, 3)


def test_a_colour_map_takes_no_more_than_its_labels_and_a_block(tmp_path):
    colours = np.zeros((1500, 2000, 3), np.uint8)
    colours[:700, :900], colours[700:, 900:] = (1, 2, 3), (0, 0, 9)
    path = tmp_path / "a.png"
    Image.fromarray(colours).save(path)
    tracemalloc.start()
    try:
        ids = read_label_png(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * ids.size + (48 << 20)
    finally:
        tracemalloc.stop()
    assert ids[0, 0] == 1 + 2 * 256 + 3 * 65536
    assert ids[-1, -1] == 9 * 65536
    assert ids[0, -1] == 0
    assert np.array_equal(ids[690:710], np.where(colours[690:710].any(-1), ids[690:710], 0))


@pytest.mark.parametrize("values", [np.float32([[0, 2.5]]), np.float32([[0, np.nan]]), np.float32([[0, 1e9]])])
def test_labels_that_are_no_whole_numbers(tmp_path, values):
    path = tmp_path / "a.png"
    Image.fromarray(values).save(path, "TIFF")
    with pytest.raises(InputError, match="holds fractions"):
        read_label_png(path)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_random_damage_is_read_or_named(tmp_path, format):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path, format)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), []
    for _ in range(150):
        blob = bytearray(whole)
        for at in rng.integers(0, min(len(blob), 400), 4):
            blob[at] = int(rng.integers(0, 256))
        path.write_bytes(blob[: int(rng.integers(1, len(blob)))] if rng.random() < 0.3 else blob)
        try:
            read_label_png(path)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert not any("\n" in line for line in refused)


def test_a_search_for_masks_opens_nothing(tmp_path):
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "a.png").write_bytes(b"%!PS-Adobe")
    files = find_masks(tmp_path)
    with pytest.raises(InputError, match="not a picture"):
        files.format.read(files.files["a"], "default")
