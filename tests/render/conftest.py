"""Small scenes of every shape that a renderer may meet."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from gsseg.scene import Camera, Gaussians


@pytest.fixture(scope="session")
def make_gaussians() -> Callable[..., Gaussians]:
    """A function (kind, count, seed) -> Gaussians about the origin; `kind` says what is hard about them."""

    def make(kind: str = "plain", count: int = 200, seed: int = 0) -> Gaussians:
        gen = torch.Generator().manual_seed(seed)
        means = torch.rand(count, 3, generator=gen) * 2.0 - 1.0
        log_scales = torch.rand(count, 3, generator=gen) * 1.5 - 4.0
        logits = torch.randn(count, generator=gen) * 2.0
        if kind == "elongated":
            log_scales[:, 0] += 2.5
            log_scales[:, 1] -= 2.0
        elif kind == "behind":
            means[:, 1] = torch.rand(count, generator=gen) * 8.0 - 6.0
        elif kind == "huge":
            log_scales += 3.0
        elif kind == "border":
            means[:, 0] = torch.where(means[:, 0] > 0, means[:, 0] + 0.8, means[:, 0] - 0.8)
            log_scales += 1.0
        elif kind == "opaque":
            logits += 8.0
            log_scales += 1.0
        elif kind == "tiny":
            log_scales -= 4.0
            logits += 3.0
        elif kind != "plain":
            raise ValueError(kind)
        quats = torch.randn(count, 4, generator=gen)
        return Gaussians(
            means=means,
            log_scales=log_scales,
            quats_wxyz=quats / quats.norm(dim=1, keepdim=True),
            opacity_logits=logits,
            sh=torch.randn(count, 4, 3, generator=gen),
            drawable=torch.rand(count, generator=gen) > 0.05,
        )

    return make


@pytest.fixture(scope="session")
def make_camera() -> Callable[..., Camera]:
    """A function (width, height) -> camera at (0, -3, 0.3) looking along +y, with its centre off the middle."""

    def make(width: int = 40, height: int = 30) -> Camera:
        pose = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 0.3], [0, 1.0, 0, 3.0], [0, 0, 0, 1.0]])
        return Camera(width, height, 0.9 * width, 1.1 * height, 0.48 * width, 0.55 * height, pose)

    return make
