"""What keys and the command palette (Ctrl+K) do, in one table; the help shows the same.

Keys that viser moves the camera with are left alone: W A D Q E, S while it is held, and the arrows. A guide
(`gsseg_viewer.guides`) has the first word on every key, also on those that are commands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import viser

from gsseg_viewer import actions, dialogs
from gsseg_viewer.classes import KEYS
from gsseg_viewer.colors import colorings_of
from gsseg_viewer.edits import EditError
from gsseg_viewer.guides.borders import BorderReview
from gsseg_viewer.guides.naming import Naming, name_by_class
from gsseg_viewer.guides.splitting import Splitting
from gsseg_viewer.moving import frame_selection, step_view
from gsseg_viewer.palette import ROWS
from gsseg_viewer.selection import LEVELS, Level, widened
from gsseg_viewer.session import Session


@dataclass(frozen=True)
class Command:
    """Something that can be asked for without the mouse."""

    label: str
    """As the palette lists it."""
    action: Callable[[Session], object]
    """What it does; runs in the session's queue."""
    key: Any = None
    """viser's name of the key, if it has one."""
    modifier: Any = None
    """Keys to be held, in viser's words."""
    ours: bool = False
    """Whether the page itself takes the key (`web/keys.js`), because viser has it for something else or not at all."""

    @property
    def keys(self) -> str:
        """The keys as people write them."""
        if self.key is None:
            return ""
        held: list[str] = [] if self.modifier is None else self.modifier.replace("cmd/ctrl", "ctrl").split("+")
        return "+".join(_WRITTEN.get(each, each.capitalize()) for each in (*held, str(self.key)))


_WRITTEN = {"escape": "Esc", "pageup": "Page up", "pagedown": "Page down"}


def register(session: Session) -> None:
    """Adds every command to the session's browser."""
    for command in COMMANDS:
        key = None if command.ours else command.key
        handle = session.client.gui.add_command(command.label, hotkey=key, modifier=command.modifier)
        handle.on_trigger(_trigger(session, command))


def _trigger(session: Session, command: Command) -> Callable[[viser.CommandEvent], Any]:
    async def run(_: viser.CommandEvent) -> None:  # on viser's event loop, which keeps the order of keys and clicks
        session.enqueue(lambda: do(session, command))

    return run


def do(session: Session, command: Command) -> None:
    """Does a command, unless the guide that leads now has its key for something."""
    if not _led(session, command.keys):
        command.action(session)


def press(session: Session, keys: str) -> None:
    """Does what keys stand for, as the help writes them; nothing where they stand for nothing."""
    if _led(session, keys):
        return
    if keys.lower() in KEYS:
        name_by_class(session, KEYS.index(keys.lower()))
    for command in COMMANDS:
        if command.keys == keys:
            command.action(session)


def _led(session: Session, keys: str) -> bool:
    led = session.guide is not None and session.guide.press(keys)
    if led:
        session.refresh()
    return led


def _reaching(level: Level) -> Callable[[Session], object]:
    def reach(session: Session) -> None:
        state = session.document.state
        table = session.document.table_of(state)
        session.reselect(lambda now: widened(now, state, table, level, now.distance))

    return reach


def _next_coloring(session: Session) -> None:
    offered = colorings_of(session.document)
    session.color_by(offered[(offered.index(session.coloring) + 1) % len(offered)])


def _escape(session: Session) -> None:
    if session.messages.close_dialog():
        return
    if session.guide is not None:
        session.follow(None)
    else:
        session.clear()


def _merge(session: Session) -> None:
    """What is selected; with one object selected, or none, what it may be one with."""
    ids = session.selection.objects(session.document.state)
    if len(ids) > 1 or (session.selection and not ids):
        actions.merge(session)
    else:
        session.follow(lambda now: BorderReview(now, "one", ids[0] if ids else None))


def _split(session: Session) -> None:
    session.follow(Splitting)


def _review(session: Session) -> None:
    session.follow(lambda now: BorderReview(now, "doubtful"))


def _name(session: Session) -> None:
    session.follow(Naming)


