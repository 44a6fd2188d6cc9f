"""Everything that tools, camera, colours and export can do, by name: rows of the command palette beside those that have
keys (`gsseg_viewer.commands`). What needs a number or a name asks for it in a window, so that no mouse is needed."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from gsseg_viewer import clicking, measuring, taking, traits
from gsseg_viewer.colors import COLORINGS, Coloring, colorings_of
from gsseg_viewer.dialogs import ask
from gsseg_viewer.downloads import download_page, download_picture, download_splats
from gsseg_viewer.edits import EditError
from gsseg_viewer.exporting import KINDS, WHATS
from gsseg_viewer.moving import go_to
from gsseg_viewer.panels.camera import CameraPanel
from gsseg_viewer.panels.look import LookPanel, ThemePanel
from gsseg_viewer.panels.tools import LARGEST, SHAPES, SMALLEST, ToolsPanel, hold
from gsseg_viewer.sections import AXES
from gsseg_viewer.selection import HOWS, How
from gsseg_viewer.session import Session
from gsseg_viewer.steps import STEPS, step
from gsseg_viewer.tools import TOOLS, Tool
from gsseg_viewer.traits import TRAITS, Trait
from gsseg_viewer.viewpoints import SIDES, bookmark, bookmarks, go, look_from, present

Action = Callable[[Session], object]
Some = TypeVar("Some")

_TOOLS: dict[Tool, str] = {
    "click": "select by clicks",
    "points": "points that belong, points that do not",
    "lasso": "lasso",
    "polygon": "polygon",
    "brush": "brush",
    "snap": "keep / drop clicks that snap",
    "scribble": "keep / drop scribbles that snap",
    "colour": "eyedropper",
    "assign": "assign the selection to a clicked object",
    "measure": "measure",
}
_HOWS: dict[How, str] = {
    "set": "replace the selection",
    "add": "add to the selection",
    "remove": "take away from the selection",
    "intersect": "keep what is selected too",
}


def panel(session: Session, kind: type[Some]) -> Some:
    """The session's panel of a kind."""
    return next(each for each in session.panels if isinstance(each, kind))


def numbers(typed: str, count: int, low: float = -np.inf, high: float = np.inf) -> list[float]:
    """So many numbers of a text, between two bounds; `EditError` for anything else."""
    try:
        found = [float(each) for each in typed.replace(",", " ").split()]
    except ValueError:
        found = []
    if len(found) != count or not all(low <= each <= high for each in found):
        raise EditError(f"that is not {'a number' if count == 1 else f'{count} numbers'} in range")
    return found


def _how(session: Session, how: How) -> None:
    session.tools = replace(session.tools, how=how)
    session.refresh()


def _turn(name: str, session: Session) -> None:
    """The other way of something that is so or not."""
    if name == "whole":
        session.tools = replace(session.tools, whole=not session.tools.whole)
    elif name == "only_seen":
        session.only_seen = not session.only_seen
    else:
        setattr(session.work, name, not getattr(session.work, name))
    session.refresh()


def _ask_depth(session: Session) -> None:
    def set_depth(typed: str) -> None:
        session.tools = replace(session.tools, depth=numbers(typed, 1, 1, 100)[0] / 100)
        session.refresh()

    ask(session, "How far into the picture tools reach", "Percent", f"{100 * session.tools.depth:g}", set_depth)


def _ask_brush(session: Session) -> None:
    def set_radius(typed: str) -> None:
        session.tools = replace(session.tools, radius=numbers(typed, 1, 100 * SMALLEST, 100 * LARGEST)[0] / 100)
        session.refresh()

    ask(session, "Radius of the brush", "Percent of the height", f"{100 * session.tools.radius:g}", set_radius)


def _ask_grain(session: Session) -> None:
    now = f"{session.work.points.grain:g}"
    ask(session, "Grain of points", "0 to 1", now, lambda typed: clicking.regrain(session, numbers(typed, 1, 0, 1)[0]))


def _ask_range(trait: Trait, session: Session) -> None:
    document, state = session.document, session.document.state
    values = traits.values_of(document, state, trait, session.work.color)
    shown = traits.histogram(values, document.shown(state))
    unit = ", powers of ten" if trait == "size" else ""

    def take(typed: str) -> None:
        low, high = sorted(numbers(typed, 2))
        taking.take(session, traits.within(values, low, high), session.tools.how)

    ask(session, f"Select by {trait}", f"From, to{unit}", f"{shown.low:.4g} {shown.high:.4g}", take)


