"""What one person has selected: a set of labels, grown from clicks.

    anchor  -> a label that was clicked, from which narrower and wider selections start
    level   -> fine: that code; object: its object; coarse: and every object's part of its coarse code;
               similar: and every label whose feature is near

Every level holds the one before. Selections are values; the functions return new ones.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy import ndarray

from gsseg.segmentation.segmentation import NO_CODE
from gsseg.segmentation.table import NO_OBJECT
from gsseg_viewer.state import State

Level = Literal["fine code", "object", "coarse code", "similar features"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From narrow to wide."""


@dataclass(frozen=True, eq=False)
class LabelTable:
    """What the labels stand for; the same for every state."""

    coarse: Int32[ndarray, " labels"]
    """Coarse code, 65535 = none."""
    fine: Int32[ndarray, " labels"]
    """Fine code, 65535 = none."""
    features: Float32[ndarray, "labels dim"]
    """Discrete feature, about of unit length; zero for what no mask shows."""


@dataclass(frozen=True)
class Selection:
    """A set of labels and where it came from."""

    labels: frozenset[int] = field(default_factory=frozenset)
    """What is selected."""
    anchor: int | None = None
    """The label last clicked."""
    anchors: frozenset[int] = field(default_factory=frozenset)
    """Every label whose click is in the selection, the last one too: all of them grow and shrink together."""
    level: Level = "object"
    """How far the last click reached."""
    distance: float = 0.3
    """Reach of ``similar features``: Euclidean distance of features."""

    def __bool__(self) -> bool:
        return bool(self.labels)

    def objects(self, state: State) -> list[int]:
        """Objects that own a selected label and are not deleted, ascending."""
        owners = state.owner[sorted(self.labels)] if self.labels else np.empty(0, np.int32)
        return sorted({int(each) for each in owners} - {NO_OBJECT} - state.deleted)

    def mask(self, labels: int) -> Bool[ndarray, " labels"]:
        """Which of so many labels are selected."""
        chosen = np.zeros(labels, bool)
        chosen[sorted(self.labels)] = True
        return chosen


def reach(state: State, table: LabelTable, anchor: int, level: Level, distance: float) -> frozenset[int]:
    """Labels that a click on ``anchor`` selects; nothing of what is hidden or deleted, unless it was clicked.

    ``coarse code`` and ``similar features`` add labels of objects only. The code of what has none is not one that
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
    selection: Selection, state: State, table: LabelTable, anchor: int | None, how: Literal["set", "add", "remove"]
) -> Selection:
    """The selection after a click on ``anchor``: what was clicked replaces it, is added, or is taken from it.

    A click on nothing (None) clears; with a modifier it changes nothing.
    """
    if anchor is None:
        return cleared(selection) if how == "set" else selection
    there = reach(state, table, anchor, selection.level, selection.distance)
    if how == "remove":
        return without(selection, there)
    if how == "set":
        return replace(selection, labels=there, anchor=anchor, anchors=frozenset({anchor}))
    return replace(selection, labels=selection.labels | there, anchor=anchor, anchors=_anchors(selection) | {anchor})


def widened(selection: Selection, state: State, table: LabelTable, level: Level, distance: float) -> Selection:
    """What the anchors select at another level; without an anchor only the level of the next click changes."""
    chosen = replace(selection, level=level, distance=distance)
    anchors = _anchors(selection)
    if not anchors:
        return chosen
    return replace(chosen, labels=frozenset().union(*(reach(state, table, each, level, distance) for each in anchors)))


def of_objects(selection: Selection, state: State, ids: list[int]) -> Selection:
    """The given objects as the selection, as from the list of objects; what is deleted is left out."""
    first, owned = None, frozenset(ids) - state.deleted - {NO_OBJECT}
    labels = state.labels_of(owned)
    order = labels[np.argsort(-state.sizes[labels], kind="stable")]  # an object's anchor is its largest label
    _, places = np.unique(state.owner[order], return_index=True)
    anchors = order[np.sort(places)].tolist()
    if anchors:
        first = anchors[0]
    return replace(
        selection, labels=frozenset(labels.tolist()), anchor=first, anchors=frozenset(anchors), level="object"
    )


def cleared(selection: Selection) -> Selection:
    """Nothing selected; level and distance stay for the next click."""
    return replace(selection, labels=frozenset(), anchor=None, anchors=frozenset())


def without(selection: Selection, labels: frozenset[int]) -> Selection:
    """The selection less some labels; what was clicked among them is no anchor any more."""
    anchors = _anchors(selection) - labels
    anchor = selection.anchor if selection.anchor in anchors else max(anchors, default=None)
    return replace(selection, labels=selection.labels - labels, anchor=anchor, anchors=anchors)


def _anchors(selection: Selection) -> frozenset[int]:
    return frozenset() if selection.anchor is None else selection.anchors | {selection.anchor}
