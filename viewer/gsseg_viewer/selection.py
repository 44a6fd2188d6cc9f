"""What one person has selected: a set of pieces, grown from clicks.

    anchor  -> a piece that was clicked, from which narrower and wider selections start
    level   -> fine: that code; object: its object; coarse: and every object's part of its coarse code;
               similar: and every piece whose feature is near

Every level holds the one before. Selections are values; the functions return new ones.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy import ndarray

from gsseg.segmentation import NO_CODE, NO_OBJECT
from gsseg_viewer.state import State

Level = Literal["fine code", "object", "coarse code", "similar features"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From narrow to wide."""


@dataclass(frozen=True, eq=False)
class PieceTable:
    """What the pieces stand for; the same for every state."""

    coarse: Int32[ndarray, " pieces"]
    """Coarse code, `NO_CODE` = none."""
    fine: Int32[ndarray, " pieces"]
    """Fine code, `NO_CODE` = none."""
    features: Float32[ndarray, "pieces dim"]
    """Discrete feature, about of unit length; zero for what no mask shows."""


@dataclass(frozen=True)
class PieceSelection:
    """A set of pieces and where it came from."""

    pieces: frozenset[int] = field(default_factory=frozenset)
    """What is selected."""
    anchor: int | None = None
    """The piece last clicked."""
    anchors: frozenset[int] = field(default_factory=frozenset)
    """Every piece whose click is in the selection, the last one too: all of them grow and shrink together."""
    level: Level = "object"
    """How far the last click reached."""
    distance: float = 0.3
    """Reach of ``similar features``: Euclidean distance of features."""

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def objects(self, state: State) -> list[int]:
        """Objects that own a selected piece and are not deleted, ascending."""
        owners = state.owner[sorted(self.pieces)] if self.pieces else np.empty(0, np.int32)
        return sorted({int(each) for each in owners} - {NO_OBJECT} - state.deleted)

    def mask(self, pieces: int) -> Bool[ndarray, " pieces"]:
        """Which of so many pieces are selected."""
        chosen = np.zeros(pieces, bool)
        chosen[sorted(self.pieces)] = True
        return chosen


def reach(state: State, table: PieceTable, anchor: int, level: Level, distance: float) -> frozenset[int]:
    """Pieces that a click on ``anchor`` selects; nothing of what is hidden or deleted, unless it was clicked.

    ``coarse code`` and ``similar features`` add pieces of objects only. The code of what has none is not one that
    others share, and the zero feature of what no mask shows is near to none.
    """
    owner = state.owner[anchor]
    chosen = np.zeros(len(state.owner), bool)
    chosen[anchor] = True
    step = LEVELS.index(level)
    if step >= 1 and owner != NO_OBJECT:
        chosen |= state.owner == owner
    if step >= 2 and table.coarse[anchor] != NO_CODE:
        chosen |= (table.coarse == table.coarse[anchor]) & (state.owner != NO_OBJECT)
    if step >= 3 and table.features[anchor].any():
        apart = np.linalg.norm(table.features - table.features[anchor], axis=1)
        chosen |= (apart <= distance) & table.features.any(axis=1) & (state.owner != NO_OBJECT)
    chosen &= ~np.isin(state.owner, list(state.gone - {int(owner)}))
    return frozenset(np.flatnonzero(chosen).tolist())


def click(
    selection: PieceSelection, state: State, table: PieceTable, anchor: int | None, how: Literal["set", "add", "remove"]
) -> PieceSelection:
    """The selection after a click on ``anchor``: what was clicked replaces it, is added, or is taken from it.

    A click on nothing (None) clears; with a modifier it changes nothing.
    """
    if anchor is None:
        return cleared(selection) if how == "set" else selection
    there = reach(state, table, anchor, selection.level, selection.distance)
    if how == "remove":
        return without(selection, there)
    if how == "set":
        return replace(selection, pieces=there, anchor=anchor, anchors=frozenset({anchor}))
    return replace(selection, pieces=selection.pieces | there, anchor=anchor, anchors=_anchors(selection) | {anchor})


def widened(
    selection: PieceSelection, state: State, table: PieceTable, level: Level, distance: float
) -> PieceSelection:
    """What the anchors select at another level; without an anchor only the level of the next click changes."""
    chosen = replace(selection, level=level, distance=distance)
    anchors = _anchors(selection)
    if not anchors:
        return chosen
    return replace(chosen, pieces=frozenset().union(*(reach(state, table, each, level, distance) for each in anchors)))


def of_objects(selection: PieceSelection, state: State, ids: list[int]) -> PieceSelection:
    """The given objects as the selection, as from the list of objects; what is deleted is left out."""
    first, owned = None, frozenset(ids) - state.deleted - {NO_OBJECT}
    pieces = state.pieces_of(owned)
    order = pieces[np.argsort(-state.sizes[pieces], kind="stable")]  # an object's anchor is its largest piece
    _, places = np.unique(state.owner[order], return_index=True)
    anchors = order[np.sort(places)].tolist()
    if anchors:
        first = anchors[0]
    return replace(
        selection, pieces=frozenset(pieces.tolist()), anchor=first, anchors=frozenset(anchors), level="object"
    )


def cleared(selection: PieceSelection) -> PieceSelection:
    """Nothing selected; level and distance stay for the next click."""
    return replace(selection, pieces=frozenset(), anchor=None, anchors=frozenset())


def without(selection: PieceSelection, pieces: frozenset[int]) -> PieceSelection:
    """The selection less some pieces; what was clicked among them is no anchor any more."""
    anchors = _anchors(selection) - pieces
    anchor = selection.anchor if selection.anchor in anchors else max(anchors, default=None)
    return replace(selection, pieces=selection.pieces - pieces, anchor=anchor, anchors=anchors)


def _anchors(selection: PieceSelection) -> frozenset[int]:
    return frozenset() if selection.anchor is None else selection.anchors | {selection.anchor}
