"""Everything that decides the splats, in one frozen value."""

from dataclasses import dataclass
from typing import Literal

from gsseg.validation import LARGEST_SEED, check_choice, check_flag, check_real, check_whole


@dataclass(frozen=True, kw_only=True)
class SplatConfig:
    """How photos become splats. Rates are per step of Adam, for a picture whose loss is a mean over its pixels."""

    iterations: int = 3000
    """Steps, one photo each."""
    max_gaussians: int = 60_000
    """Gaussians are added up to this many."""
    sh_degree: int = 1
    """Degree of the spherical harmonics of the colours, 0 to 3: how much they may change with the direction of view."""
    seed: int = 0
    """Decides every random choice."""
    freeze_points: bool = False
    """One Gaussian a point: positions stay, none is added or removed; opacity, size, rotation and colour are learnt."""
    exposure: bool = True
    """Learn brightness and contrast of each photo beside the splats, which then have those of the mean photo."""
    cache_mb: int = 1024
    """Photos kept in memory, MiB; others are read again when their turn comes. Changes no result."""
    ssim_share: float = 0.2
    """Share of 1 - SSIM in the loss; the rest is the mean absolute difference."""
    mean_rate: float = 4e-4
    """Of positions, times the extent of the cameras; falls to a hundredth."""
    scale_rate: float = 1e-2
    """Of log scales; falls to a tenth, like the next four."""
    rotation_rate: float = 3e-3
    """Of quaternions."""
    opacity_rate: float = 5e-2
    """Of opacity logits."""
    color_rate: float = 1e-2
    """Of the colour that does not change with direction."""
    harmonics_rate: float = 1e-3
    """Of what does."""
    exposure_rate: float = 2e-3
    """Of the photos' brightness and contrast."""
    exposure_until: float = 0.67
    """Share of all steps after which they are not learnt any more, but fade."""
    exposure_cost: float = 1.0
    """Weight of their squared distance from what was measured on the points: where cameras hardly overlap, splats twice
    as bright in photos half as bright are as good."""
    opacity_cost: float = 0.01
    """Weight of the mean opacity in the loss: what no photo asks for fades, and is used elsewhere."""
    scale_cost: float = 0.01
    """Weight of the mean scale (in extents of the cameras) in the loss."""
    refine_every: int = 100
    """Steps between two looks at where Gaussians are missing."""
    refine_views: int = 6
    """Photos that such a look compares."""
    grow_until: float = 0.7
    """Share of all steps after which no Gaussian is added."""
    quarter_until: float = 0.1
    """Share of all steps at a quarter of the photos' width and height."""
    half_until: float = 0.35
    """Share of all steps after which photos are taken at their full size."""
    harmonics_from: float = 0.6
    """Share of all steps before which colours do not change with direction."""
    clear_space: bool = False
    """Take Gaussians away that more photos look through than see something at, by depths that photos agree on: it takes
    haze away before pale walls, and whatever wrong depths deny."""
    dead_opacity: float = 0.005
    """Gaussians of less opacity are used elsewhere."""
    gpu_strategy: Literal["mcmc", "default"] = "mcmc"
    """How gsplat adds and moves Gaussians on a GPU: its MCMCStrategy or its DefaultStrategy."""
    solve_colors: bool = True
    """Solve for the colours after the last step, by conjugate gradients; on the processor."""
    settled_db: float = 0.0
    """End early where the PSNR of the training photos has gained less than this over a tenth of the steps, at full
    size and after growth; 0 = never."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_whole(self, "iterations", "max_gaussians", "refine_every", "refine_views", "cache_mb", least=1)
        check_whole(self, "sh_degree", least=0, most=3)
        check_whole(self, "seed", least=0, most=LARGEST_SEED)
        check_choice(self, "gpu_strategy", ("mcmc", "default"))
        check_flag(self, "freeze_points", "exposure", "solve_colors", "clear_space")
        shares = (
            "ssim_share",
            "grow_until",
            "quarter_until",
            "half_until",
            "harmonics_from",
            "dead_opacity",
            "exposure_until",
        )
        check_real(self, *shares, least=0, most=1)
        rates = ("mean_rate", "scale_rate", "rotation_rate", "opacity_rate", "color_rate", "harmonics_rate")
        check_real(self, *rates, "exposure_rate", "exposure_cost", "opacity_cost", "scale_cost", "settled_db", least=0)
