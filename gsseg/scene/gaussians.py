"""The splats: what every later stage reads and none changes.

Conventions: world units are the file's own; quaternions are wxyz; `log_scales` and `opacity_logits` are in
the optimiser's space, `scales` and `opacities` in the renderer's. Rows keep the order of their file for ever,
so an index means the same Gaussian in every stage and on disk.
"""

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gsseg.render_config import GSPLAT_RENDER, RenderConfig


@dataclass(frozen=True, eq=False)
class Gaussians:
    """A 3D Gaussian scene; geometry and opacity are frozen in all of gsseg (Kerbl et al. 2023)."""

    means: Float[Tensor, "gaussians 3"]
    """Centres, world units."""
    log_scales: Float[Tensor, "gaussians 3"]
    """Natural logarithm of the standard deviation along each of the Gaussian's own axes."""
    quats_wxyz: Float[Tensor, "gaussians 4"]
    """Unit rotations from the Gaussian's axes to the world's."""
    opacity_logits: Float[Tensor, " gaussians"]
    """Opacity before the sigmoid; finite."""
    sh: Float[Tensor, "gaussians coefficients 3"]
    """Spherical-harmonics colour, coefficient-major; (degree + 1)^2 coefficients."""
    drawable: Bool[Tensor, " gaussians"]
    """False for rows whose numbers in the file cannot be drawn (NaN, infinite position); they keep their place."""
    render: RenderConfig = GSPLAT_RENDER
    """Settings of the rasterizer that they were trained with and are to be drawn with."""

    def __len__(self) -> int:
        return self.means.shape[0]

    @property
    def scales(self) -> Float[Tensor, "gaussians 3"]:
        """Standard deviations along the Gaussian's axes, world units."""
        return torch.exp(self.log_scales)

    @property
    def opacities(self) -> Float[Tensor, " gaussians"]:
        """Opacity in [0, 1); 0 for rows that cannot be drawn."""
        return torch.sigmoid(self.opacity_logits) * self.drawable

    @property
    def sh_degree(self) -> int:
        """0 to 3 (or more): the degree of the colour's spherical harmonics."""
        return round(self.sh.shape[1] ** 0.5) - 1

    def to(self, device: torch.device | str) -> "Gaussians":
        """The same Gaussians on another device."""
        return replace(self, **{name: values.to(device) for name, values in self.tensors().items()})

    def subset(self, rows: Tensor) -> "Gaussians":
        """Only the given rows (indices or a boolean mask), in the given order."""
        return replace(self, **{name: values[rows] for name, values in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """Name -> tensor of everything that has a row for each Gaussian."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}
