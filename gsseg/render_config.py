"""How splats want to be drawn: the settings of the rasterizer that they were trained with.

They are a property of the splats, like their opacities: drawn with others the same numbers make another picture and
other blending weights. So they travel with the Gaussians, and nobody who draws them can forget them.
"""

from dataclasses import dataclass

from gsseg.validation import check_flag, check_real


@dataclass(frozen=True, kw_only=True)
class RenderConfig:
    """What decides the blending weights besides the Gaussians' numbers and the camera; the defaults are gsplat's."""

    near_plane: float = 0.01
    """Gaussians whose centre is nearer than this (world units, along the view axis) are not drawn; positive."""
    dilation: float = 0.3
    """Pixels^2 added to the diagonal of every projected covariance: nothing is thinner than a pixel. Not negative."""
    antialiased: bool = False
    """Scale opacities so that the dilation does not thicken small Gaussians (Mip-Splatting; for splats trained so)."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "near_plane", above=0)
        check_real(self, "dilation", least=0)
        check_flag(self, "antialiased")


GSPLAT_RENDER = RenderConfig()
"""gsplat's settings, and those of nearly every trainer: what splats have that nobody says otherwise of."""
