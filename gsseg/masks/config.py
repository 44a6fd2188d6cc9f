"""How masks are made of photos."""

from dataclasses import dataclass
from typing import Literal, get_args

from gsseg.masks.segmenter import Precision
from gsseg.validation import check_choice, check_flag, check_real, check_whole

Detail = Literal["all", "small", "medium", "large"]
"""Which of the three masks that a model proposes for a point: a part, more of it, the whole, or all of them."""


@dataclass(frozen=True)
class MasksConfig:
    """Options of automatic masks."""

    grid: int = 16
    """Points a side that the model is asked about. 32, SAM's own, takes four times as long and finds smaller things."""
    refine: bool = True
    """Ask again on a grid twice as fine where the first left more than 2 % of the picture without a mask."""
    detail: Detail = "all"
    """Masks to use: small parts, medium ones, large wholes, or all; smaller ones lie on top."""
    levels: bool = False
    """Write LangSplat's files with all four details instead of one label map a photo."""
    score: float = 0.8
    """Least IoU that the model expects of a mask. SAM's own, 0.88, leaves much of a room empty."""
    stability: float = 0.92
    """Least IoU of a mask with itself at a threshold one higher and one lower."""
    most_alike: float = 0.7
    """Of two masks that share more than this (IoU), the better one is kept."""
    least_share: float = 0.0003
    """Smallest mask, as a share of the picture; at 1024 x 768 pixels 236 of them."""
    max_side: int = 1024
    """Label maps have at most so many pixels on the longer side; they are fitted to any photo."""
    follow: int = 0
    """Follow objects through the photos, in the order of their names, as through a video, and look for new ones in
    every so many-th photo: needs a sam2_video or edgetam_video. 0: every photo by itself."""
    precision: Precision = "auto"
    """Numbers that the network calculates with; auto: bfloat16 where the processor has instructions for it."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_whole(self, "grid", least=1, most=128)
        check_flag(self, "refine", "levels")
        check_choice(self, "detail", get_args(Detail))
        check_choice(self, "precision", get_args(Precision))
        check_real(self, "score", "stability", "most_alike", least=0, most=1)
        check_real(self, "least_share", least=0, most=0.5)
        check_whole(self, "max_side", least=64, most=4096)
        check_whole(self, "follow", least=0, most=1000)
        if self.follow and self.levels:
            raise ValueError("follow makes one label map a photo: leave levels out, or follow")
