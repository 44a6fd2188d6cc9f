"""Points from photos with known cameras lie on what the photos show; none where they show nothing alike."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gsseg.poses.triangulate import triangulate
from gsseg.scene import Camera
from tests.poses.conftest import FOCAL, HEIGHT, WIDTH

TARGET = np.array([0.6, 0.6, 0.7])


def camera_at(center: np.ndarray) -> Camera:
    """The camera of `photograph`."""
    forward = (TARGET - center) / np.linalg.norm(TARGET - center)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ center
    return Camera(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2, pose)


@pytest.fixture(scope="module")
def pictures(make_corner):
    """Photos of a corner of three walls, and their cameras."""
    corner = make_corner(6, seed=2)
    photos = [np.asarray(Image.open(corner.photos / f"view_{k}.png")) for k in range(6)]
    return photos, [camera_at(center) for center in corner.centers]


def test_points_lie_on_the_walls_in_the_world_of_the_cameras(pictures):
    photos, cameras = pictures
    stages = set()
    found = triangulate(cameras, photos.__getitem__, 0, lambda stage, done, total: stages.add(stage))
    points, colors = found.positions, found.colors
    assert len(points) > 200
    assert np.quantile(np.abs(points).min(1), 0.9) < 0.02  # one coordinate of each is that of its wall
    assert ((colors >= 0) & (colors <= 1)).all()
    assert np.ptp(colors, axis=1).max() < 0.02  # the walls are grey
    assert stages == {"features", "matches"}
    assert np.bincount(np.concatenate(found.shown), minlength=len(points)).min() >= 2
    for camera, rows in zip(cameras, found.shown, strict=True):
        assert camera.sees(*camera.project(points[rows])).all()


def test_the_same_photos_give_the_same_bits(pictures):
    photos, cameras = pictures  # else an interrupted training could not be gone on with
    runs = [triangulate(cameras, photos.__getitem__, 3) for _ in range(3)]
    for run in runs[1:]:
        for name in ("positions", "colors"):
            assert np.array_equal(getattr(run, name), getattr(runs[0], name))
        assert all(map(np.array_equal, run.shown, runs[0].shown))


def test_blank_photos_give_none(pictures):
    _, cameras = pictures
    blank = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    found = triangulate(cameras, lambda _: blank)
    assert found.positions.shape == found.colors.shape == (0, 3)
    assert [len(rows) for rows in found.shown] == [0] * len(cameras)


def test_pictures_can_be_saved_after_colmap_was_loaded():
    script = """if True:
        import io
        import gsseg.poses.features
        import numpy
        from PIL import Image
        for seed in range(50):
            pixels = numpy.random.default_rng(seed).integers(0, 255, (60, 80, 3), dtype=numpy.uint8)
            Image.fromarray(pixels).save(io.BytesIO(), "PNG", compress_level=1)
    """
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
