"""A room made on the spot: surfaces covered with flat Gaussians, and views of it with a mask a surface."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.render import blend_weights
from gsseg.scene import Camera, Gaussians, View

ROOM = (6.0, 5.0, 2.6)
"""Width, depth and height, metres."""

BOXES = 8
"""Things on the floor and in the air; three faces of each can be seen."""

CAMERAS = ((0.4, 0.4, 1.7), (5.6, 0.4, 1.7), (5.6, 4.6, 1.7), (0.4, 4.6, 1.7))
"""Where the cameras are, metres."""


@dataclass(frozen=True, eq=False)
class BenchScene:
    """What is measured on."""

    gaussians: Gaussians
    surfaces: Int64[Tensor, " gaussians"]
    """Surface that each Gaussian lies on, from 0."""
    cameras: tuple[Camera, ...]
    """640 x 480 pixels, one from each corner of the room."""

    @property
    def camera(self) -> Camera:
        """The first, where one view is enough."""
        return self.cameras[0]


def bench_scene(count: int, seed: int = 0) -> BenchScene:
    """``count`` Gaussians spread evenly over the walls of a room and over boxes in it, by area.

    Their size falls with the square root of their density, so that a pixel sees a similar number at any count.
    """
    rng = np.random.default_rng(seed)
    corners, edges = _surfaces(rng)
    areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    surface = rng.choice(len(areas), count, p=areas / areas.sum())
    at = rng.random((count, 2))
    means = corners[surface] + at[:, :1] * edges[surface, 0] + at[:, 1:] * edges[surface, 1]
    means += rng.normal(0.0, 0.004, means.shape)
    size = 1.3 * math.sqrt(areas.sum() / count)
    log_scales = np.log(size) + rng.normal(0.0, 0.4, (count, 3))
    normal_axis = np.argmin(np.abs(edges[surface]).sum(1), axis=1)
    log_scales[np.arange(count), normal_axis] -= 2.0
    quats = np.concatenate([np.ones((count, 1)), rng.normal(0.0, 0.1, (count, 3))], 1)
    gaussians = Gaussians(
        means=torch.from_numpy(means.astype(np.float32)),
        log_scales=torch.from_numpy(log_scales.astype(np.float32)),
        quats_wxyz=torch.from_numpy((quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32)),
        opacity_logits=torch.from_numpy(rng.normal(0.0, 1.5, count).astype(np.float32)),
        sh=torch.zeros(count, 1, 3),
        drawable=torch.ones(count, dtype=torch.bool),
    )
    return BenchScene(gaussians, torch.from_numpy(surface), tuple(_camera(np.array(at)) for at in CAMERAS))


def masked_views(scene: BenchScene) -> list[View]:
    """The scene's views with masks: each pixel belongs to the surface that gives it most of its light."""
    surfaces = torch.nn.functional.one_hot(scene.surfaces).float()
    views = []
    for number, camera in enumerate(scene.cameras):
        shares = blend_weights(scene.gaussians, camera).render(surfaces)
        _, labels = torch.unique(shares.argmax(1), return_inverse=True)
        masks = (labels + 1).reshape(camera.height, camera.width).numpy().astype(np.uint16)
        views.append(View(f"corner {number}", camera, masks))
    return views


def _surfaces(rng: np.random.Generator) -> tuple[Float64[ndarray, "surfaces 3"], Float64[ndarray, "surfaces 2 3"]]:
    """A corner and two edges of every rectangle: the room's six, then six a box."""
    solids = [(np.zeros(3), np.array(ROOM))]
    for _ in range(BOXES):
        size = rng.uniform(0.2, 0.9, 3)
        solids.append((rng.uniform([1.2, 1.2, 0.0], np.array(ROOM) - size), size))
    corners, edges = [], []
    for low, size in solids:
        for axis in range(3):
            across = [np.eye(3)[other] * size[other] for other in range(3) if other != axis]
            for side in (0.0, size[axis]):
                corners.append(low + side * np.eye(3)[axis])
                edges.append(across)
    return np.array(corners), np.array(edges)


def _camera(position: Float64[ndarray, "3"]) -> Camera:
    """Looks towards the far side of the room."""
    target = np.array([4.0, 3.6, 0.9])
    target[:2] = np.where(position < np.array(ROOM) / 2, target, ROOM - target)[:2]
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ position
    return Camera(640, 480, 420.0, 420.0, 320.0, 240.0, pose)
