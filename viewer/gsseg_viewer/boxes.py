"""Oriented boxes about what is selected, as lines in the scene: one an object, of its selected Gaussians."""

import numpy as np
import viser
from jaxtyping import Float32
from numpy import ndarray

from gsseg.segmentation.oriented_box import oriented_box
from gsseg.segmentation.table import OrientedBox
from gsseg_viewer.document import Document
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import Edition, State
from gsseg_viewer.work import Scale

NAME = "/boxes"
"""The node in a browser's scene."""

SIZES = "/sizes"
"""The nodes of the labels."""

LABELLED = 4
"""Objects up to which each box says its sizes: more would hide the scene."""

MOST = 30
"""Objects that get a box, the largest first: more would be a cage and no help."""

THICKNESS = 2.0
"""Of a line, pixels."""

_CORNERS = np.array([[(k >> axis & 1) - 0.5 for axis in range(3)] for k in range(8)])
_EDGES = np.array([(k, k | 1 << axis) for k in range(8) for axis in range(3) if not k >> axis & 1])
"""The twelve pairs of corners that differ along one axis."""
_FIRST = [_EDGES.tolist().index([0, 1 << axis]) for axis in range(3)]
"""The edges along each axis at the first corner."""


class BoxLines:
    """The boxes of one browser; sends only what has changed."""

    def __init__(self, client: viser.ClientHandle) -> None:
        """Shows nothing yet."""
        self._client = client
        self._shown: tuple[Edition, PieceSelection, Scale] | None = None

    def show(self, document: Document, state: State, selection: PieceSelection, scale: Scale) -> None:
        """Draws the boxes of a selection in the objects' colours, a few of them with their sizes; nothing selected:
        none."""
        now = (state.edition, selection, scale)
        if self._shown == now:
            return
        self._shown = now
        self._client.scene.remove_by_name(SIZES)
        ids = sorted(selection.objects(state), key=lambda each: -state.gaussians(each))[:MOST]
        if not ids:
            self._client.scene.remove_by_name(NAME)
            return
        chosen = selection.mask(len(state.owner))
        lines, colors = [], []
        for each in ids:
            pieces = frozenset(np.flatnonzero(chosen & (state.owner == each)).tolist())
            centres = document.gaussians.means.numpy()[document.rows(pieces)].astype(np.float64)
            box = oriented_box(centres)
            lines.append(edges(box))
            for axis in range(3 if len(ids) <= LABELLED else 0):
                middle = lines[-1][_FIRST[axis]].mean(axis=0)
                said = scale.said(float(box.extent[axis]))
                self._client.scene.add_label(f"{SIZES}/{each}/{axis}", said, position=middle)
            colors.append(np.broadcast_to(np.array(state.objects[each].color, np.uint8), lines[-1].shape))
        self._client.scene.add_line_segments(
            NAME, np.concatenate(lines), np.concatenate(colors), thickness=THICKNESS, thickness_units="screen"
        )

    def hide(self) -> None:
        """Draws none."""
        if self._shown is not None:
            self._client.scene.remove_by_name(NAME)
            self._client.scene.remove_by_name(SIZES)
        self._shown = None


def edges(box: OrientedBox) -> Float32[ndarray, "12 2 3"]:
    """Both ends of the twelve edges of a box, world units."""
    corners = np.array(box.center) + (_CORNERS * np.array(box.extent)) @ np.array(box.rotation).T
    return corners[_EDGES].astype(np.float32)
