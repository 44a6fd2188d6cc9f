"""Balls of flat, opaque Gaussians, and cameras all round."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from gsseg.scene import Camera, Gaussians, View

RADIUS = 0.5


def _directions(count: int) -> np.ndarray:
    """Evenly spread over the sphere: a Fibonacci spiral."""
    k = np.arange(count) + 0.5
    z, angle = 1.0 - 2.0 * k / count, np.pi * (1.0 + 5.0**0.5) * k
    r = np.sqrt(1.0 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], 1)


@pytest.fixture(scope="session")
def make_balls() -> Callable[..., tuple[Gaussians, np.ndarray]]:
    """A function (centres) -> balls of `RADIUS` made of 800 discs each, and the object of each Gaussian."""

    def make(*centres: tuple[float, float, float]) -> tuple[Gaussians, np.ndarray]:
        normals = np.tile(_directions(800), (len(centres), 1))
        means = RADIUS * normals + np.repeat(np.array(centres), 800, axis=0)
        turns = [Rotation.align_vectors([n], [[0.0, 0.0, 1.0]])[0].as_quat()[[3, 0, 1, 2]] for n in normals[:800]]
        count = len(means)
        gaussians = Gaussians(
            means=torch.tensor(means, dtype=torch.float32),
            log_scales=torch.tensor(np.log([0.03, 0.03, 0.002]), dtype=torch.float32).repeat(count, 1),
            quats_wxyz=torch.tensor(np.tile(np.array(turns), (len(centres), 1)), dtype=torch.float32),
            opacity_logits=torch.full((count,), 4.0),
            sh=torch.tensor([[[1.0, -1.0, 0.0]]]).repeat(count, 1, 1),
            drawable=torch.ones(count, dtype=torch.bool),
        )
        return gaussians, np.repeat(np.arange(len(centres), dtype=np.int32), 800)

    return make


def look_at_origin(position: np.ndarray, size: int = 96) -> Camera:
    """A square camera that sees two balls' worth around the origin."""
    forward = -position / np.linalg.norm(position)
    right = np.cross(forward, [0.1, 0.2, 0.97])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ position
    return Camera(size, size, 1.2 * size, 1.2 * size, 0.48 * size, 0.51 * size, pose)


@pytest.fixture(scope="session")
def around() -> list[View]:
    """Twenty views from all sides, 3 units from the origin, without photos."""
    return [View(f"view_{k}", look_at_origin(3.0 * direction)) for k, direction in enumerate(_directions(20))]
