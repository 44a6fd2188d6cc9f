"""Mending the segmentation: undo, redo and saving, always at hand, and the edits with the list of what was done."""

from typing import Any

from gsseg.run.sources import BareSplats
from gsseg_viewer.panels.elements import block, chosen, code, dim, fixed, handler, one_line, slow_handler
from gsseg_viewer.panels.objects import entries
from gsseg_viewer.panels.selection import called, hide_selected, isolate_selected
from gsseg_viewer.session import Session
from gsseg_viewer.state import EditError, delete, merge, move, rename, restore, show_all, split
from gsseg_viewer.text import escaped, plural

STEPS = ("↶ undo", "↷ redo")
CHANGES = ("merge", "split", "delete", "restore")
SHOWING = ("hide", "isolate", "show all")
NEW_OBJECT = "a new object"
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
        self.titles.content = fixed(1, one_line(dim(" &nbsp; ".join(parts) or "nothing has been edited")))
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
        self.targets: dict[str, int | None] = {NEW_OBJECT: None}
        self.listed = session.document.state
        """Whose ids the targets are."""
        self.renamed: tuple[int, str] | None = None
        gui = session.client.gui
        self.changes = gui.add_button_group(
            "Objects",
            CHANGES,
            hint="Merge the selected objects, split one into its codes, delete them, or have all deleted ones back.",
        )
        self.showing = gui.add_button_group("Show", SHOWING, hint="Which objects are drawn; nothing is lost.")
        self.name = gui.add_text("Name", "", hint="Of the one selected object.")
        self.rename = gui.add_button("Rename")
        self.target = gui.add_dropdown(
            "Move to", tuple(self.targets), hint="Select pieces first: level “fine code”, then click and shift-click."
        )
        self.move = gui.add_button("Move the selection")
        gui.add_html(block(dim(_saving(session))))
        self.list = gui.add_html("")
        self.changes.on_click(handler(session, self._change))
        self.showing.on_click(handler(session, self._show))
        self.rename.on_click(handler(session, lambda _: self._rename(self.name.value)))
        self.move.on_click(handler(session, lambda _: self._move(self.target.value)))

    def refresh(self) -> None:
        """Fits the name, the objects to move to, and the list to the document."""
        state = self.session.document.state
        ids = self.session.selection.objects(state)
        named = (ids[0], state.objects[ids[0]].name) if len(ids) == 1 else None
        if named != self.renamed:  # else what is being typed would be lost at every click elsewhere
            self.renamed = named
            self.name.value = named[1] if named else ""
        rows = entries(state)[:TARGETS]
        self.listed = state
        self.targets = {NEW_OBJECT: None, **{row.label: row.id for row in rows}}
        if tuple(self.targets) != self.target.options:
            self.target.options = tuple(self.targets)
        done, undone = self.session.document.history()
        lines = [escaped(title) for title in reversed(done[-LISTED:])]
        lines += [f"… and {len(done) - LISTED:,} before"] if len(done) > LISTED else []
        lines += [f"{plural(len(undone), 'edit')} undone"] if undone else []
        lines += [f"{plural(len(state.deleted), 'object')} deleted"] if state.deleted else []
        self.list.content = block("<b>Last edits</b>", *map(dim, lines or ["none"]))

    def _change(self, value: Any) -> None:
        session, action, now = self.session, chosen(value, CHANGES, "button"), self.session.document.state
        ids = session.selection.objects(now)
        if action == "merge":
            session.edit(f"merged {plural(len(ids), 'object')}", lambda state: merge(state, ids), now)
        elif action == "delete":
            session.edit(f"deleted {called(now, ids)}", lambda state: delete(state, ids), now)
        elif action == "restore":
            session.edit("restored what was deleted", restore)
        elif len(ids) != 1:
            raise EditError("select the one object that is to be split")
        else:
            codes = len(now.pieces_of(ids))
            session.edit(f"split {called(now, ids)} into {codes}", lambda state: split(state, ids[0]), now)

    def _show(self, value: Any) -> None:
        action = chosen(value, SHOWING, "button")
        if action == "hide":
            hide_selected(self.session)
        elif action == "isolate":
            isolate_selected(self.session)
        else:
            self.session.edit("showed everything", show_all)

    def _rename(self, name: Any) -> None:
        session, now = self.session, self.session.document.state
        ids = session.selection.objects(now)
        if len(ids) != 1:
            raise EditError("select the one object that is to be renamed")
        new = rename(now, ids[0], str(name)).objects[ids[0]].name  # as it will be: on one line
        session.edit(f"renamed {called(now, ids)} to {new}", lambda state: rename(state, ids[0], str(name)), now)

    def _move(self, value: Any) -> None:
        session, pieces = self.session, self.session.selection.pieces
        target = self.targets[chosen(value, tuple(self.targets), "object")]
        title = "made a new object" if target is None else f"moved pieces to {called(self.listed, [target])}"
        session.edit(title, lambda state: move(state, pieces, target), self.listed)


def _saving(session: Session) -> str:
    source = session.document.run.source
    folder = code(str(source.run_folder if isinstance(source, BareSplats) else source.folder))
    return f"Saving writes to {folder} and keeps what was there before; until then nothing on disk changes."
