"""What one person is in the middle of with the tools: points and scribbles so far, ends of a distance, a colour."""

from dataclasses import dataclass, field

from jaxtyping import Float64, Int64
from numpy import ndarray

from gsseg_viewer.points import Points
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.text import length


@dataclass(frozen=True, eq=False)
class Said:
    """What a person has said of the thing that is selected."""

    keep: Int64[ndarray, " kept"]
    """Rows of Gaussians that belong to it."""
    drop: Int64[ndarray, " dropped"]
    """Rows of those that do not."""
    made: PieceSelection
    """The selection that came of it; whatever is selected otherwise begins anew."""


@dataclass(frozen=True)
class Scale:
    """What lengths are called."""

    factor: float = 1.0
    """Units in a world unit."""
    unit: str = ""
    """Name of the unit; empty: world units."""

    def said(self, distance: float) -> str:
        """A distance in world units, for people."""
        return f"{length(distance * self.factor)} {self.unit}".strip()


@dataclass
class Work:
    """All of it; changed in the session's queue alone."""

    said: Said | None = None
    """What was kept and dropped."""
    points: Points = field(default_factory=Points)
    """Points of the thing that is meant."""
    points_made: PieceSelection = field(default_factory=PieceSelection)
    """The selection that came of these; whatever is selected otherwise begins anew."""
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """What the eyedropper took last, 0..1."""
    ends: tuple[Float64[ndarray, "3"], ...] = ()
    """Of the distance that is measured, world points; at most two."""
    flat: bool = False
    """Whether views from a side are nearly without perspective."""
    glide: bool = False
    """Whether the camera goes to another view by and by."""
    scale: Scale = field(default_factory=Scale)
    """What lengths are called."""
