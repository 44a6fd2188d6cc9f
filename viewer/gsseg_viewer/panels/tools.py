"""The selection tools: the bar above the scene that says which is in hand, and how they are set."""

from dataclasses import replace
from typing import Any, cast

import numpy as np

from gsseg_viewer import clicking, snapping, taking, traits
from gsseg_viewer.edits import EditError
from gsseg_viewer.gizmos import Shape, SolidGizmo
from gsseg_viewer.incoming import PartAsked
from gsseg_viewer.panels.elements import block, chosen, dim, handler, slow_handler
from gsseg_viewer.regions import Outline, Stroke
from gsseg_viewer.selection import HOWS, How
from gsseg_viewer.session import Session
from gsseg_viewer.steps import STEPS, Step, step
from gsseg_viewer.text import plural
from gsseg_viewer.tools import DRAWN, TOOLS, Tool
from gsseg_viewer.traits import TRAITS, Histogram, Trait

SHAPES = ("sphere", "box", "close")
SMALLEST, LARGEST = 0.002, 0.3
"""Of the brush, heights of the screen."""
ENDS = (("From", 0.0), ("To", 100.0))
"""Of the range, percent of what there is."""
SIDES = ("length", "width", "height")
POINTS = 20_000
"""Of a line that was drawn; a browser sends one each two pixels."""


