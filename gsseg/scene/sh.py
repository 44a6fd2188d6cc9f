"""Colours from spherical harmonics, as every 3DGS viewer evaluates them."""

import torch
from jaxtyping import Float
from torch import Tensor

from gsseg.scene.gaussians import Gaussians

SH_0 = 0.28209479177387814
"""Y_00 = 1 / (2 sqrt(pi))."""


def base_colors(gaussians: Gaussians) -> Float[Tensor, "gaussians 3"]:
    """The view-independent part of the colour, RGB in [0, 1] (values outside are cut)."""
    return torch.clamp(gaussians.sh[:, 0] * SH_0 + 0.5, 0.0, 1.0)
