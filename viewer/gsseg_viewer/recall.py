"""What a browser tab remembers of its session, so that a reload, or another start of the server, changes nothing.

The server writes selection, reach, colouring and theme into the page; `web/live.js` keeps that, and the camera, in the
tab's own storage and sends both with the address of its next connection. Nothing of it is trusted: sizes, types and
ranges are checked before anything is used, and what does not fit is as if it had not been sent.

Selections are told by rows of the splat file. A row is a Gaussian for ever, while pieces are numbered anew when a
saved run is opened.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
import numpy as np
from msgspec import Meta

from gsseg_viewer.camera import Pose
from gsseg_viewer.colors import Coloring
from gsseg_viewer.document import Document
from gsseg_viewer.selection import Level, PieceSelection, widened, without

MOST = 300
"""Rows in one list: an address has a few thousand letters."""

FAR = 1e7
"""Larger coordinates than these are no camera's, world units."""

Row = Annotated[int, Meta(ge=0, lt=2**31)]
Rows = Annotated[list[Row], Meta(max_length=MOST)]
Coordinate = Annotated[float, Meta(ge=-FAR, le=FAR)]
Point = tuple[Coordinate, Coordinate, Coordinate]
Told = TypeVar("Told")


class Remembered(msgspec.Struct, forbid_unknown_fields=True):
    """A session as its tab keeps it."""

    coloring: Coloring
    level: Level
    distance: Annotated[float, Meta(ge=0, le=2)]
    dark: bool
    anchor: Row | None = None
    """First row of the piece clicked last."""
    anchors: Rows = []
    """First rows of all pieces that were clicked."""
    pieces: Rows | None = []
    """First rows of what is selected; None where they are too many, and the clicks say it."""


class _Seen(msgspec.Struct, forbid_unknown_fields=True):
    """Where a tab last looked from, in viser's words."""

    position: Point
    look_at: Point
    up_direction: Point
    fov: Annotated[float, Meta(ge=0.01, le=3.1)]


@dataclass(frozen=True)
class Recall:
    """What a connection brings from before."""

    session: Remembered | None = None
    pose: Pose | None = None

    @classmethod
    def of(cls, address: str) -> "Recall":
        """What the address of a connection says; nothing of what is wrong in it."""
        try:
            told = parse_qs(urlsplit(address).query, max_num_fields=4)
            return cls(_decoded(told.get("session"), Remembered), _pose(_decoded(told.get("camera"), _Seen)))
        except ValueError:
            return cls()

    def selection(self, document: Document) -> PieceSelection:
        """What was selected, as far as it is still there."""
        session, state = self.session, document.state
        if session is None:
            return PieceSelection()
        bare = PieceSelection(level=session.level, distance=session.distance)
        anchors = _pieces(document, session.anchors)
        anchor = min(_pieces(document, [session.anchor] if session.anchor is not None else []), default=None)
        if anchor is None:
            anchors = frozenset()
        clicked = replace(bare, anchor=anchor, anchors=anchors | ({anchor} if anchor is not None else set()))
        if session.pieces is None:
            found = widened(clicked, state, document.table_of(state), session.level, session.distance)
        else:
            found = replace(clicked, pieces=_pieces(document, session.pieces))
        return without(found, frozenset(np.flatnonzero(state.gone).tolist()))


def remembered(document: Document, selection: PieceSelection, coloring: Coloring, dark: bool) -> str:
    """A session as JSON, for its page to keep; `Recall.of` reads it."""
    first = document.division.first
    clicked = sorted(selection.anchors)
    pieces = None if len(selection.pieces) > MOST else first[sorted(selection.pieces)].tolist()
    few = len(clicked) <= MOST
    kept = Remembered(
        coloring,
        selection.level,
        selection.distance,
        dark,
        int(first[selection.anchor]) if few and selection.anchor is not None else None,
        first[clicked].tolist() if few else [],
        pieces,
    )
    return msgspec.json.encode(kept).decode()


def _decoded(texts: list[str] | None, kind: type[Told]) -> Told | None:
    """One JSON text of a kind; None where there is none, and for anything else."""
    if texts is None or len(texts) != 1:
        return None
    try:
        return msgspec.json.decode(texts[0], type=kind)
    except (ValueError, RecursionError):
        return None


def _pose(seen: _Seen | None) -> Pose | None:
    """A pose that a camera can have: it looks at something else than itself, and up is a direction of its own."""
    if seen is None:
        return None
    position, look_at, up = (np.array(each) for each in (seen.position, seen.look_at, seen.up_direction))
    length, ahead = float(np.linalg.norm(up)), look_at - position
    distance = float(np.linalg.norm(ahead))
    if not (0.5 < length < 2 and distance > 1e-9):
        return None
    if np.linalg.norm(np.cross(ahead, up)) < 1e-6 * distance * length or not math.isfinite(seen.fov):
        return None
    return Pose(position, look_at, up / length, seen.fov)


def _pieces(document: Document, rows: list[int]) -> frozenset[int]:
    """Pieces of the rows; rows that the document does not have are left out."""
    pieces = document.pieces
    there = [row for row in rows if row < len(pieces)]
    return frozenset(pieces[there].tolist())
