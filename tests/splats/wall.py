"""A slanted wall with a pattern, in five photos taken side by side: depths are known for every pixel."""

import numpy as np

from gsseg.scene import Camera

WIDTH, HEIGHT = 120, 96


def camera_at(x: float) -> Camera:
    """Looks along z from (x, 0, 0)."""
    pose = np.eye(4)
    pose[0, 3] = -x
    return Camera(WIDTH, HEIGHT, 120.0, 120.0, WIDTH / 2, HEIGHT / 2, pose)


CAMERAS = [camera_at(x) for x in (-0.8, -0.4, 0.0, 0.4, 0.8)]


def depth(camera: Camera) -> np.ndarray:
    """Of every pixel: of the plane z = 3 + 0.4 x - 0.2 y."""
    y, x = np.mgrid[: camera.height, : camera.width]
    right, down = (x + 0.5 - camera.cx) / camera.fx, (y + 0.5 - camera.cy) / camera.fy
    return (3.0 + 0.4 * camera.position[0]) / (1.0 - 0.4 * right + 0.2 * down)


def picture(camera: Camera) -> np.ndarray:
    """Grey values in [0, 1] of waves in all directions on the wall."""
    y, x = np.mgrid[: camera.height, : camera.width]
    z = depth(camera)
    across, down = (x + 0.5 - camera.cx) / camera.fx * z + camera.position[0], (y + 0.5 - camera.cy) / camera.fy * z
    rng = np.random.default_rng(4)
    total = np.zeros(z.shape)
    for wave, phase in zip(rng.normal(0.0, 9.0, (12, 2)), rng.uniform(0, 7, 12), strict=True):
        total += np.sin(wave[0] * across + wave[1] * down + phase)
    return np.clip(0.5 + total / 12, 0.0, 1.0).astype(np.float32)


def points() -> np.ndarray:
    """Some on the wall."""
    x, y = np.random.default_rng(1).uniform(-1.2, 1.2, (2, 80))
    return np.stack([x, y, 3.0 + 0.4 * x - 0.2 * y], 1)


def shown(places: np.ndarray) -> list[np.ndarray]:
    """Of each photo the rows that it shows."""
    return [np.flatnonzero(camera.sees(*camera.project(places))) for camera in CAMERAS]
