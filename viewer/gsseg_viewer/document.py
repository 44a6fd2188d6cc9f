"""The scene that is open: its splats, its pieces, the current state and every earlier one.

Many browsers share one document. Edits are functions of the newest state, applied one at a time under a lock, so two
people editing at once lose nothing; who listens is told after each.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from gsseg.run import FileStamps, Marks, Run
from gsseg.scene import Gaussians
from gsseg_viewer import picking
from gsseg_viewer.classes import ObjectClass, classes_in, is_named
from gsseg_viewer.comparison import Comparison
from gsseg_viewer.division import Division
from gsseg_viewer.edits import EditError
from gsseg_viewer.judged import find_judged
from gsseg_viewer.picking import Hit
from gsseg_viewer.pieces import PieceTable
from gsseg_viewer.reading import read_pieces
from gsseg_viewer.reversing import taken_back
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.shared import Shared
from gsseg_viewer.state import Edition, State
from gsseg_viewer.unsaved import Unsaved, base_of, find_unsaved, now

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


class Document:
    """A run that is looked at and mended; safe to use from many threads."""

    def __init__(
        self,
        run: Run,
        classes: Sequence[ObjectClass] = (),
        read_only: bool = False,
        other: Run | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """Reads the run; InputError where it is wrong.

        ``classes``: what objects are named by; without any, what those that have names are of. ``read_only``: nothing
        can be edited or saved, and edits that an earlier process did not save are left where they are. ``other``:
        another run of the same Gaussians, to compare it with. ``device``: where the server draws.
        """
        self.stamps: FileStamps = run.stamps()  # before anything is read, so that no change goes unseen
        self.run = run
        self.gaussians: Gaussians = run.gaussians
        self.painted: Gaussians = run.gaussians.to(device)
        """The same Gaussians where the server draws its own pictures."""
        self.comparisons = {"as opened": Comparison.as_opened(run)}
        """Other segmentations of these Gaussians, by the colouring that shows them."""
        if other is not None:
            self.comparisons["other run"] = Comparison.of(run, other)
        base = base_of(run.object_ids, run.marks, run.objects)
        found = None if read_only else find_unsaved(run, base)
        unsaved = found if isinstance(found, Unsaved) else None
        self._division, start, edited = read_pieces(run, unsaved)
        self.recovered = unsaved.notice if unsaved is not None else ""
        """What is said of edits that an earlier process did not save and that are the first edit of this one."""
        judged, unread = find_judged(run)
        self.lost = ". ".join(each for each in (found if isinstance(found, str) else "", unread) if each)
        """What is said of such edits, and of judgements, that cannot be had again."""
        self.start = start
        """The version on disk when this was opened."""
        self.saving = threading.Lock()
        """Held while the document is written."""
        self._lock = threading.RLock()
        self._versions: list[tuple[State, str]] = [(start, "")]
        self._at = 0
        self._makers: WeakKeyDictionary[Edition, int | None] = WeakKeyDictionary()
        self._reversing: WeakKeyDictionary[Edition, Edition | None] = WeakKeyDictionary()
        """Versions that took another one's edit back among others, with that one; and that one, with None."""
        self._saved, self._base = start, base
        self._next_id = start.next_id
        if edited is not None:
            self._versions.append((edited, "edits that had not been saved"))
            self._at, self._next_id = 1, edited.next_id
        self._time = now()
        self._listeners: list[Callable[[Change], None]] = []
        self._last_drawn: tuple[Edition, Gaussians] | None = None
        named = (info.name for each, info in self.state.objects.items() if is_named(each, info.name))
        self.shared = Shared(
            lambda title, by: self._tell(Change(title, by)), tuple(classes) or classes_in(named), read_only, judged
        )
        """Classes, locks, judgements, and whether anything may be edited."""

    @classmethod
    def open(cls, path: Path | str, splats: Path | str | None = None, **options: Any) -> "Document":
        """Opens a RUN folder, a scene.gsseg with its splats, or a segmented.ply, as `Run.open`."""
        return cls(Run.open(path, splats), **options)

    @property
    def state(self) -> State:
        """The current version."""
        with self._lock:
            return self._versions[self._at][0]

    @property
    def division(self) -> Division:
        """How the Gaussians are divided into pieces now."""
        with self._lock:
            return self._division

    @property
    def pieces(self) -> Int32[ndarray, " gaussians"]:
        """Piece of each Gaussian now; `pieces_of` where a state is at hand, which may be an earlier one."""
        return self.division.of_gaussian

    def pieces_of(self, state: State) -> Int32[ndarray, " gaussians"]:
        """Piece of each Gaussian, as a state numbers them."""
        return self.division.as_of(len(state.owner))

    def table_of(self, state: State) -> PieceTable:
        """What the pieces of a state stand for."""
        return self.division.table_as_of(len(state.owner))

    @property
    def saved(self) -> State:
        """The version on disk; the current one is the same object where everything is saved."""
        with self._lock:
            return self._saved

    @property
    def unsaved(self) -> bool:
        """Whether the current version differs from the one on disk."""
        with self._lock:
            return self.state.edition is not self._saved.edition

    def history(self) -> tuple[list[str], list[str]]:
        """Titles of the edits that undo would take back, the next one last, and of those that redo would make, the next
        one first."""
        with self._lock:
            titles = [title for _, title in self._versions]
            return titles[1 : self._at + 1], titles[self._at + 1 :]

    def apply(self, title: str, edit: Edit, by: int | None = None) -> State:
        """Makes an edit of the newest state and tells everybody. `EditError` where it cannot be made."""
        with self._lock:
            # What undone edits have given out is not given out again: somebody may still hold such an id.
            before = self.state
            state = edit(replace(before, next_id=self._next_id))
            self.shared.check(before, state)
            if state.edition is before.edition:  # else it is another version as it was
                state = replace(state, edition=Edition())
            self._append(state, title, by)
        self._tell(Change(title, by))
        return state

    def _append(self, state: State, title: str, by: int | None) -> None:
        self._next_id = max(self._next_id, state.next_id)
        self._versions = [*self._versions[: self._at + 1], (state, title)][-HISTORY:]
        self._at = len(self._versions) - 1
        self._makers[state.edition] = by
        self._time = now()

    def refine(self, mask: Bool[ndarray, " gaussians"]) -> tuple[State, Int64[ndarray, " inside"]]:
        """Cuts the pieces that a mask takes in part (`gsseg_viewer.division`) and returns the current state, in the new
        division, with the pieces inside the mask.

        Nothing that is seen, saved or undone changes, so nobody is told: every version is divided likewise."""
        with self._lock:
            self._division = division = self._division.refined(mask)
            copied: dict[int, ndarray] = {}
            self._versions = [(division.state(state, copied), title) for state, title in self._versions]
            self._saved = self._of_edition(division.state(self._saved, copied))
            return self.state, np.flatnonzero(division.inside(mask))

    def discard_recovered(self, by: int | None = None) -> None:
        """Goes back to what was on disk when this was opened, as an edit that can be undone."""
        self.apply("discarded edits that had not been saved", lambda state: self._versions[0][0], by)

    def undo(self, by: int | None = None, present: frozenset[int] | None = None) -> str:
        """Takes an edit back and returns its title; `EditError` where there is none.

        It is the last one; where ``present`` says who is here, the last that ``by`` has made or somebody who has gone.
        Where others have made edits since, these stay, and taking back is an edit of its own (`taken_back`).
        """
        with self._lock:
            if self._at == 0:
                raise EditError("nothing to undo")
            at = self._at
            while at and present is not None and not self._may(at, by, present):
                at -= 1
            if at == 0:
                raise EditError("nothing of yours to undo: the others' edits are theirs, or for “whoever made it”")
            title = self._versions[at][1]
            if at == self._at:
                self._back()
            else:
                states = (self._versions[each][0] for each in (at - 1, at, self._at))
                reversed_ = self._edition(at)
                self._append(taken_back(*states), f"took back: {title}", by)
                self._reversing[self._edition(self._at)], self._reversing[reversed_] = reversed_, None
        self._tell(Change(f"undid: {title}", by))
        return title

    def _edition(self, at: int) -> Edition:
        return self._versions[at][0].edition

    def _may(self, at: int, by: int | None, present: frozenset[int]) -> bool:
        """Whether the edit of a version is this person's to take back, and has not been taken back among others."""
        edition = self._edition(at)
        maker = self._makers.get(edition)
        return edition not in self._reversing and (maker == by or maker not in present)

    def _back(self) -> None:
        """Goes back by one version; what that had taken back among others is there again."""
        again = self._reversing.get(self._edition(self._at))
        if again is not None:
            self._reversing.pop(again, None)
        self._at -= 1

    def redo(self, by: int | None = None) -> str:
        """Makes the edit again that was undone last; `EditError` where there is none."""
        with self._lock:
            last = self._at == len(self._versions) - 1
            top = self._edition(self._at)
            if last and self._reversing.get(top) is not None and self._makers.get(top) == by:
                title = self._versions[self._at][1].removeprefix("took back: ")
                self._back()
            elif last:
                raise EditError("nothing to redo")
            else:
                self._at += 1
                title, again = self._versions[self._at][1], self._reversing.get(self._edition(self._at))
                if again is not None:
                    self._reversing[again] = None
        self._tell(Change(f"did again: {title}", by))
        return title

    def to_keep(self) -> tuple[Run, Unsaved | None, str]:
        """The run, what it was edited to where that is not saved, and the content of the files that this is of."""
        with self._lock:
            state, run, base, titles = self.state, self.run, self._base, self.history()[0]
            if not self.unsaved:
                return run, None, base
            next_id, time = self._next_id, self._time
        pieces = self.pieces_of(state)
        marks = Marks(*(mark[pieces] for mark in (state.hidden, state.aside, state.deleted)))
        objects = dict(state.objects)
        return run, Unsaved(self.object_ids(state), marks, objects, next_id, len(titles), titles, time), base

    def mark_saved(self, state: State, run: Run, stamps: FileStamps, base: str, by: int | None = None) -> None:
        """Takes note that ``state`` is on disk, as ``run`` with these stamps and this content (`base_of`).

        Undo goes back over saving as if it had not been; edits made while it was written stay unsaved.
        """
        with self._lock:
            self.run, self.stamps, self._base = run, stamps, base
            self._saved = self._of_edition(state)
        self._tell(Change("saved", by))

    def _of_edition(self, state: State) -> State:
        return next((now for now, _ in self._versions if now.edition is state.edition), state)

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
        failed = []
        for listener in listeners:
            try:
                listener(change)
            except Exception as error:  # everybody is told, whoever fails
                failed.append(error)
        if failed:
            raise failed[0]

    def rows(self, pieces: frozenset[int]) -> Int64[ndarray, " selected"]:
        """Rows of all Gaussians of the pieces, ascending."""
        return self.division.rows(pieces)

    def object_ids(self, state: State) -> Int32[ndarray, " gaussians"]:
        """Object of each Gaussian in a state."""
        return state.owner[self.pieces_of(state)]

    def shown(self, state: State) -> Bool[ndarray, " gaussians"]:
        """Gaussians that are drawn in a state."""
        return ~state.gone[self.pieces_of(state)]

    def pick(self, origin: ndarray, direction: ndarray) -> Hit | None:
        """What a ray meets of all that is drawn; None where it meets nothing. ValueError for what is no ray."""
        state = self.state
        return picking.pick(self.drawn(state), self.pieces_of(state), state, origin, direction)

    def drawn(self, state: State) -> Gaussians:
        """The Gaussians with only those drawable that a state shows; kept for the next click."""
        if not state.gone.any():
            return self.gaussians
        last = self._last_drawn
        if last is None or last[0] is not state.edition:
            drawable = self.gaussians.drawable & torch.from_numpy(self.shown(state))
            last = self._last_drawn = state.edition, replace(self.gaussians, drawable=drawable)
        return last[1]

    def box(self, selection: PieceSelection) -> tuple[Float64[ndarray, "3"], Float64[ndarray, "3"]] | None:
        """Lower and upper corner of the box about the selected centres, world units; None where nothing is selected."""
        centres = self.gaussians.means.numpy()[self.rows(selection.pieces)].astype(np.float64)
        return (centres.min(0), centres.max(0)) if len(centres) else None
