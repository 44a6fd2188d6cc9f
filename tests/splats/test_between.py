"""Points between points: on the planes that the points span, where photos agree, and nowhere else."""

import numpy as np
import pytest

from gsseg.scene import Camera
from gsseg.splats import between
from gsseg.splats.between import points_between

SIDE = 60


def camera_at(x: float) -> Camera:
    """Looks along z from (x, 0, 0)."""
    pose = np.eye(4)
    pose[0, 3] = -x
    return Camera(SIDE, SIDE, 60.0, 60.0, SIDE / 2, SIDE / 2, pose)


CAMERAS = [camera_at(x) for x in (-0.4, -0.2, 0.0, 0.2, 0.4)]


def picture(index: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), (51, 102, 10 * index), np.uint8)


def plane(x, y):
    """A slanted wall."""
    return np.stack([x, y, 3.0 + 0.4 * x - 0.2 * y], -1)


@pytest.fixture
def wall() -> np.ndarray:
    rng = np.random.default_rng(1)
    return plane(*rng.uniform(-1.6, 1.6, (2, 80)))


def shown(points: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(camera.sees(*camera.project(points))) for camera in CAMERAS]


def test_they_lie_on_the_plane_of_the_points_in_the_colours_of_the_photos(wall):
    found = points_between(CAMERAS, picture, wall, shown(wall), 0)
    assert len(found.positions) > 200
    np.testing.assert_allclose(found.positions[:, 2], plane(*found.positions[:, :2].T)[:, 2], atol=1e-5)
    assert np.allclose(found.colors[:, :2], (0.2, 0.4))
    assert len(np.unique(found.colors[:, 2])) == len(CAMERAS)
    again = points_between(CAMERAS, picture, wall, shown(wall), 0)
    assert np.array_equal(found.positions, again.positions)


def test_what_the_others_look_through_is_left_out(wall):
    rows = shown(wall)
    pole = np.array([[0.0, -0.9, 1.0], [0.02, 0.9, 1.0], [0.4, 0.0, 1.0]])  # one photo's points, wrongly placed
    points = np.concatenate([wall, pole])
    one = [np.append(mine, [80, 81, 82]) if k == 2 else mine for k, mine in enumerate(rows)]
    found = points_between(CAMERAS, picture, points, one, 0)
    assert len(found.positions) > 200
    assert (found.positions[:, 2] > 2.0).all()


def test_no_more_than_asked_for(wall, monkeypatch):
    monkeypatch.setattr(between, "MOST", 50)
    assert len(points_between(CAMERAS, picture, wall, shown(wall), 0).positions) == 50


def test_too_few_points_or_points_on_a_line_give_none(wall):
    line = plane(np.linspace(-1, 1, 9), np.zeros(9))
    for points in (wall[:2], line, wall[:0]):
        found = points_between(CAMERAS, picture, points, [np.arange(len(points))] * len(CAMERAS), 0)
        assert found.positions.shape == (0, 3)


def test_one_photo_is_no_witness(wall):
    found = points_between(CAMERAS[:2], picture, wall, shown(wall)[:2], 0)
    assert len(found.positions) == 0
