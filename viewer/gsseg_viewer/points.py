"""Several clicks for one selection: points that belong, points that do not, and how coarse the thing is that is meant.

    grain   0       the fine code of a point
            0..1/2  and those of its object whose feature is ever less near; 1/2: all of the object
            1/2..1  and what of other objects has a feature ever less near

A selection of a finer grain lies in that of a coarser one. What is nearer to a point that does not belong than to any
that does is left out. Points are rows of the splat file, so cutting pieces does not move them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int32
from numpy import ndarray

from gsseg.segmentation import NO_OBJECT
from gsseg_viewer.pieces import PieceTable
from gsseg_viewer.selection import COLOR_SHARE, LIKE
from gsseg_viewer.state import State

FARTHEST = 1.0
"""Distance of features at the coarsest grain: of unit length, unlike ones are about 1.4 apart."""


@dataclass(frozen=True)
class Points:
    """What was clicked."""

    belong: tuple[int, ...] = ()
    """Rows of Gaussians that are of the thing."""
    others: tuple[int, ...] = ()
    """Rows of Gaussians that are not."""
    grain: float = 0.5
    """0..1, from fine to coarse."""


def meant(
    points: Points, state: State, table: PieceTable, pieces: Int32[ndarray, " gaussians"]
) -> Bool[ndarray, " pieces"]:
    """The pieces that are meant; nothing of what is hidden or deleted. ``pieces``: of each Gaussian."""
    chosen = np.zeros(len(state.owner), bool)
    nearest = np.full(len(state.owner), np.inf)
    for row in points.belong:
        anchor = int(pieces[row])
        chosen |= coarseness(state, table, anchor) <= points.grain
        nearest = np.minimum(nearest, _apart(table, anchor))
    for row in points.others:
        anchor = int(pieces[row])
        chosen &= nearest <= _apart(table, anchor)
        chosen &= (state.origin != state.origin[anchor]) | (state.owner != state.owner[anchor])
    return chosen & ~state.gone


def coarseness(state: State, table: PieceTable, anchor: int) -> Float64[ndarray, " pieces"]:
    """The grain, 0..1, from which on each piece is meant by a point on ``anchor``; inf where none is coarse enough."""
    apart, own = _apart(table, anchor), state.owner == state.owner[anchor]
    alike = (state.owner != NO_OBJECT) == (state.owner[anchor] != NO_OBJECT)
    if state.owner[anchor] == NO_OBJECT:
        own = table.connected(anchor, own & (apart <= LIKE), state.origin)
    widest = float(np.max(apart[own & np.isfinite(apart)], initial=0.0)) or 1.0
    reach = FARTHEST if table.features[anchor].any() else COLOR_SHARE * FARTHEST
    inside = 0.5 * np.minimum(apart / widest, 1.0)
    outside = 0.5 + 0.5 * np.maximum(apart / reach, 1e-6)
    return np.where(own, inside, np.where(alike & (outside <= 1), outside, np.inf))


def _apart(table: PieceTable, anchor: int) -> Float64[ndarray, " pieces"]:
    """Distance of features; of colours where no mask shows the anchor, and inf between the two kinds."""
    known = np.asarray(table.features.any(axis=1))
    values = table.features if known[anchor] else table.colors
    apart = np.linalg.norm(values.astype(np.float64) - values[anchor], axis=1)
    return np.where(known == known[anchor], apart, np.inf)
