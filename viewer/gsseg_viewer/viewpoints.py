"""Views along the axes, bookmarks, and gliding from one pose to another."""

import threading
import time
from dataclasses import dataclass, replace
from typing import Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg_viewer import camera
from gsseg_viewer.camera import Pose
from gsseg_viewer.document import Document
from gsseg_viewer.edits import one_line
from gsseg_viewer.latest import Latest
from gsseg_viewer.sections import Section
from gsseg_viewer.session import Session

Side = Literal["front", "back", "left", "right", "top", "bottom"]
SIDES: tuple[Side, ...] = get_args(Side)

FLAT = np.radians(8.0)
"""Field of view that is nearly without perspective; a narrower one would be too far away to turn."""

GLIDE = 0.6
"""Seconds from one pose to the next."""

STEP = 0.03
"""Seconds between two poses on the way."""

MOST = 50
"""Bookmarks."""

LETTERS = 40
"""Of a bookmark's name."""


def seen_from_side(
    side: Side, up: Float64[ndarray, "3"], low: Float64[ndarray, "3"], high: Float64[ndarray, "3"], flat: bool
) -> Pose:
    """A box from one of its sides, filling the screen; ``flat``: nearly without perspective."""
    across = np.eye(3)[np.argmin(np.abs(up))]
    front = np.cross(up, across)
    front /= np.linalg.norm(front)
    right = np.cross(up, front)
    towards = {"front": front, "back": -front, "left": -right, "right": right, "top": up, "bottom": -up}[side]
    fov = float(FLAT) if flat else camera.FOV
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2 or 0.5
    distance = camera.MARGIN * radius / np.sin(fov / 2)
    upright = up if side not in ("top", "bottom") else -front if side == "top" else front
    return Pose(centre + distance * towards, centre, upright, fov)


def look_from(session: Session, side: Side) -> None:
    """Looks at what is selected, else at the scene, from one side."""
    box = session.document.box(session.selection) if session.selection else None
    low, high = box if box is not None else (session.surroundings.low, session.surroundings.high)
    go(session, seen_from_side(side, session.surroundings.up, low, high, session.work.flat))


def cut(session: Session, section: Section | None) -> None:
    """Draws only what lies in a section, or everything again."""
    session.section = section
    session.refresh()


def slab(session: Session, axis: int, low: float, high: float) -> Section:
    """The section between two shares of the scene, 0..1, along an axis."""
    start, size = session.surroundings.low[axis], session.surroundings.high[axis] - session.surroundings.low[axis]
    # The ends of the scale are all there is: what floats outside the scene's box is not cut off by them.
    first = float(start + low * size) if low > 0 else -float("inf")
    last = float(start + high * size) if high < 1 else float("inf")
    return Section(axis, first, last)


def go(session: Session, pose: Pose) -> None:
    """Puts the camera there, at once or by and by as the session has it."""
    if session.work.glide:
        _GLIDING.setdefault(session, Latest()).do(lambda: _glide(session, pose))
    else:
        session.move_camera(pose)


def between(start: Pose, end: Pose, share: float) -> Pose:
    """A pose on the way, from 0 to 1; slow at both ends."""
    smooth = share * share * (3 - 2 * share)

    def mixed(one: Float64[ndarray, "3"], other: Float64[ndarray, "3"]) -> Float64[ndarray, "3"]:
        return (1 - smooth) * one + smooth * other

    up = mixed(start.up, end.up)
    length = float(np.linalg.norm(up))
    up = up / length if length > 1e-6 else end.up
    fov = float((1 - smooth) * start.fov + smooth * end.fov)
    return Pose(mixed(start.position, end.position), mixed(start.look_at, end.look_at), up, fov)


def present(session: Session) -> Pose:
    """Where the session's camera is."""
    now = session.client.camera
    position, target, up = (np.asarray(each, np.float64) for each in (now.position, now.look_at, now.up_direction))
    return Pose(position, target, up, float(now.fov))


def _glide(session: Session, end: Pose) -> None:
    start, began = present(session), time.monotonic()
    waiting = threading.Event()
    while (share := (time.monotonic() - began) / GLIDE) < 1 and not session.closed:
        session.move_camera(between(start, end, share))
        waiting.wait(STEP)
    session.move_camera(end)


@dataclass(frozen=True, eq=False)
class Bookmark:
    """A pose to come back to."""

    name: str
    """As it was typed."""
    pose: Pose
    """Where."""


def bookmarks(document: Document) -> tuple[Bookmark, ...]:
    """Those of everybody who looks at a document, as long as this process runs."""
    return _BOOKMARKS.get(document, ())


def bookmark(document: Document, typed: str, pose: Pose) -> None:
    """Keeps a pose under a name, or a number where none is given; one of the same name is replaced, and of too many the
    oldest goes."""
    name = one_line(typed)[:LETTERS] or f"view {len(bookmarks(document)) + 1}"
    with _LOCK:
        others = [each for each in bookmarks(document) if each.name != name]
        _BOOKMARKS[document] = (*others, Bookmark(name, replace(pose)))[-MOST:]


_LOCK = threading.Lock()
_BOOKMARKS: WeakKeyDictionary[Document, tuple[Bookmark, ...]] = WeakKeyDictionary()
_GLIDING: WeakKeyDictionary[Session, Latest] = WeakKeyDictionary()
