"""How cameras are found from photos."""

from dataclasses import dataclass
from typing import Literal, get_args

from gsseg.validation import LARGEST_SEED, check_choice, check_real, check_whole

LensModel = Literal["SIMPLE_RADIAL", "RADIAL", "OPENCV", "OPENCV_FISHEYE"]
"""Models of COLMAP whose photos can be made pinhole pictures."""

Pairing = Literal["auto", "all", "alike", "order"]
"""Which photos are compared: every pair, those that look alike, or neighbours in the order of their names."""

ALL_UP_TO = 120
"""Photos of which every pair is compared where nothing else was asked for: 7,140 pairs, some minutes on two cores."""


@dataclass(frozen=True)
class PosesConfig:
    """Options of structure from motion; the defaults suit photos and films of a phone."""

    lens: LensModel = "SIMPLE_RADIAL"
    """Model of the lens: OPENCV for wide lenses and action cameras, OPENCV_FISHEYE for fisheyes."""
    pairs: Pairing = "auto"
    """Photos that are compared: all pairs, those that look alike, or neighbours in the order of names. auto: order for
    a video, all up to 120 photos, alike beyond."""
    max_side: int = 1600
    """Features are looked for in photos scaled down to so many pixels on the longer side."""
    max_features: int = 8192
    """Features of a photo at most."""
    least_contrast: float = 0.0067
    """Features of less contrast are left out: SIFT's peak threshold. Lower finds more, and more that mislead."""
    seed: int = 0
    """Of every random choice. The last digits of cameras may still differ between runs: COLMAP sums on many threads."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_choice(self, "lens", get_args(LensModel))
        check_choice(self, "pairs", get_args(Pairing))
        check_whole(self, "max_side", least=64, most=16384)
        check_whole(self, "max_features", least=64, most=65536)
        check_real(self, "least_contrast", above=0, most=1)
        check_whole(self, "seed", least=0, most=LARGEST_SEED)