def _ask_cut(session: Session) -> None:
    def slab(typed: str) -> None:
        axis, _, ends = typed.strip().partition(" ")
        if axis not in AXES:
            raise EditError("begin with x, y or z")
        low, high = sorted(numbers(ends, 2, 0, 100))
        panel(session, CameraPanel).show_cut(axis, low, high)

    ask(session, "Draw only a slab of the scene", "Axis, from and to in percent", "x 0 100", slab)


def _ask_bookmark(session: Session) -> None:
    def keep(typed: str) -> None:
        bookmark(session.document, typed, present(session))
        session.refresh()

    ask(session, "Keep this view", "Name", "", keep)


def _ask_where(session: Session) -> None:
    def find(typed: str) -> None:
        found = [each for each in bookmarks(session.document) if each.name == typed.strip()]
        if not found:
            raise EditError(f"there is no view called “{typed}”")
        go(session, found[0].pose)

    names = bookmarks(session.document)
    ask(session, "Go to a view that was kept", "Name", names[-1].name if names else "", find)


def _ask_view(session: Session) -> None:
    def find(typed: str) -> None:
        typed = typed.strip()
        found = [view for at, view in enumerate(session.views, 1) if typed in (str(at), view.name)]
        if len(found) != 1:
            raise EditError(f"no training view can be meant by “{typed}”: give its number or its name")
        go_to(session, found[0])

    ask(session, "Go to a training view", f"Number, to {len(session.views)}, or name", "", find)


def _ask_length(session: Session) -> None:
    if measuring.distance(session) is None:
        raise EditError("measure first something whose length you know")
    ask(session, "How long it is in truth", "Such as 2.4 m", "", lambda typed: measuring.set_length(session, typed))


def _color(coloring: Coloring, session: Session) -> None:
    if coloring not in colorings_of(session.document):
        raise EditError("there is no other run: start the viewer with --compare RUN")
    session.color_by(coloring)


def _boxes(session: Session) -> None:
    panel(session, LookPanel).turn_boxes()


def _theme(session: Session) -> None:
    panel(session, ThemePanel).turn()


def _take_solid(session: Session) -> None:
    panel(session, ToolsPanel).gizmo.take(session.tools.how)


ROWS: tuple[tuple[str, Action], ...] = (
    *((f"Tool: {_TOOLS[tool]}", lambda session, tool=tool: hold(session, tool)) for tool in TOOLS),
    *((f"Tools {_HOWS[how]}", lambda session, how=how: _how(session, how)) for how in HOWS),
    ("Tools take whole objects, or single Gaussians", partial(_turn, "whole")),
    ("Tools take only what is seen, or through everything", partial(_turn, "only_seen")),
    ("Tools: how far into the picture…", _ask_depth),
    ("Tools: size of the brush…", _ask_brush),
    ("Tools: grain of points…", _ask_grain),
    *((f"Selection: {which}", lambda session, which=which: step(session, which)) for which in STEPS),
    *(
        (f"Solid: {shape}", lambda session, shape=shape: panel(session, ToolsPanel).solid(shape))
        for shape in SHAPES
    ),
    ("Solid: take what is in it", _take_solid),
    *((f"Select by {trait}…", partial(_ask_range, trait)) for trait in TRAITS),
    *((f"Look from {side}", lambda session, side=side: look_from(session, side)) for side in SIDES),
    ("Camera: views from a side flat, or in perspective", partial(_turn, "flat")),
    ("Camera: glide to views, or jump", partial(_turn, "glide")),
    ("Camera: keep this view…", _ask_bookmark),
    ("Camera: go to a view that was kept…", _ask_where),
    ("Camera: go to a training view…", _ask_view),
    ("Camera: draw only a slab of the scene…", _ask_cut),
    ("Camera: draw all of the scene", lambda session: panel(session, CameraPanel).show_cut(None)),
    ("Measure: how long it is in truth…", _ask_length),
    ("Measure: clear", measuring.clear),
    *((f"Colour by {coloring}", partial(_color, coloring)) for coloring in COLORINGS),
    ("Boxes about what is selected, or none", _boxes),
    ("Dark page, or light", _theme),
    *(
        (f"Download {what} as {kind}", lambda session, what=what, kind=kind: download_splats(session, what, kind))
        for what in WHATS
        for kind in KINDS
    ),
    ("Save a picture of the screen", download_picture),
    ("Save a web page of the scene", download_page),
)  # fmt: skip
"""What the palette lists, and what each does."""
