"""The list of all objects, beside the scene: what the page's part `web/list.js` shows, and what is done in it.

The browser gets every object's row once and again when the objects change, a few ten bytes each; what is selected comes
by itself, so that a click sends a few numbers however many objects there are. Pictures go out when they are asked for.
"""

from dataclasses import dataclass
from typing import Any

from gsseg.errors import InputError
from gsseg.files import reading
from gsseg.run.layout import RunLayout
from gsseg_viewer import actions, edits
from gsseg_viewer.classes import KEYS, class_of, is_named
from gsseg_viewer.edits import EditError
from gsseg_viewer.extents import longest_sides
from gsseg_viewer.incoming import PartAsked
from gsseg_viewer.looking import look_at_objects
from gsseg_viewer.meaning import fitting
from gsseg_viewer.panels.elements import plain
from gsseg_viewer.selection import joined, of_objects, without
from gsseg_viewer.session import Session
from gsseg_viewer.state import State

LETTERS = 200
"""Of what is typed; more is no search."""
BUTTON = 24
"""Letters of an entry in a menu, as `plain` counts them: a wider one would leave it."""
LARGEST_PICTURE = 1 << 18
"""Bytes; ours have a few thousand."""


@dataclass(frozen=True)
class Entry:
    """One object of a menu, or of a search."""

    id: int
    name: str
    gaussians: int
    hidden: bool

    @property
    def label(self) -> str:
        """What the menu says; no two objects have the same."""
        notes = [str(self.id)] if self.name != f"object {self.id}" else []
        notes += ["hidden"] if self.hidden else []
        noted = f" ({', '.join(notes)})" if notes else ""
        return plain(self.name, max(BUTTON - len(noted), 8)) + noted


class ObjectsPanel:
    """The session's end of the list."""

    def __init__(self, session: Session) -> None:
        """Builds nothing: the page has the list from its start."""
        self.session = session
        self._told: tuple[Any, ...] = ()
        self._marked: list[int] | None = None
        session.channel.listen("list", self._heard)

    def refresh(self) -> None:
        """Tells the list what has changed."""
        session, document = self.session, self.session.document
        state, locked, classes = document.state, document.shared.locked, document.shared.classes
        if self._told != (state, locked, classes):
            self._told = (state, locked, classes)
            listed = [
                {"name": each.name, "color": _packed(each.color), "key": KEYS[k] if k < len(KEYS) else ""}
                for k, each in enumerate(classes)
            ]
            session.channel.tell("list", "classes", listed)
            session.channel.tell("list", "rows", rows(session))
        marked = session.selection.objects(state)
        if marked != self._marked:
            self._marked = marked
            session.channel.tell("list", "selected", marked)

    def _heard(self, asked: PartAsked) -> None:
        session, state, action = self.session, self.session.document.state, asked.action
        ids = [each for each in asked.ids if each in state.objects and each not in state.deleted_objects]
        if asked.ids and not ids:
            raise EditError("that object is no longer there")
        if action in ("choose", "add", "turn", "look"):
            self._choose(action, ids)
        elif action == "hover":
            session.point_at(ids[0] if ids else None)
        elif action in ("hide", "unhide"):
            pieces, names = state.pieces_of(ids).tolist(), actions.called(state, state.pieces_of(ids).tolist())
            change = edits.hide if action == "hide" else edits.show
            session.edit(f"{'hid' if action == 'hide' else 'showed'} {names}", lambda now: change(now, pieces))
        elif action in ("lock", "unlock"):
            session.document.shared.lock(ids, action == "lock", session.client.client_id)
        elif action == "picture":
            for each in ids[:1]:
                session.channel.tell("list", f"picture {each}", picture(session, each))
        elif action == "meaning":
            self._find_by_meaning(asked.text)
        else:
            raise EditError("the list asked for something that is not there")

    def _choose(self, how: str, ids: list[int]) -> None:
        session, state = self.session, self.session.document.state
        there = of_objects(session.selection, state, ids)
        if how == "add":
            session.reselect(lambda before: joined(before, there))
        elif how == "turn" and set(ids) <= set(session.selection.objects(state)):
            session.reselect(lambda before: without(before, there.pieces))
        elif how == "turn":
            session.reselect(lambda before: joined(before, there))
        else:
            session.select(there)
        if how == "look":
            look_at_objects(session, ids)

    def _find_by_meaning(self, typed: str) -> None:
        session, words = self.session, " ".join(typed[:LETTERS].split())
        if session.meaning is None or not words:
            raise EditError("say in a few words what is to be found")
        found = fitting(session.document.state, session.meaning.relevancies(words))
        if not found:
            raise EditError("no object here has a vector to be found by")
        ids, values = zip(*found, strict=True)
        session.channel.tell("list", "fits", {"ids": list(ids), "values": list(values)})


