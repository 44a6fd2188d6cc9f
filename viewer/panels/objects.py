"""The list of objects: find one by name or id among hundreds.

The browser gets one row of at most `SHOWN` buttons and never the whole list, so an update is a few hundred bytes for
any number of objects.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gsseg_viewer.panels.parts import block, dim, handler, plain
from gsseg_viewer.panels.selection import frame
from gsseg_viewer.selection import of_objects
from gsseg_viewer.session import Session
from gsseg_viewer.state import EditError, State
from gsseg_viewer.text import escaped, plural

SHOWN = 30
"""Buttons at most."""
LETTERS = 200
"""Of what is typed; more is no search."""

NOT_BY_MEANING = (
    "The search goes by name and id. This scene has language vectors as well, but turning words into such a vector "
    "takes a text model, which the viewer does not bring."
)


@dataclass(frozen=True)
class Entry:
    """One object of the list."""

    id: int
    name: str
    gaussians: int
    hidden: bool

    @property
    def label(self) -> str:
        """What its button says; no two objects have the same."""
        notes = [str(self.id)] if self.name != f"object {self.id}" else []
        notes += ["hidden"] if self.hidden else []
        return plain(self.name) + (f" ({', '.join(notes)})" if notes else "")


class ObjectsPanel:
    """A search box and the objects it finds, largest first."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        gui = session.client.gui
        self.query = gui.add_text("Find", "", hint="Words of the name, or an id. All words must occur.")
        self.found = gui.add_html("")
        self.buttons = gui.add_button_group("Choose", ("",), visible=False)
        compressed = session.document.run.compressed
        if compressed is not None and compressed.language is not None:
            gui.add_html(block(dim(NOT_BY_MEANING)))
        self.query.on_update(handler(session, lambda value: self.refresh()))
        self.buttons.on_click(handler(session, self._choose))

    def refresh(self) -> None:
        """Lists what the search finds in the current state."""
        everything = entries(self.session.document.state)
        query = " ".join(str(self.query.value)[:LETTERS].split())
        found = matching(everything, query)
        if not everything:
            text = "There are no objects."
        elif not found:
            text = f"None of {plural(len(everything), 'object')} is called “{escaped(query)}”."
        elif len(found) > SHOWN:
            text = f"{SHOWN} of {len(found):,} shown, largest first. Type to narrow it down."
        else:
            text = f"{len(found):,} of {plural(len(everything), 'object')}"
        self.found.content = block(dim(text))
        self.buttons.options = tuple(entry.label for entry in found[:SHOWN])
        self.buttons.visible = bool(found)

    def _choose(self, value: Any) -> None:
        session, state = self.session, self.session.document.state
        ids = [entry.id for entry in entries(state) if entry.label == value]
        if len(ids) != 1:
            self.refresh()
            raise EditError("that object has changed meanwhile: choose again")
        session.select(of_objects(session.selection, state, ids))
        frame(session)


def entries(state: State) -> list[Entry]:
    """All objects that are not deleted, largest first."""
    sums = np.zeros(state.next_id + max(state.objects, default=0) + 2, np.int64)
    np.add.at(sums, state.owner + 1, state.sizes)
    rows = [
        Entry(each, info.name, int(sums[each + 1]), each in state.hidden)
        for each, info in state.objects.items()
        if each not in state.deleted
    ]
    return sorted(rows, key=lambda entry: (-entry.gaussians, entry.id))


def matching(rows: list[Entry], query: str) -> list[Entry]:
    """The entries whose name or id holds every word; the one whose id is the query comes first."""
    words = query.casefold().split()
    found = [row for row in rows if all(word in row.name.casefold() or word == str(row.id) for word in words)]
    return sorted(found, key=lambda row: str(row.id) != query)
