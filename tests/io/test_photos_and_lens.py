"""Photos at the camera's size, and lenses undone: undistort(distort(picture)) is the picture."""

import tracemalloc

import numpy as np
import pycolmap
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.lens import nearest_pixels, sample_points, split_lens, undistort
from gsseg.io.photos import read_photo
from gsseg.scene import Camera, Lens, View

EYE = np.eye(4)
LENSES = [
    ("SIMPLE_RADIAL", [100.0, 80.0, 60.0, -0.15]),
    ("RADIAL", [100.0, 80.0, 60.0, 0.1, -0.02]),
    ("OPENCV", [100.0, 105.0, 79.0, 61.0, -0.1, 0.02, 0.003, -0.002]),
    ("OPENCV_FISHEYE", [100.0, 100.0, 80.0, 60.0, 0.02, -0.01, 0.0, 0.0]),
    ("FOV", [100.0, 100.0, 80.0, 60.0, 0.6]),
]


def smooth(x, y):
    """A picture without edges, of pixel coordinates."""
    return np.stack([127 + 100 * np.sin(x / 19), 127 + 100 * np.cos(y / 17), 127 + 60 * np.sin((x + y) / 23)], -1)


@pytest.mark.parametrize(("model", "params"), LENSES)
def test_a_distorted_picture_comes_back_straight(model, params):
    (fx, fy, cx, cy), lens = split_lens(model, 160, 120, params)
    assert lens == Lens(model, 160, 120, tuple(map(float, params)))
    oracle = pycolmap.Camera(model=model, width=160, height=120, params=params)
    columns, rows = np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5)
    rays = np.asarray(oracle.cam_from_img(np.stack([columns.ravel(), rows.ravel()], 1)))
    straight = (rays * (fx, fy) + (cx, cy)).reshape(120, 160, 2)
    photo = np.rint(smooth(straight[..., 0], straight[..., 1])).astype(np.uint8)
    camera = Camera(160, 120, fx, fy, cx, cy, EYE)
    expected = smooth(columns, rows)
    got = undistort(photo, camera, lens).astype(float)
    seen = got.any(-1)
    assert seen.mean() > 0.8
    inner = seen & (np.abs(columns - 80) < 70) & (np.abs(rows - 60) < 50)
    assert np.abs(got - expected)[inner].max() < 4
    by_rows, by_columns, inside = nearest_pixels(camera, lens, 160, 120)
    assert np.abs(photo[by_rows, by_columns].astype(float) - expected)[inner & inside].max() < 12


def test_half_resolution_sees_the_same_directions():
    params = LENSES[2][1]
    (fx, fy, cx, cy), lens = split_lens("OPENCV", 160, 120, params)
    camera = Camera(160, 120, fx, fy, cx, cy, EYE)
    columns, rows = np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5)
    photo = np.rint(smooth(columns, rows)).astype(np.uint8)
    full, half = undistort(photo, camera, lens), undistort(photo, camera.resized(80, 60), lens)
    averaged = full.reshape(60, 2, 80, 2, 3).mean((1, 3))
    assert np.abs(averaged - half)[5:-5, 5:-5].max() < 3


def test_a_lens_that_folds_back_shows_nothing_twice():
    # r (1 - 0.5 r^2) turns back at r = 0.82; the corner of this camera lies at r = 1.
    (fx, fy, cx, cy), lens = split_lens("SIMPLE_RADIAL", 160, 120, [100.0, 80.0, 60.0, -0.5])
    _, _, inside = nearest_pixels(Camera(160, 120, fx, fy, cx, cy, EYE), lens, 160, 120)
    columns, rows = np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5)
    radius = np.hypot(columns - 80, rows - 60) / 100
    assert inside[radius < 0.7].all()
    assert not inside[radius > 0.83].any()


