"""What becomes of a selection when the scene changes: what has vanished leaves it, and comes back to it with undo."""

from weakref import WeakKeyDictionary

import numpy as np

from gsseg_viewer.division import Division
from gsseg_viewer.selection import PieceSelection, without
from gsseg_viewer.state import Edition, State


class Regained:
    """What edits took from one person's selections."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._before: WeakKeyDictionary[Edition, tuple[PieceSelection, PieceSelection, int]] = WeakKeyDictionary()
        """Of a version that an edit has ended: the selection then, what the edit left of it, and how many pieces there
        were."""

    def after(self, division: Division, earlier: State, now: State, selected: PieceSelection) -> PieceSelection:
        """The selection after a change from one version to another; ``division``: that it speaks of.

        What is no longer drawn is left out. Where an edit has been undone that took from the selection, and nothing was
        selected since, it is as it was.
        """
        lost = np.flatnonzero(division.state(now, {}).gone & ~division.state(earlier, {}).gone)
        if len(lost):
            left = without(selected, frozenset(lost.tolist()))
            self._before[earlier.edition] = (selected, left, len(division))
            return left
        before, left, count = self._before.get(now.edition, (selected, selected, len(division)))
        return before.followed(division, count) if selected == left.followed(division, count) else selected
