"""A corner of three walls with a fine pattern, photographed from known places: what structure from motion can solve."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

WIDTH, HEIGHT, FOCAL = 240, 180, 220.0


@dataclass(frozen=True)
class Corner:
    """Photos and where they were taken."""

    photos: Path
    """view_0.png ..."""
    centers: np.ndarray
    """(views, 3) of the cameras."""


def wall_patterns(seed: int) -> np.ndarray:
    """Three grey pictures of 512 x 512 with detail of every size, one a wall."""
    noise = np.random.default_rng(seed).normal(size=(3, 512, 512))
    blurred = [gaussian_filter(noise, (0, s, s), mode="wrap") * s for s in (1, 2, 4, 8, 16)]
    pattern = np.sum(blurred, axis=0)
    return np.clip(127 + 60 * pattern / pattern.std(), 0, 255).astype(np.uint8)


def photograph(walls: np.ndarray, center: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What a pinhole camera sees of the planes x = 0, y = 0 and z = 0 of the positive octant."""
    forward = (target - center) / np.linalg.norm(target - center)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    u, v = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
    rays = u[..., None] * right + v[..., None] * down + FOCAL * forward
    with np.errstate(divide="ignore"):
        distances = np.where(rays < 0, -center / rays, np.inf)
    wall = distances.argmin(2)
    hits = center + rays * distances.min(2)[..., None]
    others = np.array([[1, 2], [0, 2], [0, 1]])[wall]
    places = (np.take_along_axis(hits, others, 2) * 90).astype(np.int64) % 512
    return walls[wall, places[..., 0], places[..., 1]]


def photograph_corner(folder: Path, views: int, seed: int) -> Corner:
    """Makes the folder and puts photos into it, taken on an arc about a corner."""
    folder.mkdir()
    walls = wall_patterns(seed)
    angles = np.linspace(0.45, 1.1, views)
    centers = np.stack([4 * np.cos(angles), 4 * np.sin(angles), 2 + 0.4 * np.sin(9 * angles)], 1)
    for row, center in enumerate(centers):
        picture = photograph(walls, center, np.array([0.6, 0.6, 0.7]))
        Image.fromarray(picture).convert("RGB").save(folder / f"view_{row}.png")
    return Corner(folder, centers)


@pytest.fixture(scope="session")
def make_corner(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Corner]:
    """A function (views, seed) -> a new folder of photos taken on an arc about a corner."""

    def make(views: int = 8, seed: int = 0) -> Corner:
        return photograph_corner(tmp_path_factory.mktemp("corner") / "photos", views, seed)

    return make
