"""What training starts from: one round Gaussian a point, as wide as its neighbours are far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray
from scipy.spatial import KDTree

from gsseg.scene import Camera
from gsseg.scene.sh import SH_0
from gsseg.splats.free_space import FreeSpace
from gsseg.splats.model import Model
from gsseg.splats.photos import PhotoCache

NEIGHBOURS = 3
FIRST_OPACITY = 0.1
RANDOM_POINTS = 20_000


@dataclass(frozen=True, eq=False)
class Points:
    """Coloured points in the world of the cameras."""

    positions: Float64[ndarray, "points 3"]
    colors: Float32[ndarray, "points 3"]
    """RGB in [0, 1]."""
    guessed: bool = False
    """Whether nobody has seen where they are."""
    free: FreeSpace | None = None
    """Where nothing is, if that is known."""

    def some(self, count: int, seed: int) -> "Points":
        """So many of them by chance, in their order."""
        chosen = np.sort(np.random.default_rng([seed, 8]).permutation(len(self.positions))[:count])
        return replace(self, positions=self.positions[chosen], colors=self.colors[chosen])


def extent(cameras: Sequence[Camera]) -> float:
    """Radius of the cameras about their middle, world units: what rates of positions are relative to."""
    places = np.array([camera.position for camera in cameras])
    return max(1.1 * float(np.linalg.norm(places - places.mean(0), axis=1).max()), 1e-6)


def random_points(photos: PhotoCache, count: int, seed: int) -> Points:
    """Points on random rays of the cameras, in their photo's colour, about as far as the cameras look.

    That distance is where the axes of view come nearest to each other; depths are spread from a third of it to
    three times it.
    """
    rng = np.random.default_rng([seed, 7])
    cameras = [view.camera for view in photos.views]
    places = np.array([camera.position for camera in cameras])
    axes = np.array([camera.T_camera_world[2, :3] for camera in cameras])
    # The point nearest to all axes; a little of the identity keeps it near the cameras where axes are parallel.
    away = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    middle = np.linalg.solve(
        away.sum(0) + 1e-3 * np.eye(3), (away @ places[:, :, None]).sum(0)[:, 0] + 1e-3 * places.mean(0)
    )
    depth = max(float(np.median(np.linalg.norm(places - middle, axis=1))), extent(cameras))
    owner = np.sort(rng.integers(0, len(cameras), count))
    positions, colors = np.empty((count, 3)), np.empty((count, 3), np.float32)
    for index in np.unique(owner):
        mine = np.flatnonzero(owner == index)
        photo = photos.read(int(index), 4)
        camera = photo.camera
        x, y = rng.integers(0, camera.width, len(mine)), rng.integers(0, camera.height, len(mine))
        z = depth * 3.0 ** rng.uniform(-1, 1, len(mine))
        inside = np.stack([(x + 0.5 - camera.cx) / camera.fx * z, (y + 0.5 - camera.cy) / camera.fy * z, z], 1)
        positions[mine] = inside @ camera.T_camera_world[:3, :3] + camera.position
        colors[mine] = photo.pixels[:, y, x].T
    return Points(positions, colors, guessed=True)


def initial_model(points: Points, sh_degree: int) -> Model:
    """One Gaussian a point, its scale the mean distance to its `NEIGHBOURS` nearest points."""
    count = len(points.positions)
    nearest = min(NEIGHBOURS, count - 1)
    if nearest:
        distances = KDTree(points.positions).query(points.positions, nearest + 1)[0][:, 1:].mean(1)
        largest = max(float(np.quantile(distances, 0.99)), 1e-7)  # a lone point far off must not cover the scene
        scales = np.clip(distances, largest * 1e-4, largest)
    else:
        scales = np.full(count, 0.1)
    sh = np.zeros((count, 3 * (sh_degree + 1) ** 2), np.float32)
    sh[:, :3] = (points.colors - 0.5) / SH_0
    return Model.new(
        points.positions.astype(np.float32),
        np.repeat(np.log(scales)[:, None], 3, 1).astype(np.float32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        np.full((count, 1), np.log(FIRST_OPACITY / (1 - FIRST_OPACITY)), np.float32),
        sh,
    )