class ToolsPanel:
    """Everything about selecting Gaussians that is not a click; the page's own part is `web/tools.js`."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser and listens to the page's part."""
        self.session = session
        self.gizmo = SolidGizmo(session)
        self.values: np.ndarray = np.zeros(0, np.float32)
        """The trait of each Gaussian that the histogram is of."""
        self.shown: Histogram | None = None
        gui = session.client.gui
        self.steps = gui.add_button_group("Selection", STEPS, hint="Over neighbours in space; by features near to it.")
        self.whole = gui.add_checkbox("Whole objects", False, hint="What is drawn takes objects by half, and no parts.")
        self.depth = gui.add_slider("Depth", 1, 100, 1, 100, hint="How far into the picture tools reach, in percent.")
        self.radius = gui.add_slider("Brush", SMALLEST, LARGEST, 0.002, 0.03, hint="Radius, in heights of the picture.")
        self.grain = gui.add_slider("Grain", 0.0, 1.0, 0.02, 0.5, hint="Of points: fine, an object at 0.5, coarse.")
        self.shapes = gui.add_button_group("Solid", SHAPES, hint="Handles move and turn it.")
        self.sides = [gui.add_number(each, 1.0, min=0.0, step=0.01, visible=False) for each in SIDES]
        self.take = gui.add_button("Take what is in it", visible=False)
        self.trait = gui.add_dropdown("By", ("—", *TRAITS), hint="Colour: as unlike the picked one as the range says.")
        self.histogram = gui.add_html("", visible=False)
        self.range = tuple(gui.add_slider(end, 0.0, 100.0, 0.5, at, visible=False) for end, at in ENDS)
        self.by_range = gui.add_button("Take what is in the range", visible=False)
        self.steps.on_click(
            slow_handler(session, lambda value: step(session, cast(Step, chosen(value, STEPS, "button"))))
        )
        self.whole.on_update(handler(session, lambda value: self._set(whole=bool(value))))
        self.depth.on_update(handler(session, lambda value: self._set(depth=_number(value, 1, 100) / 100)))
        self.radius.on_update(handler(session, lambda value: self._set(radius=_number(value, SMALLEST, LARGEST))))
        self.grain.on_update(handler(session, lambda value: clicking.regrain(session, _number(value, 0, 1))))
        self.shapes.on_click(handler(session, lambda value: self.solid(chosen(value, SHAPES, "button"))))
        for each in self.sides:
            each.on_update(handler(session, lambda _: self._resize()))
        self.take.on_click(handler(session, lambda _: self.gizmo.take(session.tools.how)))
        self.trait.on_update(handler(session, lambda _: self._show_trait()))
        for each in self.range:
            each.on_update(handler(session, lambda _: self._draw_histogram()))
        self.by_range.on_click(handler(session, lambda _: self._take_range()))
        session.channel.listen("tools", self._asked)

    def refresh(self) -> None:
        """Tells the bar which tool is in hand and how much is selected."""
        session, tools = self.session, self.session.tools
        state = session.document.state
        count = int(state.sizes[session.selection.mask(len(state.owner))].sum())
        said = f"{plural(count, 'Gaussian')} selected" if count else ""
        told = {"tool": tools.tool, "how": tools.how, "radius": tools.radius, "said": said}
        session.channel.tell("tools", "state", told)
        self.radius.value, self.grain.value = tools.radius, session.work.points.grain
        self.whole.value, self.depth.value = tools.whole, round(100 * tools.depth)

    def _asked(self, asked: PartAsked) -> None:
        if asked.action == "tool":
            self._set(tool=chosen(asked.text, TOOLS, "tool"))
        elif asked.action == "how":
            self._set(how=chosen(asked.text, HOWS, "way"))
        elif asked.action == "radius" and len(asked.numbers) == 1:
            self._set(radius=float(np.clip(asked.numbers[0], SMALLEST, LARGEST)))
        elif asked.action == "draw":
            tool, _, held = asked.text.partition(" ")
            self._draw(chosen(tool, tuple(DRAWN), "tool"), chosen(held or self.session.tools.how, HOWS, "way"), asked)
        else:
            raise EditError("the page asked for something that is not there")

    def _draw(self, tool: str, how: str, asked: PartAsked) -> None:
        chain = np.array(asked.numbers, np.float64).reshape(-1, 2) if len(asked.numbers) % 2 == 0 else np.zeros((0, 2))
        fewest = 3 if tool in ("lasso", "polygon") else 1
        if not fewest <= len(chain) <= POINTS or np.abs(chain).max() > 10:
            raise EditError("that is no line")
        session, way = self.session, cast(How, how)
        if tool in ("lasso", "polygon"):
            taking.draw(session, Outline(chain), way)
        elif tool == "brush":
            # Who paints goes on painting: only the other ways say otherwise.
            taking.draw(session, Stroke(chain, session.tools.radius), "add" if way == "set" else way)
        else:
            snapping.scribble(session, Stroke(chain, session.tools.radius), keep=way != "remove")

    def _set(self, **changes: Any) -> None:
        self.session.tools = replace(self.session.tools, **changes)
        self.session.refresh()

    def solid(self, shape: str) -> None:
        """Shows a sphere or a box, or closes it."""
        if shape == "close":
            self.gizmo.close()
        else:
            self.gizmo.open(cast(Shape, shape))
        self.take.visible = self.gizmo.shape is not None
        for at, side in enumerate(self.sides):
            side.visible = self.gizmo.shape == "box" or (self.gizmo.shape == "sphere" and at == 0)
            side.value = round(float(self.gizmo.extent[at]), 4)

    def _resize(self) -> None:
        self.gizmo.resize(np.array([each.value for each in self.sides], np.float64))

    def _show_trait(self) -> None:
        session, name = self.session, str(self.trait.value)
        if name not in TRAITS:
            self.shown = None
        else:
            document, state = session.document, session.document.state
            self.values = traits.values_of(document, state, cast(Trait, name), session.work.color)
            self.shown = traits.histogram(self.values, document.shown(state))
        for each in (self.histogram, *self.range, self.by_range):
            each.visible = self.shown is not None
        self._draw_histogram()

    def _ends(self) -> tuple[float, float]:
        """The range, in the trait's own units."""
        low, high = sorted(_number(each.value, 0, 100) / 100 for each in self.range)
        assert self.shown is not None
        whole = self.shown.high - self.shown.low
        return self.shown.low + low * whole, self.shown.low + high * whole

    def _draw_histogram(self) -> None:
        if self.shown is not None:
            low, high = self._ends()
            inside = traits.within(self.values, low, high) & self.session.document.shown(self.session.document.state)
            scale = "10^" if self.trait.value == "size" else ""
            said = f"{plural(int(inside.sum()), 'Gaussian')} from {scale}{low:.3g} to {scale}{high:.3g}"
            self.histogram.content = bars(self.shown, low, high) + block(dim(said))

    def _take_range(self) -> None:
        if self.shown is None:
            raise EditError("choose first what Gaussians are told apart by")
        taking.take(self.session, traits.within(self.values, *self._ends()), self.session.tools.how)


def bars(shown: Histogram, low: float, high: float) -> str:
    """A histogram as html; what is outside the range steps back. Heights are roots, so that rare values show."""
    most = max(1, int(shown.counts.max(initial=0)))
    step = (shown.high - shown.low) / len(shown.counts)
    parts = []
    for at, count in enumerate(shown.counts.tolist()):
        middle = shown.low + (at + 0.5) * step
        look = f"flex:1;height:{100 * (count / most) ** 0.5:.0f}%;background:#4dabf7"
        parts.append(f'<i style="{look};opacity:{1.0 if low <= middle <= high else 0.25}"></i>')
    style = "display:flex;align-items:flex-end;gap:1px;height:3.5em;margin:0 0.75em 0.3em"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _number(value: Any, low: float, high: float) -> float:
    if not isinstance(value, int | float) or not low <= value <= high:
        raise EditError("that is out of range")
    return float(value)


def hold(session: Session, tool: Tool) -> None:
    """Takes a tool in hand."""
    session.tools = replace(session.tools, tool=tool)
    session.refresh()
