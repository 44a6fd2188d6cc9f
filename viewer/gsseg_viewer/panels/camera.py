"""Where to look from, cross-sections, and lengths."""

from typing import Any, cast

from gsseg_viewer import measuring
from gsseg_viewer.edits import EditError
from gsseg_viewer.panels.elements import block, chosen, dim, handler, plain
from gsseg_viewer.sections import AXES
from gsseg_viewer.session import Session
from gsseg_viewer.text import escaped
from gsseg_viewer.viewpoints import LETTERS, SIDES, Side, bookmark, bookmarks, cut, go, look_from, present, slab

NONE: str = "—"
ENDS = (("Cut from", 0.0), ("Cut to", 100.0))
"""Of the slab, percent of the scene."""
ROWS = (("From", slice(0, 4)), ("and", slice(4, 6)))
"""Of the buttons, as many as fit."""


class CameraPanel:
    """Views along the axes, bookmarks, a section, and a distance."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        gui = session.client.gui
        hint = "Looks at what is selected, else at the scene."
        self.sides = tuple(gui.add_button_group(label, SIDES[part], hint=hint) for label, part in ROWS)
        self.flat = gui.add_checkbox("Flat", False, hint="Nearly without perspective, as a drawing.")
        self.glide = gui.add_checkbox("Glide", False, hint="To training views, sides and bookmarks by and by.")
        self.name = gui.add_text("Bookmark", "", hint="Everybody here sees it, as long as the viewer runs.")
        self.keep = gui.add_button("Keep this view")
        self.kept: Any = gui.add_dropdown("Go to", (NONE,))
        self.axis = gui.add_dropdown("Cut along", (NONE, *AXES), hint="Draws a slab of the scene alone; no edit.")
        self.ends = tuple(gui.add_slider(end, 0.0, 100.0, 0.5, at, visible=False) for end, at in ENDS)
        self.length = gui.add_html("")
        self.truth = gui.add_text("In truth", "", hint="How long what you measured is, such as 2.4 m: sets the scale.")
        self.clear = gui.add_button("Clear the measure")
        for each in self.sides:
            each.on_click(handler(session, lambda value: self._look(chosen(value, SIDES, "side"))))
        self.flat.on_update(handler(session, lambda value: self._set("flat", bool(value))))
        self.glide.on_update(handler(session, lambda value: self._set("glide", bool(value))))
        self.keep.on_click(handler(session, lambda _: self._keep()))
        self.kept.on_update(handler(session, self._go))
        for each in (self.axis, *self.ends):
            each.on_update(handler(session, lambda _: self._cut()))
        self.truth.on_update(handler(session, lambda value: measuring.set_length(session, str(value)[:LETTERS])))
        self.clear.on_click(handler(session, lambda _: measuring.clear(session)))

    def refresh(self) -> None:
        """Lists the bookmarks and says what was measured."""
        session = self.session
        self.flat.value, self.glide.value = session.work.flat, session.work.glide
        names = (NONE, *(plain(each.name, LETTERS) for each in bookmarks(session.document)))
        if tuple(self.kept.options) != names:
            self.kept.options = names
        distance = measuring.distance(session)
        told = "Take “Measure” above the scene and click two points." if distance is None else ""
        told = told or f"Measured: {escaped(session.work.scale.said(distance or 0.0))}"
        self.length.content = block(dim(told))

    def show_cut(self, axis: str | None, low: float = 0.0, high: float = 100.0) -> None:
        """Draws a slab, percent of the scene along an axis, or everything."""
        self.axis.value = axis or NONE
        for each, value in zip(self.ends, (low, high), strict=True):
            each.value = value
        self._cut()

    def _look(self, side: str) -> None:
        look_from(self.session, cast(Side, side))

    def _set(self, name: str, on: bool) -> None:
        setattr(self.session.work, name, on)

    def _keep(self) -> None:
        bookmark(self.session.document, str(self.name.value), present(self.session))
        self.name.value = ""
        self.session.refresh()

    def _go(self, value: Any) -> None:
        known = {plain(each.name, LETTERS): each for each in bookmarks(self.session.document)}
        if value in known:
            go(self.session, known[value].pose)
        elif value != NONE:
            raise EditError("there is no such bookmark")

    def _cut(self) -> None:
        session, axis = self.session, chosen(self.axis.value, (NONE, *AXES), "axis")
        for each in self.ends:
            each.visible = axis != NONE
        low, high = sorted(float(each.value) / 100 for each in self.ends)
        if axis == NONE:
            cut(session, None)
        elif 0 <= low <= high <= 1:
            cut(session, slab(session, AXES.index(axis), low, high))
        else:
            raise EditError("that is out of range")
