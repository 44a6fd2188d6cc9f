"""What all who look at a document share beside its versions: the classes, what is locked, which borders are right, and
whether it may be edited.

None of it is undone. Locks and judgements are kept beside the run (`gsseg_viewer.judged`), and classes come back with
the names that are of them.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gsseg_viewer.classes import ObjectClass, with_class
from gsseg_viewer.edits import EditError
from gsseg_viewer.judged import Judged, Pair
from gsseg_viewer.state import State, touched
from gsseg_viewer.text import plural

READ_ONLY = "this viewer only shows: it was started with --read-only"


class Shared:
    """May be used from any thread."""

    def __init__(
        self,
        tell: Callable[[str, int | None], None],
        classes: Sequence[ObjectClass] = (),
        read_only: bool = False,
        judged: Judged | None = None,
    ) -> None:
        """``tell``: told what has happened and who did it; ``read_only``: nothing can be edited; ``judged``: what is
        locked and kept at first."""
        self.read_only = read_only
        self._tell = tell
        self._lock = threading.Lock()
        self._judged = judged or Judged()
        self._classes = tuple(classes)

    @property
    def classes(self) -> tuple[ObjectClass, ...]:
        """What objects are named by."""
        with self._lock:
            return self._classes

    def add_class(self, name: str) -> None:
        """Adds the class of a name, where it is a new one."""
        with self._lock:
            self._classes = with_class(self._classes, name)

    @property
    def judged(self) -> Judged:
        """What is locked, and which borders are right."""
        with self._lock:
            return self._judged

    @property
    def locked(self) -> frozenset[int]:
        """Objects that edits leave alone; taking an earlier edit back is no edit."""
        return self.judged.locked

    def lock(self, ids: Iterable[int], on: bool, by: int | None = None) -> None:
        """Locks objects, or ends that."""
        chosen = frozenset(ids)
        with self._lock:
            locked = self._judged.locked | chosen if on else self._judged.locked - chosen
            self._judged = replace(self._judged, locked=locked)
        self._tell(f"{'locked' if on else 'unlocked'} {plural(len(chosen), 'object')}", by)

    def keep(self, pair: Pair, on: bool, title: str, by: int | None = None) -> None:
        """Says that a border is right, or no longer; ``title``: how everybody is told."""
        with self._lock:
            kept = self._judged.kept | {pair} if on else self._judged.kept - {pair}
            self._judged = replace(self._judged, kept=kept)
        self._tell(title, by)

    def check(self, before: State, after: State) -> None:
        """`EditError` where an edit may not be made."""
        if self.read_only:
            raise EditError(READ_ONLY)
        kept = sorted(touched(before, after) & self.locked) if self.locked else []
        if kept:
            raise EditError(f"{before.objects[kept[0]].name} is locked")