def _lock(session: Session) -> None:
    ids, shared = session.selection.objects(session.document.state), session.document.shared
    if not ids:
        raise EditError("select what is to be locked")
    shared.lock(ids, not set(ids) <= shared.locked, session.client.client_id)


def _help(session: Session) -> None:
    if session.messages.close_dialog():  # the key that opens it closes it
        return
    gui = session.client.gui
    with session.messages.open_dialog("Mouse and keys"):
        gui.add_markdown(help_text())
        gui.add_button("Close").on_click(lambda _: session.enqueue(session.messages.close_dialog))


COMMANDS: tuple[Command, ...] = (
    Command("Undo your last edit", Session.undo, "Z", "cmd/ctrl"),
    Command("Undo the last edit, whoever made it", Session.undo_any),
    Command("Redo", Session.redo, "Z", "cmd/ctrl+shift"),
    Command("Redo, as elsewhere", Session.redo, "Y", "cmd/ctrl"),
    Command("Select what was selected before", lambda session: session.step_selection(True), "Z", "alt"),
    Command("Select again what was selected after it", lambda session: session.step_selection(False), "Z", "alt+shift"),
    Command("Save", Session.save, "S", "cmd/ctrl"),
    Command("Clear the selection", _escape, "escape"),
    Command("Frame the selection, or back to the start", frame_selection, "F"),
    Command("Hide the selection", actions.hide, "H"),
    Command("Isolate the selection: show nothing else", actions.isolate, "I"),
    Command("Show all: end isolating, or show what is hidden", actions.show_all, "H", "shift"),
    Command("Delete the selection", actions.delete, "delete"),
    Command("Restore what was deleted", actions.restore),
    Command("Name what has no name, one after the other", _name, "N"),
    Command("Merge what is selected into one object, or find what it is one with", _merge, "M"),
    Command("Split the selected object: choose how", _split, "S", ours=True),
    Command("Split the selection into its codes", actions.split),
    Command("Review the borders that are in doubt", _review, "U"),
    Command("Lock the selected objects, or unlock them", _lock, "K"),
    Command("Make the selection a new object", actions.make_object, "G"),
    Command("Move the selection to an object…", dialogs.ask_target),
    Command("Move the selection to no object", actions.release),
    Command("Rename the selected object…", dialogs.ask_name, "R"),
    Command("Next training view", lambda session: step_view(session, 1), "pagedown"),
    Command("Previous training view", lambda session: step_view(session, -1), "pageup"),
    Command("Next colouring", _next_coloring, "C"),
    Command(
        "Select what differs from how it was opened", lambda session: actions.select_differing(session, "as opened")
    ),
    Command("Select what differs from the other run", lambda session: actions.select_differing(session, "other run")),
    *(Command(f"Reach: {level}", _reaching(level)) for level in LEVELS),
    *(Command(label, action) for label, action in ROWS),
    Command("Mouse and keys", _help, "?", ours=True),
)
"""In the palette's order."""

MOUSE = (
    ("click", "select an object, or what belongs to none; on nothing: clear"),
    ("Shift+click, Shift+drag", "add an object, all in a rectangle"),
    ("Alt+click, Alt+drag", "take away"),
    ("drag, right drag, wheel", "turn, move, zoom"),
    ("W A S D held, Q E, arrows", "fly"),
    ("1 ... 0, Shift+1 ... 0", "name the selection by a class of the list"),
    ("Space held", "the photo from about here"),
    ("O, /", "show or hide the list of objects, filter it"),
    ("list: click, Ctrl+click, Shift+click, double-click", "choose, add or take away, all between, look at it"),
    ("Ctrl+K", "all commands, by name"),
)
"""What the mouse does, and viser's own keys."""


def help_text() -> str:
    """Mouse and keys as a table in markdown."""
    keys = [(command.keys, command.label[:1].lower() + command.label[1:]) for command in COMMANDS if command.keys]
    return "\n".join(["| | |", "|---|---|", *(f"| **{left}** | {right} |" for left, right in (*MOUSE, *keys))])
