"""The list of objects: find one by name or id among hundreds, or by what words mean.

The browser gets one row of at most `SHOWN` buttons and never the whole list, so an update is a few hundred bytes for
any number of objects.
"""

from dataclasses import dataclass
from typing import Any

from gsseg.segmentation import NO_OBJECT
from gsseg_viewer.actions import frame
from gsseg_viewer.edits import EditError
from gsseg_viewer.meaning import fitting
from gsseg_viewer.panels.elements import block, dim, handler, plain, slow_handler
from gsseg_viewer.selection import of_objects
from gsseg_viewer.session import Session
from gsseg_viewer.state import State
from gsseg_viewer.text import escaped, plural

SHOWN = 30
"""Buttons at most."""
BUTTON = 24
"""Letters on a button, as `plain` counts them: a wider one pushes all of them out of the panel."""
LETTERS = 200
"""Of what is typed; more is no search."""

NO_MODEL = "This scene has language vectors: started with <code>--clip MODEL</code>, the viewer finds by meaning too."


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
        noted = f" ({', '.join(notes)})" if notes else ""
        return plain(self.name, max(BUTTON - len(noted), 8)) + noted


class ObjectsPanel:
    """A search box and the objects it finds, largest first."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        gui = session.client.gui
        self.query = gui.add_text("Find", "", hint="Words of the name, or an id. All words must occur.")
        self.by_meaning = gui.add_button(
            "Find by meaning", visible=session.meaning is not None, hint="Objects that look like what the words say."
        )
        self.found = gui.add_html("")
        self.buttons = gui.add_button_group("Choose", ("",), visible=False)
        self.relevancies: dict[int, float] | None = None
        """How well the words fit, as `Meaning.relevancies`, until something else is typed."""
        self.listed: dict[str, int] = {}
        """Id of the object of each button."""
        compressed = session.document.run.compressed
        if session.meaning is not None:
            self.by_meaning.on_click(slow_handler(session, lambda _: self._find_by_meaning()))
        elif compressed is not None and compressed.language is not None:
            gui.add_html(block(dim(NO_MODEL)))
        self.query.on_update(handler(session, self._typed))
        self.buttons.on_click(handler(session, self._choose))

    def refresh(self) -> None:
        """Lists what the search finds in the current state."""
        state = self.session.document.state
        everything, query = entries(state), self._words()
        if self.relevancies is not None:
            text, self.listed = _by_meaning(self.relevancies, state, everything, query)
        else:
            text, self.listed = _by_name(everything, query)
        self.found.content = block(dim(text))
        self.buttons.options = tuple(self.listed)
        self.buttons.visible = bool(self.listed)

    def _words(self) -> str:
        return " ".join(str(self.query.value)[:LETTERS].split())

    def _typed(self, _: Any) -> None:
        self.relevancies = None
        self.refresh()

    def _find_by_meaning(self) -> None:
        meaning, words = self.session.meaning, self._words()
        if meaning is None or not words:
            raise EditError("say in a few words what is to be found")
        self.relevancies = meaning.relevancies(words)
        self.session.refresh()

    def _choose(self, value: Any) -> None:
        session, state = self.session, self.session.document.state
        object_id = self.listed.get(str(value), NO_OBJECT)
        if object_id not in state.objects or object_id in state.deleted_objects:
            self.refresh()
            raise EditError("that object has changed meanwhile: choose again")
        session.select(of_objects(session.selection, state, [object_id]))
        frame(session)


def _by_name(everything: list[Entry], words: str) -> tuple[str, dict[str, int]]:
    """What to say of the objects that words find by name, and their buttons."""
    found = matching(everything, words)
    if not everything:
        return "There are no objects.", {}
    if not found:
        return f"None of {plural(len(everything), 'object')} is called “{escaped(words)}”.", {}
    text = f"{len(found):,} of {plural(len(everything), 'object')}"
    if len(found) > SHOWN:
        text = f"{SHOWN} of {len(found):,} shown, largest first. Type to narrow it down."
    return text, {entry.label: entry.id for entry in found[:SHOWN]}


def _by_meaning(
    relevancies: dict[int, float], state: State, everything: list[Entry], words: str
) -> tuple[str, dict[str, int]]:
    """What to say of the objects that words fit, and their buttons: how well they fit, and which."""
    labels = {entry.id: entry.label for entry in everything}
    found = fitting(state, relevancies)
    if not found:
        return "No object here has a vector to be found by.", {}
    text = f"What “{escaped(words)}” fits best. Below 50 % it fits no better than “object” or “things” would."
    return text, {f"{value:.0%} {labels[each]}": each for each, value in found}


def entries(state: State) -> list[Entry]:
    """All objects that are not deleted, largest first."""
    rows = [
        Entry(each, info.name, state.gaussians(each), each in state.hidden_objects)
        for each, info in state.objects.items()
        if each not in state.deleted_objects
    ]
    return sorted(rows, key=lambda entry: (-entry.gaussians, entry.id))


def matching(rows: list[Entry], query: str) -> list[Entry]:
    """The entries whose name or id holds every word; the one whose id is the query comes first."""
    words = query.casefold().split()
    found = [row for row in rows if all(word in row.name.casefold() or word == str(row.id) for word in words)]
    return sorted(found, key=lambda row: str(row.id) != query)
