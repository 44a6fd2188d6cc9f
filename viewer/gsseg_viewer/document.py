"""The scene that is open: its splats, its pieces, the current state and every earlier one.

Many browsers share one document. Edits are functions of the newest state, applied one at a time under a lock, so two
people editing at once lose nothing; who listens is told after each.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from gsseg.run import FileStamps, Run
from gsseg.scene import Gaussians
from gsseg.segmentation import ObjectInfo, Pieces
from gsseg_viewer import picking
from gsseg_viewer.picking import Hit
from gsseg_viewer.selection import PieceSelection, PieceTable
from gsseg_viewer.state import EditError, ObjectState, State, largest_first, renumbered

Edit = Callable[[State], State]

HISTORY = 1000
"""Versions kept; one is some ten kilobytes."""


@dataclass(frozen=True)
class Change:
    """What has just happened to the document."""

    title: str
    """What was done, as a sentence's end: ``merged 2 objects``."""
    by: int | None
    """The client that did it."""
    renumbered: Mapping[int, int] | None = None
    """New id of every earlier one, where saving has numbered the objects anew; None where ids mean what they meant."""


class Document:
    """A run that is looked at and mended; safe to use from many threads."""

    def __init__(self, run: Run) -> None:
        """Reads the run; InputError where it is wrong."""
        self.stamps: FileStamps = run.stamps()  # before anything is read, so that no change goes unseen
        self.run = run
        self.gaussians: Gaussians = run.gaussians
        self.pieces, self.table, start = _read(run)
        self.saving = threading.Lock()
        """Held while the document is written."""
        self._lock = threading.RLock()
        self._versions: list[tuple[State, str]] = [(start, "")]
        self._at = 0
        self._saved = start
        self._next_id = start.next_id
        self._listeners: list[Callable[[Change], None]] = []
        self._last_drawn: tuple[State, Gaussians] | None = None

    @classmethod
    def open(cls, path: Path | str, splats: Path | str | None = None) -> "Document":
        """Opens a RUN folder, a scene.gsseg with its splats, or a segmented.ply, as `Run.open`."""
        return cls(Run.open(path, splats))

    @property
    def state(self) -> State:
        """The current version."""
        with self._lock:
            return self._versions[self._at][0]

    @property
    def saved(self) -> State:
        """The version on disk; the current one is the same object where everything is saved."""
        with self._lock:
            return self._saved

    @property
    def unsaved(self) -> bool:
        """Whether the current version differs from the one on disk."""
        with self._lock:
            return self.state is not self._saved

    def history(self) -> tuple[list[str], list[str]]:
        """Titles of the edits that undo would take back, the next one last, and of those that redo would make, the next
        one first."""
        with self._lock:
            titles = [title for _, title in self._versions]
            return titles[1 : self._at + 1], titles[self._at + 1 :]

    def apply(self, title: str, edit: Edit, by: int | None = None, ids_of: State | None = None) -> State:
        """Makes an edit of the newest state and tells everybody. `EditError` where it cannot be made.

        ``ids_of``: the state from which ``edit`` knows its ids, where it does not look for them in the state that it is
        given; the edit is refused if the objects have been numbered anew since.
        """
        with self._lock:
            state = self.state
            if ids_of is not None and ids_of.numbering != state.numbering:
                raise EditError("saving has just numbered the objects anew: try again")
            # What undone edits have given out is not given out again: somebody may still hold such an id.
            state = edit(replace(state, next_id=self._next_id))
            self._next_id = state.next_id
            self._versions = [*self._versions[: self._at + 1], (state, title)][-HISTORY:]
            self._at = len(self._versions) - 1
        self._tell(Change(title, by))
        return state

    def undo(self, by: int | None = None) -> str:
        """Goes back by one edit and returns its title; `EditError` where there is none."""
        with self._lock:
            if self._at == 0:
                raise EditError("nothing to undo")
            title = self._versions[self._at][1]
            self._at -= 1
        self._tell(Change(f"undid: {title}", by))
        return title

    def redo(self, by: int | None = None) -> str:
        """Makes the edit again that was undone last; `EditError` where there is none."""
        with self._lock:
            if self._at == len(self._versions) - 1:
                raise EditError("nothing to redo")
            self._at += 1
            title = self._versions[self._at][1]
        self._tell(Change(f"did again: {title}", by))
        return title

    def to_save(self) -> tuple[State, dict[int, int]]:
        """The current version, and the number on disk of every id that any version knows."""
        with self._lock:
            return self.state, largest_first(self.state, self._next_id)

    def mark_saved(
        self, state: State, numbers: Mapping[int, int], run: Run, stamps: FileStamps, by: int | None = None
    ) -> None:
        """Takes note that ``state`` is on disk, as ``run`` with these stamps, its ids changed to ``numbers``.

        All versions take these over, so that ids here are those on disk and undo goes back over saving as if it had not
        been; edits made while it was written stay unsaved.
        """
        moved = any(old != new for old, new in numbers.items())
        with self._lock:
            self.run, self.stamps, self._saved = run, stamps, state
            if moved:
                anew = {id(each): renumbered(each, numbers) for each in (state, *(each for each, _ in self._versions))}
                self._versions = [(anew[id(each)], title) for each, title in self._versions]
                self._saved = anew[id(state)]
        self._tell(Change("saved", by, dict(numbers) if moved else None))

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Calls ``listener`` after each change; returns what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def _tell(self, change: Change) -> None:
        with self._lock:
            listeners = list(self._listeners)
        failed: list[Exception] = []
        for listener in listeners:
            try:
                listener(change)
            except Exception as error:  # everybody is told, whoever fails
                failed.append(error)
        if failed:
            raise failed[0]

    def rows(self, pieces: frozenset[int]) -> Int64[ndarray, " selected"]:
        """Rows of all Gaussians of the pieces, ascending."""
        chosen = np.zeros(len(self.table.fine), bool)
        chosen[np.fromiter(pieces, np.int64)] = True
        return np.flatnonzero(chosen[self.pieces])

    def object_ids(self, state: State) -> Int32[ndarray, " gaussians"]:
        """Object of each Gaussian in a state."""
        return state.owner[self.pieces]

    def shown(self, state: State) -> Bool[ndarray, " gaussians"]:
        """Gaussians that are drawn in a state."""
        return ~np.isin(state.owner, list(state.gone))[self.pieces]

    def pick(self, origin: ndarray, direction: ndarray) -> Hit | None:
        """What a ray meets of all that is drawn; None where it meets nothing. ValueError for what is no ray."""
        state = self.state
        return picking.pick(self._drawn(state), self.pieces, state, origin, direction)

    def _drawn(self, state: State) -> Gaussians:
        """The Gaussians with only those drawable that a state shows; kept for the next click."""
        if not state.gone:
            return self.gaussians
        last = self._last_drawn
        if last is None or last[0] is not state:
            drawable = self.gaussians.drawable & torch.from_numpy(self.shown(state))
            last = self._last_drawn = state, replace(self.gaussians, drawable=drawable)
        return last[1]

    def box(self, selection: PieceSelection) -> tuple[Float64[ndarray, "3"], Float64[ndarray, "3"]] | None:
        """Lower and upper corner of the box about the selected centres, world units; None where nothing is selected."""
        rows = self.rows(selection.pieces)
        if not len(rows):
            return None
        centres = self.gaussians.means.numpy()[rows].astype(np.float64)
        return centres.min(0), centres.max(0)


def _read(run: Run) -> tuple[Int32[ndarray, " gaussians"], PieceTable, State]:
    """Piece of each Gaussian, what pieces stand for, and the state on disk."""
    pieces, columns = Pieces.of(run.columns), run.columns
    first = pieces.first
    table = PieceTable(columns.code_coarse[first], columns.code_fine[first], columns.discrete[first].copy())
    owner = columns.object_ids[first]
    there = set(owner.tolist())
    objects = {row.id: _object(row) for row in run.objects if row.id in there}
    marks = run.marks
    hidden, deleted = marks.hidden & there, marks.deleted & there
    start = State(owner, pieces.sizes, objects, hidden, deleted, marks.rest_hidden, next_id=len(run.objects))
    return pieces.of_gaussian.astype(np.int32), table, start


def _object(row: ObjectInfo) -> ObjectState:
    red, green, blue = row.color
    return ObjectState(row.name, (red, green, blue), row.views, row.agreement, source=row.id)
