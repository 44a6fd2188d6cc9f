"""Colours from spherical harmonics, as every 3DGS viewer evaluates them."""

import torch
from jaxtyping import Float, Float32, Float64
from numpy import ndarray
from torch import Tensor

from gsseg.scene.gaussians import Gaussians

SH_0 = 0.28209479177387814
"""Y_00 = 1 / (2 sqrt(pi))."""


def base_colors(gaussians: Gaussians) -> Float[Tensor, "gaussians 3"]:
    """The view-independent part of the colour, RGB in [0, 1] (values outside are cut)."""
    return torch.clamp(gaussians.sh[:, 0] * SH_0 + 0.5, 0.0, 1.0)


def seen_colors(gaussians: Gaussians, position: Float64[ndarray, "3"]) -> Float32[Tensor, "gaussians 3"]:
    """RGB of each Gaussian as seen from a position: its spherical harmonics to degree 3, as 3DGS evaluates them."""
    sh = gaussians.sh.cpu()
    offset = gaussians.means.cpu() - torch.from_numpy(position).float()
    x, y, z = torch.nn.functional.normalize(offset, dim=1).unbind(1)
    basis = [torch.full_like(x, SH_0)]
    if gaussians.sh_degree >= 1:
        basis += [-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x]
    if gaussians.sh_degree >= 2:
        basis += [
            1.0925484305920792 * x * y,
            -1.0925484305920792 * y * z,
            0.31539156525252005 * (3.0 * z * z - 1.0),
            -1.0925484305920792 * x * z,
            0.5462742152960396 * (x * x - y * y),
        ]
    if gaussians.sh_degree >= 3:
        basis += [
            -0.5900435899266435 * y * (3.0 * x * x - y * y),
            2.890611442640554 * x * y * z,
            -0.4570457994644658 * y * (5.0 * z * z - 1.0),
            0.3731763325901154 * z * (5.0 * z * z - 3.0),
            -0.4570457994644658 * x * (5.0 * z * z - 1.0),
            1.445305721320277 * z * (x * x - y * y),
            -0.5900435899266435 * x * (x * x - 3.0 * y * y),
        ]
    color = torch.full((len(gaussians), 3), 0.5)
    for k, function in enumerate(basis):
        color += function[:, None] * sh[:, k]
    return torch.clamp(color, min=0.0)
