"""What one person had selected before: a selection that was lost by a click comes back, as an edit does with undo."""

from gsseg_viewer.division import Division
from gsseg_viewer.selection import PieceSelection, without
from gsseg_viewer.state import State

MOST = 200
"""Selections that are remembered."""


class Recent:
    """The selections of one session, in the order in which they were made; guarded by the session's lock."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._past: list[tuple[PieceSelection, int]] = []
        self._future: list[tuple[PieceSelection, int]] = []

    def replaced(self, before: PieceSelection, now: PieceSelection, pieces: int) -> None:
        """Takes note that one selection has taken the place of another; ``pieces``: how many there were then."""
        if before.pieces != now.pieces:
            self._past = [*self._past, (before, pieces)][-MOST:]
            self._future = []

    def step(self, now: PieceSelection, division: Division, state: State, back: bool) -> PieceSelection | None:
        """The selection before this one, or after it where one has gone back; None where there is none. What is not
        drawn any more is left out, and a selection that is as it is now without it is passed over."""
        source, other = (self._past, self._future) if back else (self._future, self._past)
        gone = frozenset(state.gone.nonzero()[0].tolist())
        while source:
            kept, pieces = source.pop()
            found = without(kept.followed(division, pieces), gone)
            if found.pieces != now.pieces:
                other.append((now, len(division)))
                return found
        return None
