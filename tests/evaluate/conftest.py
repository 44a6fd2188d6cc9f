"""A scene of two balls before a camera, one beside the other."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gsseg.scene import Camera, Gaussians, Scene, SplatFile, View


@dataclass(frozen=True, eq=False)
class TwoBalls:
    """Two instances that nothing hides."""

    scene: Scene
    """Two views, ``front`` and ``side``, of 64 x 48 pixels."""
    instances: np.ndarray
    """0 of the first half, 1 of the second."""

    def faint(self, opacity_logits: torch.Tensor) -> Scene:
        """The scene with other opacities."""
        return replace(self.scene, gaussians=replace(self.scene.gaussians, opacity_logits=opacity_logits))

    def reordered(self, order: torch.Tensor) -> Scene:
        """The scene with its Gaussians in another order."""
        return replace(self.scene, gaussians=self.scene.gaussians.subset(order))


def _ball(centre: list[float], count: int, seed: int) -> torch.Tensor:
    gen = torch.Generator().manual_seed(seed)
    return torch.tensor(centre) + 0.3 * torch.nn.functional.normalize(torch.randn(count, 3, generator=gen), dim=1)


@pytest.fixture(scope="session")
def two_balls() -> TwoBalls:
    count = 300
    means = torch.cat([_ball([-0.6, 0, 3.0], count, 0), _ball([0.6, 0, 3.0], count, 1)])
    gaussians = Gaussians(
        means=means,
        log_scales=torch.full((2 * count, 3), -3.0),
        quats_wxyz=torch.tensor([[1.0, 0, 0, 0]]).repeat(2 * count, 1),
        opacity_logits=torch.full((2 * count,), 3.0),
        sh=torch.zeros(2 * count, 1, 3),
        drawable=torch.ones(2 * count, dtype=torch.bool),
    )
    moved = np.eye(4)
    moved[1, 3] = 0.3
    cameras = [Camera(64, 48, 60.0, 60.0, 32.0, 24.0, pose) for pose in (np.eye(4), moved)]
    views = [View(name, camera) for name, camera in zip(("front", "side"), cameras, strict=True)]
    scene = Scene(
        Path("scene"), SplatFile(Path("scene/splats.ply"), gaussians, np.empty(2 * count), []), gaussians, views, []
    )
    return TwoBalls(scene, np.repeat([0, 1], count).astype(np.int32))
