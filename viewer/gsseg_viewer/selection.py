"""What one person has selected: a set of pieces, grown from clicks.

    anchor  -> a piece that was clicked, from which narrower and wider selections start
    level   -> fine: that code; object: its object; coarse: and every object's part of its coarse code;
               similar: and every piece whose feature is near

What belongs to no object is reached likewise: fine: that piece; object: what hangs together with it and looks alike;
coarse: and what of no object has its coarse code; similar: and what of no object is alike anywhere. Every level holds
the one before. Selections are values; the functions return new ones.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Integer
from numpy import ndarray

from gsseg.segmentation import NO_CODE, NO_OBJECT
from gsseg_viewer.division import Division
from gsseg_viewer.pieces import PieceTable
from gsseg_viewer.state import State

Level = Literal["fine code", "object", "coarse code", "similar features"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From narrow to wide."""

How = Literal["set", "add", "remove", "intersect"]
"""What becomes of the earlier selection: it is replaced, added to, lessened, or cut down to what it shares."""
HOWS: tuple[How, ...] = get_args(How)


LIKE = 0.15
"""Distance of colours, red, green and blue in 0..1, up to which neighbours that belong to no object hang together."""

COLOR_SHARE = 0.5
"""Of the reach of ``similar features`` where colours are compared, because no mask shows a thing."""


@dataclass(frozen=True)
class PieceSelection:
    """A set of pieces and where it came from."""

    pieces: frozenset[int] = field(default_factory=frozenset)
    """What is selected."""
    anchor: int | None = None
    """The piece last clicked."""
    anchors: frozenset[int] = field(default_factory=frozenset)
    """Every piece whose click is in the selection, the last one too: all of them grow and shrink together."""
    fixed: frozenset[int] = field(default_factory=frozenset)
    """Pieces that were taken as they are, by a tool or of no object by a rectangle: they neither grow nor shrink."""
    level: Level = "object"
    """How far the last click reached."""
    distance: float = 0.3
    """Reach of ``similar features``: Euclidean distance of features, or `COLOR_SHARE` of it for colours."""

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def objects(self, state: State) -> list[int]:
        """Objects that own a selected piece and are not deleted, ascending."""
        return state.owners(self.pieces)

    def mask(self, pieces: int) -> Bool[ndarray, " pieces"]:
        """Which of so many pieces are selected."""
        chosen = np.zeros(pieces, bool)
        chosen[[each for each in self.pieces if each < pieces]] = True
        return chosen

    def followed(self, division: Division, count: int) -> "PieceSelection":
        """The same selection from when there were ``count`` pieces, with all that was cut from them since."""
        pieces, fixed = (division.followed(each, count) for each in (self.pieces, self.fixed))
        return replace(self, pieces=pieces, fixed=fixed)


def reach(state: State, table: PieceTable, anchor: int, level: Level, distance: float) -> frozenset[int]:
    """Pieces that a click on ``anchor`` selects; nothing of what is hidden or deleted, unless it was clicked.

    From an object ``coarse code`` and ``similar features`` add pieces of objects only, from no object pieces of none.
    The code of what has none is not one that others share, and the zero feature of what no mask shows is near to none.
    """
    owner, step = state.owner[anchor], LEVELS.index(level)
    seen = ~state.gone
    seen[anchor] = True
    alike = seen & ((state.owner != NO_OBJECT) == (owner != NO_OBJECT))
    # What was cut from one code and still is of one object is one code to a click.
    chosen = seen & (state.origin == state.origin[anchor]) & (state.owner == owner)
    if step >= 1 and owner != NO_OBJECT:
        chosen |= seen & (state.owner == owner)
    elif step >= 1:
        chosen |= table.connected(anchor, alike & _near(table.colors, anchor, LIKE), state.origin)
    if step >= 2 and table.coarse[anchor] != NO_CODE:
        chosen |= alike & (table.coarse == table.coarse[anchor])
    if step >= 3 and table.features[anchor].any():
        chosen |= alike & _near(table.features, anchor, distance) & table.features.any(axis=1)
    elif step >= 3 and owner == NO_OBJECT:
        chosen |= alike & _near(table.colors, anchor, COLOR_SHARE * distance)
    return frozenset(np.flatnonzero(chosen).tolist())


