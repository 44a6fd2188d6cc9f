"""Distances in the scene: a line between two points, its length beside it, and what a world unit is for this person."""

import math

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg_viewer.edits import EditError
from gsseg_viewer.session import Session
from gsseg_viewer.work import Scale

NAME = "/measure"
"""The nodes in a browser's scene."""

COLOR = (255, 212, 59)

LETTERS = 12
"""Of the name of a unit."""


def add_end(session: Session, point: Float64[ndarray, "3"]) -> None:
    """One end of a distance; the third begins the next one."""
    ends = session.work.ends
    session.work.ends = (*ends, point) if len(ends) < 2 else (point,)
    show(session)
    session.refresh()


def distance(session: Session) -> float | None:
    """Between the two ends, world units; None while there are not two."""
    return float(np.linalg.norm(session.work.ends[1] - session.work.ends[0])) if len(session.work.ends) == 2 else None


def set_length(session: Session, typed: str) -> None:
    """Says how long the measured distance is in truth, as ``2.4 m``: from then on all lengths are told so."""
    number, _, unit = " ".join(typed.split()).partition(" ")
    measured = distance(session)
    if measured is None or measured <= 0:
        raise EditError("measure first something whose length you know")
    try:
        truth = float(number.replace(",", "."))
    except ValueError:
        truth = math.nan
    if not (math.isfinite(truth) and truth > 0) or len(unit) > LETTERS or not unit.isprintable():
        raise EditError("give its length and the unit, such as 2.4 m")
    session.work.scale = Scale(truth / measured, unit)
    show(session)
    session.refresh()


def show(session: Session) -> None:
    """Draws the line and its length, or the first point alone."""
    scene, ends = session.client.scene, session.work.ends
    scene.remove_by_name(NAME)
    if not ends:
        return
    points = np.array(ends, np.float32)
    scene.add_point_cloud(f"{NAME}/ends", points, np.tile(np.array(COLOR, np.uint8), (len(ends), 1)), point_size=0.01)
    between = distance(session)
    if between is not None:
        scene.add_line_segments(f"{NAME}/line", points[None], COLOR, thickness=2.0, thickness_units="screen")
        scene.add_label(f"{NAME}/length", session.work.scale.said(between), position=points.mean(axis=0))


def clear(session: Session) -> None:
    """Takes the line away."""
    session.work.ends = ()
    show(session)
    session.refresh()
