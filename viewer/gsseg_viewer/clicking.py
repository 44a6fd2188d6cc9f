"""What a click on the scene does with each of the tools that click."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.objects import select
from gsseg.scene.sh import base_colors
from gsseg.segmentation import NO_OBJECT
from gsseg_viewer import actions, measuring, mouse, sections, snapping, traits
from gsseg_viewer.edits import EditError
from gsseg_viewer.points import Points, meant
from gsseg_viewer.selection import How, as_they_are
from gsseg_viewer.session import Session
from gsseg_viewer.taking import take
from gsseg_viewer.tools import Tool

ALIKE = 0.1
"""Distance of colours, red, green and blue in 0..1, up to which two are one to the eyedropper."""


def clicked(session: Session, origin: Any, direction: Any, how: How | None) -> None:
    """Does what the tool in hand does; ``how``: what the keys held say, None where none is. `EditError` for what is no
    ray."""
    CLICKS.get(session.tools.tool, mouse.click)(session, origin, direction, how or session.tools.how)


def add_point(session: Session, origin: Any, direction: Any, how: How) -> None:
    """One more point of the thing that is meant; with ``remove``, of what is not meant."""
    row = _met(session, origin, direction)[0]
    work = session.work
    before = work.points if work.points_made == session.selection else Points(grain=work.points.grain)
    if how == "remove":
        if not before.belong:
            raise EditError("click first on what is meant")
        choose(session, replace(before, others=(*before.others, row)))
    else:
        choose(session, replace(before, belong=(*before.belong, row)))


def choose(session: Session, points: Points) -> None:
    """Selects what some points mean."""
    state = session.document.state
    document = session.document
    pieces = np.flatnonzero(meant(points, state, document.table_of(state), document.pieces_of(state)))
    session.reselect(lambda before: as_they_are(before, pieces))
    session.work.points, session.work.points_made = points, session.selection


def regrain(session: Session, grain: float) -> None:
    """Makes what the points mean finer or coarser; the next ones too."""
    session.work.points = replace(session.work.points, grain=grain)
    if session.work.points.belong and session.work.points_made == session.selection:
        choose(session, session.work.points)
    session.refresh()


def keep_or_drop(session: Session, origin: Any, direction: Any, how: How) -> None:
    """Says what belongs to the selection, with ``remove`` what does not, and lets its border snap."""
    _met(session, origin, direction)
    snapping.click(session, np.asarray(origin, float), np.asarray(direction, float), keep=how != "remove")


def take_color(session: Session, origin: Any, direction: Any, how: How) -> None:
    """Takes all that has the colour of what was clicked, as the photos show it."""
    row = _met(session, origin, direction)[0]
    red, green, blue = base_colors(session.document.gaussians).numpy()[row].tolist()
    session.work.color = (red, green, blue)
    far = traits.values_of(session.document, session.document.state, "colour", session.work.color)
    take(session, traits.within(far, 0.0, ALIKE), how)


def assign(session: Session, origin: Any, direction: Any, how: How) -> None:
    """Gives the selection to the object that is clicked."""
    if not session.selection:
        raise EditError("select first what is to be given to another object")
    hit = sections.pick(session.document, session.section, *_ray(origin, direction))
    if hit is None or hit.object_id == NO_OBJECT:
        raise EditError("click the object that the selection is to be given to")
    actions.move(session, hit.object_id)


def measure(session: Session, origin: Any, direction: Any, how: How) -> None:
    """One end of a distance."""
    measuring.add_end(session, _met(session, origin, direction)[1])


def _met(session: Session, origin: Any, direction: Any) -> tuple[int, Float64[ndarray, "3"]]:
    """The Gaussian that stops most of a ray's light, and where; `EditError` where there is none."""
    start, ray = _ray(origin, direction)
    document = session.document
    try:
        hits = select.pick(sections.drawn(document, document.state, session.section), start, ray)
    except ValueError as error:
        raise EditError("the browser sent no ray with that click") from error
    if hits.weights.sum() < select.MIN_WEIGHT:
        raise EditError("there is nothing under that click")
    most = int(np.argmax(hits.weights))
    return int(hits.rows[most]), start + hits.distances[most] * ray / np.linalg.norm(ray)


def _ray(origin: Any, direction: Any) -> tuple[ndarray, ndarray]:
    try:
        start, ray = np.asarray(origin, np.float64), np.asarray(direction, np.float64)
    except (TypeError, ValueError) as error:
        raise EditError("the browser sent no ray with that click") from error
    if start.shape != (3,) or ray.shape != (3,):
        raise EditError("the browser sent no ray with that click")
    return start, ray


CLICKS: Mapping[Tool, Callable[[Session, Any, Any, How], None]] = {
    "click": mouse.click,
    "points": add_point,
    "snap": keep_or_drop,
    "colour": take_color,
    "assign": assign,
    "measure": measure,
}
