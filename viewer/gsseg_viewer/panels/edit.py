"""Mending the segmentation: undo, redo and saving, always at hand, and the edits with the list of what was done."""

from typing import Any

from gsseg.run.sources import BareSplats
from gsseg.segmentation import NO_OBJECT
from gsseg_viewer.actions import delete, hide, isolate, merge, move, rename, restore, show_all
from gsseg_viewer.edits import one_line
from gsseg_viewer.guides.splitting import Splitting
from gsseg_viewer.panels.elements import block, chosen, code, dim, fixed, handler, slow_handler, unwrapped
from gsseg_viewer.panels.objects import entries
from gsseg_viewer.session import Session
from gsseg_viewer.text import escaped, plural

STEPS = ("↶ undo", "↷ redo")
CHANGES = ("merge", "split", "delete", "restore")
SHOWING = ("hide", "isolate", "show all")
NEW_OBJECT, NOTHING = "a new object", "no object"
TARGETS = 600
"""Objects offered to move something to, largest first: what a menu holds without slowing a browser down."""
LISTED = 8
"""Edits in the list of the last ones."""


class UndoPanel:
    """Undo and redo, with what they would undo and redo, and saving."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        gui = session.client.gui
        self.steps = gui.add_button_group("Edits", STEPS)
        self.titles = gui.add_html("")
        self.save = gui.add_button("Save", color="green")
        self.steps.on_click(handler(session, self._step))
        self.save.on_click(slow_handler(session, lambda _: session.save()))

    def refresh(self) -> None:
        """Names the next edit to undo and to redo, and offers to save what is not saved."""
        done, undone = self.session.document.history()
        parts = [f"undo: {escaped(done[-1])}"] if done else []
        parts += [f"redo: {escaped(undone[0])}"] if undone else []
        self.titles.content = fixed(1, unwrapped(dim(" &nbsp; ".join(parts) or "nothing has been edited")))
        self.save.disabled = not self.session.document.unsaved

    def _step(self, value: Any) -> None:
        if chosen(value, STEPS, "button") == STEPS[0]:
            self.session.undo()
        else:
            self.session.redo()


class EditPanel:
    """Everything that changes objects, and the last edits."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        self.targets: dict[str, int | None] = {NEW_OBJECT: None, NOTHING: NO_OBJECT}
        self.renamed: tuple[int, str] | None = None
        """Id and name of the object whose name is in the field."""
        gui = session.client.gui
        self.changes = gui.add_button_group(
            "Objects",
            CHANGES,
            hint="Merge what is selected, choose how to split it, delete it, or have everything deleted back.",
        )
        self.showing = gui.add_button_group("Show", SHOWING, hint="What is drawn; nothing is lost.")
        with gui.add_form(None) as self.form:
            self.name = gui.add_text(
                "Name", "", hint="Of the one selected object. Enter or a click elsewhere keeps it."
            )
        self.rename = gui.add_button("Rename")
        self.target = gui.add_dropdown(
            "Move to", tuple(self.targets), hint="Select pieces first: level “fine code”, then click and shift-click."
        )
        self.move = gui.add_button("Move the selection")
        gui.add_html(block(dim(_saving(session))))
        self.list = gui.add_html("")
        self.changes.on_click(handler(session, self._change))
        self.showing.on_click(handler(session, self._show))
        self.form.on_submit(self._submit)
        self.rename.on_click(handler(session, lambda _: self._rename()))
        self.move.on_click(handler(session, lambda _: self._move(self.target.value)))

    def refresh(self) -> None:
        """Fits the name, the objects to move to, and the list to the document."""
        state = self.session.document.state
        ids = self.session.selection.objects(state)
        named = (ids[0], state.objects[ids[0]].name) if len(ids) == 1 else None
        if named != self.renamed:
            self._follow(named)
        rows = entries(state)[:TARGETS]
        self.targets = {NEW_OBJECT: None, NOTHING: NO_OBJECT, **{row.label: row.id for row in rows}}
        if tuple(self.targets) != self.target.options:
            self.target.options = tuple(self.targets)
        done, undone = self.session.document.history()
        lines = [escaped(title) for title in reversed(done[-LISTED:])]
        lines += [f"… and {len(done) - LISTED:,} before"] if len(done) > LISTED else []
        lines += [f"{plural(len(undone), 'edit')} undone"] if undone else []
        deleted = int(state.sizes[state.deleted].sum())
        lines += [f"{plural(deleted, 'Gaussian')} deleted"] if deleted else []
        self.list.content = block("<b>Last edits</b>", *map(dim, lines or ["none"]))

    def _change(self, value: Any) -> None:
        action = chosen(value, CHANGES, "button")
        if action == "split":
            self.session.follow(Splitting)
        else:
            {"merge": merge, "delete": delete, "restore": restore}[action](self.session)

    def _show(self, value: Any) -> None:
        action = chosen(value, SHOWING, "button")
        {"hide": hide, "isolate": isolate, "show all": show_all}[action](self.session)

    def _follow(self, named: tuple[int, str] | None) -> None:
        """Shows the name of what is selected now. What was typed for another object is kept as that one's name."""
        before, self.renamed = self.renamed, named
        if before is not None and named is not None and before[0] == named[0]:
            if self._typed() == before[1]:  # else somebody is typing
                self.name.value = named[1]
            return
        if before is not None and self._typed() not in ("", before[1]):
            old, typed = before[0], self._typed()
            self.session.enqueue(lambda: rename(self.session, old, typed))
        self.name.value = named[1] if named else ""

    def _typed(self) -> str:
        return one_line(str(self.name.value))

    async def _submit(self, event: Any) -> None:  # on viser's event loop, which keeps the order
        if event.client is not None:
            self.session.enqueue(self._rename)

    def _rename(self) -> None:
        if self.renamed is None or self._typed() == self.renamed[1]:
            return
        object_id, name = self.renamed
        if not rename(self.session, object_id, str(self.name.value)):
            self.name.value = name

    def _move(self, value: Any) -> None:
        move(self.session, self.targets[chosen(value, tuple(self.targets), "object")])


def _saving(session: Session) -> str:
    source = session.document.run.source
    folder = code(str(source.run_folder if isinstance(source, BareSplats) else source.folder))
    return f"Saving writes to {folder} and keeps what was there before; until then your edits are kept beside it."
