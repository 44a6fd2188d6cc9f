"""Windows that ask for one thing: a name, an object to move to, what is to become of edits that were not saved."""

from collections.abc import Callable
from typing import Any

from gsseg_viewer import actions
from gsseg_viewer.edits import EditError
from gsseg_viewer.panels.elements import block, handler
from gsseg_viewer.panels.objects import LETTERS, entries, matching
from gsseg_viewer.session import Session
from gsseg_viewer.text import escaped


def ask_name(session: Session) -> None:
    """Asks for another name of the selected object."""
    object_id = actions.selected_object(session)
    name = session.document.state.objects[object_id].name
    ask(session, f"Rename {name}", "Name", name, lambda typed: actions.rename(session, object_id, typed))


def ask_target(session: Session) -> None:
    """Asks for the object that the selection is to be moved to."""
    if not session.selection:
        raise EditError("select something to move")
    ask(session, "Move the selection to", "Name or id", "", lambda typed: _move(session, typed))


def _move(session: Session, typed: str) -> None:
    found = matching(entries(session.document.state), " ".join(typed[:LETTERS].split()))
    exact = [each for each in found if typed in (str(each.id), each.name)] or found
    if len(exact) != 1:
        raise EditError(
            f"{'no object' if not exact else f'{len(exact)} objects'} can be meant by “{typed}”: give an id"
        )
    actions.move(session, exact[0].id)


def ask(session: Session, title: str, label: str, value: str, then: Callable[[str], object]) -> None:
    """A window with one line of text; Enter and the button do ``then`` with it, and the window closes."""
    gui, done = session.client.gui, [False]

    def answer(_: Any) -> None:
        if not done[0]:  # leaving the field submits too, when the window closes
            done[0] = True
            session.messages.close_dialog()
            then(str(text.value))

    async def submitted(event: Any) -> None:  # on viser's event loop, which keeps the order
        if event.client is not None:
            session.enqueue(lambda: answer(None))

    with session.messages.open_dialog(title):
        with gui.add_form(None) as form:
            text = gui.add_text(label, value)
        form.on_submit(submitted)
        gui.add_button("OK").on_click(handler(session, answer))
        gui.add_button("Cancel").on_click(handler(session, lambda _: _cancel(session, done)))


def _cancel(session: Session, done: list[bool]) -> None:
    done[0] = True
    session.messages.close_dialog()


def offer_recovery(session: Session, notice: str) -> None:
    """Says that edits were found that had not been saved and are here again, and asks whether to keep them."""
    gui = session.client.gui

    def discard(_: Any) -> None:
        session.messages.close_dialog()
        session.document.discard_recovered(session.client.client_id)

    with session.messages.open_dialog("Unsaved edits are back"):
        gui.add_html(block(escaped(notice)))
        gui.add_button("Keep them").on_click(handler(session, lambda _: session.messages.close_dialog()))
        gui.add_button("Discard them", color="red").on_click(handler(session, discard))
