"""How the scene is drawn: the colouring with its legend, boxes, and a light or dark page."""

from typing import Any

from gsseg_viewer.boxes import BoxLines
from gsseg_viewer.colors import Legend, colorings_of, legend
from gsseg_viewer.panels.elements import block, chosen, dim, handler, plain, swatch
from gsseg_viewer.session import Session
from gsseg_viewer.text import escaped, plural

LETTERS = 24
"""Of a name in the legend."""


class LookPanel:
    """Colouring and its legend, and boxes about what is selected."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        gui = session.client.gui
        self.coloring = gui.add_dropdown("Colour by", colorings_of(session.document), initial_value=session.coloring)
        self.legend = gui.add_html("")
        self.boxes = gui.add_checkbox("Boxes", False, hint="A box about each selected object, as it lies.")
        self.lines = BoxLines(session.client)
        self.coloring.on_update(handler(session, self._color))
        self.boxes.on_update(handler(session, lambda _: session.refresh()))

    def refresh(self) -> None:
        """Shows the colouring that the session has, however it came about."""
        document = self.session.document
        self.coloring.value = self.session.coloring
        now = legend(document.state, self.session.coloring, document.shared.classes)
        splats = plural(len(document.gaussians), "splat")
        lines = [dim(f"{escaped(now.text)} {splats}."), *_keys(now)]
        self.legend.content = block(*lines)
        if self.boxes.value:
            self.lines.show(document, document.state, self.session.selection, self.session.work.scale)
        else:
            self.lines.hide()

    def turn_boxes(self) -> None:
        """Shows them, or no longer."""
        self.boxes.value = not self.boxes.value
        self.session.refresh()

    def _color(self, value: Any) -> None:
        chosen(value, colorings_of(self.session.document), "colouring")
        self.session.color_by(value)


class ThemePanel:
    """Light or dark."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        self.dark = session.client.gui.add_checkbox(
            "Dark", session.dark, hint="On a light page, gaps between splats show white."
        )
        self.dark.on_update(handler(session, self._change))
        self._set(session.dark)

    def refresh(self) -> None:
        """Nothing to do: only this person's browser changes it."""

    def turn(self) -> None:
        """The other of the two."""
        self.dark.value = not self.session.dark
        self._change(self.dark.value)

    def _change(self, dark: Any) -> None:
        self._set(dark)
        self.session.refresh()

    def _set(self, dark: Any) -> None:
        self.session.dark = bool(dark)
        # Sharing would send the scene to a server of viser's makers.
        self.session.client.gui.configure_theme(dark_mode=bool(dark), show_logo=False, show_share_button=False)


def _keys(now: Legend) -> list[str]:
    """Swatches and ramp as lines of html."""
    lines = []
    if now.ramp:
        low, high = map(escaped, now.ramp_ends)
        steps = ",".join(f"rgb({red},{green},{blue})" for red, green, blue in now.ramp)
        look = f"display:inline-block;width:7em;height:0.7em;background:linear-gradient(90deg,{steps})"
        lines.append(f'{low} <span style="{look}"></span> {high}')
    if now.swatches:
        whole = '<span style="white-space:nowrap">{}</span>'  # a dot stays with its name
        each = (whole.format(f"{swatch(color)} {escaped(plain(name, LETTERS))}") for color, name in now.swatches)
        lines.append(" &nbsp; ".join(each))
    return lines