def rows(session: Session) -> dict[str, Any]:
    """All objects that are not deleted, as lists with an item each."""
    document = session.document
    state, locked, classes = document.state, document.shared.locked, document.shared.classes
    sides = longest_sides(document, state)
    infos = [(each, info) for each, info in state.objects.items() if each not in state.deleted_objects]
    return {
        "ids": [each for each, _ in infos],
        "names": [info.name for _, info in infos],
        "colors": [_packed(info.color) for _, info in infos],
        "gaussians": [state.gaussians(each) for each, _ in infos],
        "sizes": [sides[each] for each, _ in infos],
        "agreement": [-1.0 if info.edited or not info.views else info.agreement for _, info in infos],
        "hidden": [each in state.hidden_objects for each, _ in infos],
        "locked": [each in locked for each, _ in infos],
        "sure": [-1 if info.name_confidence is None else round(100 * info.name_confidence) for _, info in infos],
        "named": [is_named(each, info.name) for each, info in infos],
        "classes": [_or_none(class_of(info.name, classes)) for _, info in infos],
        "pictures": [_thumbnail(session, each) is not None for each, _ in infos],
        "meaning": session.meaning is not None,
    }


def picture(session: Session, object_id: int) -> bytes:
    """The thumbnail of an object, JPEG as training wrote it; nothing where there is none or it cannot be read."""
    name = _thumbnail(session, object_id)
    if name is None:
        return b""
    path = session.document.run.source.folder / name
    try:
        with reading(path), path.open("rb") as file:
            content = file.read(LARGEST_PICTURE + 1)
    except InputError:
        return b""
    return content if len(content) <= LARGEST_PICTURE else b""


def _thumbnail(session: Session, object_id: int) -> str | None:
    """The name of its file below the run's folder, as the table has it, whose reader lets no other name pass; None for
    an object that is no longer what the picture shows."""
    run, info = session.document.run, session.document.state.objects[object_id]
    known = info.source == object_id and not info.edited and object_id < len(run.objects)
    named = known and RunLayout(run.source.folder).objects.is_file()
    return run.objects[object_id].thumbnail if named else None


def _packed(color: tuple[int, int, int]) -> int:
    red, green, blue = color
    return red << 16 | green << 8 | blue


def _or_none(place: int | None) -> int:
    return -1 if place is None else place


def entries(state: State) -> list[Entry]:
    """All objects that are not deleted, largest first."""
    found = [
        Entry(each, info.name, state.gaussians(each), each in state.hidden_objects)
        for each, info in state.objects.items()
        if each not in state.deleted_objects
    ]
    return sorted(found, key=lambda entry: (-entry.gaussians, entry.id))


def matching(found: list[Entry], query: str) -> list[Entry]:
    """The entries whose name or id holds every word; the one whose id is the query comes first."""
    words = query.casefold().split()
    fit = [row for row in found if all(word in row.name.casefold() or word == str(row.id) for word in words)]
    return sorted(fit, key=lambda row: str(row.id) != query)
