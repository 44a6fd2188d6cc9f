"""Points between points: on surfaces on whose depth photos agree, and nowhere else."""

import numpy as np
import pytest

from gsseg.splats import between
from gsseg.splats.between import points_between
from gsseg.splats.sweep import swept_depth
from tests.splats import wall

DEPTHS = wall.depth(wall.CAMERAS[2]).reshape(-1)[::50]


def grey(index: int) -> np.ndarray:
    return np.repeat((255 * wall.picture(wall.CAMERAS[index])).astype(np.uint8)[:, :, None], 3, 2)


def swept(change=lambda values: values) -> np.ndarray:
    others = [(wall.CAMERAS[k], change(wall.picture(wall.CAMERAS[k]))) for k in (0, 1, 3, 4)]
    return swept_depth(wall.CAMERAS[2], wall.picture(wall.CAMERAS[2]), others, DEPTHS)


def test_a_swept_depth_is_that_of_the_wall():
    found, true = swept(), wall.depth(wall.CAMERAS[2])
    assert np.isfinite(found).mean() > 0.99
    wrong = np.abs(found / true - 1)
    assert np.nanmedian(wrong) < 0.02  # a quarter of a pixel
    assert np.nanquantile(wrong, 0.95) < 0.05


def test_brightness_and_contrast_of_the_others_change_no_depth():
    found = swept(lambda values: 0.6 * values + 0.3)
    assert np.nanquantile(np.abs(found / swept() - 1), 0.95) < 0.01


def test_a_scaled_world_has_scaled_depths():
    cameras = [wall.camera_at(3.0 * camera.position[0]) for camera in wall.CAMERAS]
    others = [(cameras[k], wall.picture(wall.CAMERAS[k])) for k in (0, 1, 3, 4)]
    found = swept_depth(cameras[2], wall.picture(wall.CAMERAS[2]), others, 3.0 * DEPTHS)
    np.testing.assert_allclose(found, 3.0 * swept(), rtol=1e-3)


def test_photos_without_anything_have_no_depth():
    flat = np.full((wall.HEIGHT, wall.WIDTH), 0.5, np.float32)
    found = swept_depth(wall.CAMERAS[2], flat, [(wall.CAMERAS[k], flat) for k in (1, 3)], DEPTHS)
    assert np.isnan(found).all()


def test_points_lie_on_the_wall_in_the_colours_of_the_photos():
    points = wall.points()
    found = points_between(wall.CAMERAS, grey, points, wall.shown(points), 0)
    assert len(found.positions) > 500
    x, y, z = found.positions.T
    assert np.quantile(np.abs(z - (3.0 + 0.4 * x - 0.2 * y)), 0.95) < 0.12
    middle = wall.CAMERAS[2]
    pixels, depth = middle.project(found.positions)
    seen = middle.sees(pixels, depth)
    column, row = pixels[seen].astype(np.int64).T
    assert np.median(np.abs(found.colors[seen, 0] - wall.picture(middle)[row, column])) < 0.03
    again = points_between(wall.CAMERAS, grey, points, wall.shown(points), 0)
    assert np.array_equal(found.positions, again.positions)


def test_what_hangs_before_the_wall_is_where_nothing_is():
    points = wall.points()
    free = points_between(wall.CAMERAS, grey, points, wall.shown(points), 0).free
    assert free is not None
    inner = points[np.abs(points[:, :2]).max(1) < 0.8]
    assert free.empty(0.7 * inner).all()
    assert not free.empty(inner).any()
    assert not free.empty(1.3 * inner).any()  # hidden: nobody knows
    assert not free.empty(inner - [0.0, 0.0, 9.0]).any()  # behind every camera


def test_no_more_than_asked_for(monkeypatch):
    monkeypatch.setattr(between, "MOST", 50)
    points = wall.points()
    found = points_between(wall.CAMERAS, grey, points, wall.shown(points), 0)
    assert len(found.positions) == 50
    assert found.free is not None


@pytest.mark.parametrize("count", [0, 2])
def test_photos_that_share_too_few_points_are_not_compared(count: int):
    points = wall.points()[:count]
    found = points_between(wall.CAMERAS, grey, points, [np.arange(count)] * len(wall.CAMERAS), 0)
    assert found.positions.shape == (0, 3)


def test_one_other_photo_is_no_witness():
    points = wall.points()
    found = points_between(wall.CAMERAS[:2], grey, points, wall.shown(points)[:2], 0)
    assert len(found.positions) == 0