def _near(values: Float32[ndarray, "pieces dim"], anchor: int, distance: float) -> Bool[ndarray, " pieces"]:
    return np.linalg.norm(values - values[anchor], axis=1) <= distance


def click(selection: PieceSelection, state: State, table: PieceTable, anchor: int | None, how: How) -> PieceSelection:
    """The selection after a click on ``anchor``: what it reaches, combined with what was selected before.

    A click on nothing (None) clears; where it was to add, take away or intersect it changes nothing.
    """
    if anchor is None:
        return cleared(selection) if how == "set" else selection
    there = reach(state, table, anchor, selection.level, selection.distance)
    clicked = replace(selection, pieces=there, anchor=anchor, anchors=frozenset({anchor}), fixed=frozenset())
    return combined(selection, clicked, how)


def combined(before: PieceSelection, there: PieceSelection, how: How) -> PieceSelection:
    """A selection and what somebody selects next."""
    if how == "set":
        return there
    if how == "add":
        return joined(before, there)
    return without(before, there.pieces if how == "remove" else before.pieces - there.pieces)


def widened(
    selection: PieceSelection, state: State, table: PieceTable, level: Level, distance: float
) -> PieceSelection:
    """What the anchors select at another level; without an anchor only the level of the next click changes."""
    chosen = replace(selection, level=level, distance=distance)
    anchors = _anchors(selection)
    if not anchors:
        return chosen
    grown = (reach(state, table, each, level, distance) for each in anchors)
    return replace(chosen, pieces=selection.fixed.union(*grown))


def of_objects(selection: PieceSelection, state: State, ids: list[int]) -> PieceSelection:
    """The given objects as the selection, as from the list of objects; what is deleted is left out, and what is hidden
    of an object of which something is drawn."""
    pieces = state.pieces_of(set(ids) - {NO_OBJECT})
    hidden = state.gone[pieces] & ~np.isin(state.owner[pieces], list(state.hidden_objects))
    return of_pieces(selection, state, pieces[~hidden])


def of_pieces(selection: PieceSelection, state: State, pieces: Integer[ndarray, " some"]) -> PieceSelection:
    """These pieces as the selection; the anchors are the largest of each object."""
    owned = pieces[state.owner[pieces] != NO_OBJECT]
    order = owned[np.argsort(-state.sizes[owned], kind="stable")]
    _, places = np.unique(state.owner[order], return_index=True)
    anchors = order[np.sort(places)].tolist()
    everything = frozenset(pieces.tolist())
    return replace(
        selection,
        pieces=everything,
        anchor=anchors[0] if anchors else None,
        anchors=frozenset(anchors),
        fixed=everything - frozenset(owned.tolist()),
        level="object",
    )


def as_they_are(selection: PieceSelection, pieces: Integer[ndarray, " some"]) -> PieceSelection:
    """These pieces as the selection, which neither grows nor shrinks with the level."""
    taken = frozenset(pieces.tolist())
    return replace(selection, pieces=taken, anchor=None, anchors=frozenset(), fixed=taken)


def cleared(selection: PieceSelection) -> PieceSelection:
    """Nothing selected; level and distance stay for the next click."""
    return replace(selection, pieces=frozenset(), anchor=None, anchors=frozenset(), fixed=frozenset())


def without(selection: PieceSelection, pieces: frozenset[int]) -> PieceSelection:
    """The selection less some pieces; what was clicked among them is no anchor any more."""
    anchors = _anchors(selection) - pieces
    anchor = selection.anchor if selection.anchor in anchors else max(anchors, default=None)
    left, fixed = selection.pieces - pieces, selection.fixed - pieces
    return replace(selection, pieces=left, anchor=anchor, anchors=anchors, fixed=fixed)


def joined(one: PieceSelection, other: PieceSelection) -> PieceSelection:
    """What either holds, with the level of the first; the anchor is that of the other where it has one."""
    return replace(
        one,
        pieces=one.pieces | other.pieces,
        anchor=one.anchor if other.anchor is None else other.anchor,
        anchors=_anchors(one) | _anchors(other),
        fixed=one.fixed | other.fixed,
    )


def _anchors(selection: PieceSelection) -> frozenset[int]:
    return frozenset() if selection.anchor is None else selection.anchors | {selection.anchor}