def test_without_a_lens_the_nearest_pixel_is_the_one_under_the_centre():
    camera = Camera(6, 4, 5.0, 5.0, 3.0, 2.0, EYE)
    rows, columns, inside = nearest_pixels(camera, None, 3, 2)
    assert rows.ravel().tolist() == [0, 0, 1, 1]
    assert columns.ravel().tolist() == [0, 0, 1, 1, 2, 2]
    assert inside is None
    rows, columns, _ = nearest_pixels(camera, None, 6, 4)
    assert columns.ravel().tolist() == list(range(6))


def view_of(path, width=32, height=24, lens=None):
    return View("a", Camera(width, height, 30.0, 30.0, width / 2, height / 2, EYE), None, path, lens)


def test_photo_at_its_own_size_is_untouched_and_smaller_is_averaged(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read_photo(view_of(tmp_path / "a.png")), pixels)
    small = read_photo(view_of(tmp_path / "a.png", 16, 12))
    assert np.abs(small - pixels.reshape(12, 2, 16, 2, 3).mean((1, 3))).max() <= 1  # Pillow rounds once for each axis
    assert read_photo(view_of(tmp_path / "a.png", 64, 48)).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("mode", "value", "rgb"),
    [("L", 100, 100), ("LA", (100, 0), 0), ("RGBA", (100, 100, 100, 255), 100), ("I;16", 100 * 257, 100)],
)
def test_pictures_of_other_modes(tmp_path, mode, value, rgb):
    Image.new(mode, (32, 24), value).save(tmp_path / "a.png")
    assert (read_photo(view_of(tmp_path / "a.png")) == rgb).all()


def test_another_shape_than_the_cameras_is_an_error_that_names_both(tmp_path):
    Image.new("RGB", (24, 32)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"24 x 32 pixels, its camera is 32 x 24"):
        read_photo(view_of(tmp_path / "a.png"))
    Image.new("RGB", (1296, 968)).save(tmp_path / "b.png")  # rounding: 648 x 484 is the same shape
    assert read_photo(view_of(tmp_path / "b.png", 640, 480)).shape == (480, 640, 3)


def test_a_view_without_a_photo_is_the_callers_mistake():
    with pytest.raises(ValueError, match="has no photo"):
        read_photo(view_of(None))


def plainly(picture, camera, lens):
    """`undistort` with numpy's arrays."""
    fractions, inside = sample_points(camera, lens)
    rows, columns = picture.shape[:2]
    x = np.clip(fractions[..., 0] * columns - 0.5, 0, columns - 1)
    y = np.clip(fractions[..., 1] * rows - 0.5, 0, rows - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    to_right, to_bottom = (x - left)[..., None], (y - top)[..., None]
    upper = picture[top, left] * (1 - to_right) + picture[top, right] * to_right
    lower = picture[bottom, left] * (1 - to_right) + picture[bottom, right] * to_right
    return np.rint(upper * (1 - to_bottom) + lower * to_bottom).astype(np.uint8) * inside[..., None]


@pytest.mark.parametrize(("width", "height", "k1"), [(160, 120, 0.1), (123, 77, -0.3), (3, 2, -0.1), (1, 1, 0.1)])
def test_undistorting_is_the_plain_version(width, height, k1):
    camera = Camera(width, height, 0.8 * width, 0.8 * width, 0.49 * width, 0.52 * height, np.eye(4))
    lens = Lens("OPENCV", width, height, (0.8 * width, 0.8 * width, width / 2, height / 2, k1, 0.02, 0.001, 0.002))
    for rows, columns in ((height, width), (2 * height, 3 * width)):
        picture = np.random.default_rng(0).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        assert np.array_equal(undistort(picture, camera, lens), plainly(picture, camera, lens))


def test_undistorting_takes_no_more_memory_than_the_picture():
    camera = Camera(1200, 900, 900.0, 900.0, 600.0, 450.0, np.eye(4))
    lens = Lens("OPENCV", 1200, 900, (900.0, 900.0, 600.0, 450.0, 0.1, 0.0, 0.0, 0.0))
    picture = np.zeros((900, 1200, 3), np.uint8)
    undistort(picture, camera, lens)  # the rays are kept from now on
    tracemalloc.start()
    undistort(picture, camera, lens)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * picture.nbytes
