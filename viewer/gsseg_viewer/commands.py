"""What keys and the command palette (Ctrl+K) do, in one table; the help shows the same.

Keys that viser moves the camera with are left alone: W A S D Q E and the arrows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import viser

from gsseg_viewer import actions, dialogs
from gsseg_viewer.colors import Coloring, colorings_of
from gsseg_viewer.downloads import download_splats
from gsseg_viewer.exporting import WHATS, What
from gsseg_viewer.moving import frame_selection, step_view
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

    @property
    def keys(self) -> str:
        """The keys as people write them."""
        if self.key is None:
            return ""
        held: list[str] = [] if self.modifier is None else self.modifier.replace("cmd/ctrl", "ctrl").split("+")
        return "+".join(_KEYS.get(each, each.capitalize()) for each in (*held, str(self.key)))


_KEYS = {"escape": "Esc", "pageup": "Page up", "pagedown": "Page down"}


def register(session: Session) -> None:
    """Adds every command to the session's browser."""
    for command in COMMANDS:
        handle = session.client.gui.add_command(command.label, hotkey=command.key, modifier=command.modifier)
        handle.on_trigger(_trigger(session, command.action))


def _trigger(session: Session, action: Callable[[Session], object]) -> Callable[[viser.CommandEvent], Any]:
    async def run(_: viser.CommandEvent) -> None:  # on viser's event loop, which keeps the order of keys and clicks
        session.enqueue(lambda: action(session))

    return run


def _reaching(level: Level) -> Callable[[Session], object]:
    def reach(session: Session) -> None:
        state = session.document.state
        table = session.document.table_of(state)
        session.reselect(lambda now: widened(now, state, table, level, now.distance))

    return reach


def _exporting(what: What) -> Callable[[Session], object]:
    return lambda session: download_splats(session, what)


def _selecting_what_differs(coloring: Coloring) -> Callable[[Session], object]:
    return lambda session: actions.select_differing(session, coloring)


def _next_coloring(session: Session) -> None:
    offered = colorings_of(session.document)
    session.color_by(offered[(offered.index(session.coloring) + 1) % len(offered)])


def _escape(session: Session) -> None:
    if not session.messages.close_dialog():
        session.clear()


def _help(session: Session) -> None:
    if session.messages.close_dialog():  # the key that opens it closes it
        return
    gui = session.client.gui
    with session.messages.open_dialog("Mouse and keys"):
        gui.add_markdown(help_text())
        gui.add_button("Close").on_click(lambda _: session.enqueue(session.messages.close_dialog))


COMMANDS: tuple[Command, ...] = (
    Command("Undo", Session.undo, "Z", "cmd/ctrl"),
    Command("Redo", Session.redo, "Z", "cmd/ctrl+shift"),
    Command("Redo, as elsewhere", Session.redo, "Y", "cmd/ctrl"),
    Command("Save", Session.save, "S", "cmd/ctrl"),
    Command("Clear the selection", _escape, "escape"),
    Command("Frame the selection, or back to the start", frame_selection, "F"),
    Command("Hide the selection", actions.hide, "H"),
    Command("Isolate the selection: show nothing else", actions.isolate, "I"),
    Command("Show all: end isolating, or show what is hidden", actions.show_all, "H", "shift"),
    Command("Delete the selection", actions.delete, "delete"),
    Command("Restore what was deleted", actions.restore),
    Command("Merge what is selected into one object", actions.merge, "G"),
    Command("Split the selection into its codes", actions.split),
    Command("Make the selection a new object", actions.make_object, "N"),
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
    *(Command(f"Download {what} as PLY", _exporting(what)) for what in WHATS),
    Command("Mouse and keys", _help, "M"),
)
"""In the palette's order."""

MOUSE = (
    ("click", "select an object, or what belongs to none; on nothing: clear"),
    ("Shift+click, Shift+drag", "add an object, all in a rectangle"),
    ("Alt+click, Alt+drag", "take away"),
    ("drag, right drag, wheel", "turn, move, zoom"),
    ("W A S D, Q E, arrows", "fly"),
    ("Ctrl+K", "all commands, by name"),
)
"""What the mouse does, and viser's own keys."""


def help_text() -> str:
    """Mouse and keys as a table in markdown."""
    keys = [(command.keys, command.label[:1].lower() + command.label[1:]) for command in COMMANDS if command.keys]
    return "\n".join(["| | |", "|---|---|", *(f"| **{left}** | {right} |" for left, right in (*MOUSE, *keys))])
