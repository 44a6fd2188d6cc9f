"""Naming: from one object that has no name to the next, a key for each class."""

from collections.abc import Sequence

from gsseg_viewer import edits
from gsseg_viewer.classes import KEYS, base_of, is_named, names_of_class
from gsseg_viewer.edits import EditError
from gsseg_viewer.guides.guide import Choice, Saying
from gsseg_viewer.looking import look_at_objects
from gsseg_viewer.selection import of_objects
from gsseg_viewer.session import Session
from gsseg_viewer.state import State
from gsseg_viewer.text import plural


class Naming:
    """Goes through what nobody has named, the largest first, and names what is selected."""

    def __init__(self, session: Session) -> None:
        """Goes to the first one; `EditError` where all are named."""
        self.session = session
        self.at: int | None = None
        if not self._step(1):
            raise EditError("every object has a name")

    def saying(self) -> Saying | None:
        """The object, its picture, and the classes."""
        session, state = self.session, self.session.document.state
        there = [each for each in state.objects if each not in state.deleted_objects]
        named = sum(is_named(each, state.objects[each].name) for each in there)
        if named == len(there):
            return None
        if self.at is not None and (self.at not in state.objects or self.at in state.deleted_objects):
            self._step(1)  # it was merged away or deleted
        ids = session.selection.objects(state)
        lines = [", ".join(state.objects[each].name for each in ids[:3]) + (" …" if len(ids) > 3 else "")]
        if not session.document.shared.classes:
            lines.append("Enter, then type what it is: the first word typed is class 1, and so on.")
        choices = [
            Choice(key.capitalize(), each.name, each.color)
            for key, each in zip(KEYS, session.document.shared.classes, strict=False)
        ]
        choices += [Choice("N", "skip"), Choice("Shift+N", "back"), Choice("Esc", "done")]
        things = [(each, state.objects[each].color) for each in ids[:1]]
        return Saying("Naming", f"{named} of {len(there)} named", lines, choices, things, "What is it?")

    def press(self, key: str) -> bool:
        """A class, the next one, the one before."""
        if key.lower() in KEYS:
            name_by_class(self.session, KEYS.index(key.lower()))
            self._step(1)
        elif key in ("N", "Shift+N"):
            self._step(1 if key == "N" else -1)
        else:
            return False
        return True

    def typed(self, text: str) -> None:
        """Names what is selected by the one class that begins so, or else as it was typed, which is a class from then
        on."""
        session = self.session
        name = edits.one_line(text)
        ids = session.selection.objects(session.document.state)
        if not name or not ids:
            raise EditError("a name needs at least one letter" if ids else "select what is to be named")
        shared = session.document.shared
        meant = [each.name for each in shared.classes if each.name.casefold().startswith(name.casefold())]
        name = meant[0] if len(meant) == 1 else name
        call(session, ids, name)
        shared.add_class(name)
        self._step(1)

    def end(self) -> None:
        """Nothing was laid over the scene."""

    def _step(self, step: int) -> bool:
        state = self.session.document.state
        order = unnamed(state, self.at)
        if not order:
            return False
        order = [each for each in order if each != self.at] or order
        self.at = order[0] if step > 0 else order[-1]
        self.session.select(of_objects(self.session.selection, state, [self.at]))
        look_at_objects(self.session, [self.at])
        return True


def unnamed(state: State, after: int | None) -> list[int]:
    """What nobody has named, of what is drawn: the largest first, beginning after an object and going round."""
    gone = state.hidden_objects | state.deleted_objects
    there = [each for each in state.objects if each not in gone]
    order = sorted(there, key=lambda each: (-state.gaussians(each), each))
    at = order.index(after) + 1 if after in order else 0
    return [each for each in order[at:] + order[:at] if not is_named(each, state.objects[each].name)]


def name_by_class(session: Session, place: int) -> None:
    """Names what is selected by the class at a place of the list."""
    classes, ids = session.document.shared.classes, session.selection.objects(session.document.state)
    if place >= len(classes):
        raise EditError(f"there is no class {place + 1}: type one, or start with --classes FILE")
    if not ids:
        raise EditError("select what is to be named")
    call(session, ids, classes[place].name)


def call(session: Session, ids: Sequence[int], name: str) -> None:
    """Names objects by a class, with numbers where there are several; a name with a number in it is kept where free."""
    state = session.document.state
    taken = {info.name.casefold() for each, info in state.objects.items() if each not in state.deleted_objects}
    own = len(ids) == 1 and name != base_of(name) and name.casefold() not in taken
    names = {ids[0]: name} if own else names_of_class(state, ids, base_of(name))
    if names:
        called = next(iter(names.values())) if len(names) == 1 else f"{plural(len(names), 'object')} {base_of(name)}"
        session.edit(f"named {called}", lambda now: edits.rename_all(now, names))
