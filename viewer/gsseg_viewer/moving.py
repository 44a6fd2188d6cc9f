"""Moving one person's camera: to what is selected, back to the start, and from one training view to the next."""

from typing import Any

import numpy as np

from gsseg.scene import View
from gsseg_viewer import camera
from gsseg_viewer.pointing import Sight, aspect
from gsseg_viewer.session import Session
from gsseg_viewer.viewpoints import go


def look_at(session: Session, low: Any, high: Any) -> None:
    """Moves the camera, without turning it, until the box between two corners (3,), world units, fills the screen."""
    sight = Sight.of(session.client.camera)
    session.move_camera(camera.framing(sight, session.surroundings.up, np.asarray(low), np.asarray(high)))


def frame_selection(session: Session) -> None:
    """Moves the camera to the selection; back to where it began where nothing is selected."""
    document, surroundings = session.document, session.surroundings
    rows = document.rows(session.selection.pieces)
    if not len(rows):
        session.move_camera(surroundings.start)
        return
    # One in a hundred may lie outside: a few strays would make the rest small.
    low, high = np.quantile(document.gaussians.means.numpy()[rows], [0.01, 0.99], axis=0)
    grown = camera.typical_reach(document.gaussians, rows, surroundings.size)
    look_at(session, low - grown, high + grown)


def go_to(session: Session, view: View) -> None:
    """Jumps to where a training view was taken from."""
    session.view = next((at for at, each in enumerate(session.views) if each is view), None)
    go(session, session.surroundings.pose_of(view.camera, aspect(session.client.camera)))
    session.refresh()


def step_view(session: Session, step: int) -> None:
    """Jumps to the next (1) or previous (-1) training view; says so where the run knows none."""
    if not session.views:
        session.tell("No training views", "Open the run with its scene folder to jump to its photos.")
        return
    at = session.view
    go_to(session, session.views[(at + step) % len(session.views) if at is not None else min(0, step)])
