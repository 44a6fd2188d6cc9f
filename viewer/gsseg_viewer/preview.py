"""What is shown for a moment over the colours: the object pointed at, the parts that a split would make."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16, UInt8
from numpy import ndarray

from gsseg_viewer import colors
from gsseg_viewer.colors import Coloring
from gsseg_viewer.document import Document
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import State


@dataclass(frozen=True, eq=False)
class Preview:
    """Pieces in colours of their own."""

    part: Int16[ndarray, " pieces"]
    """Row of the colour of each piece; -1: as it is otherwise."""
    colors: UInt8[ndarray, "parts 3"]
    """0..255."""


def painted(
    document: Document,
    state: State,
    coloring: Coloring,
    chosen: PieceSelection,
    over: Preview | None,
    pointed: int | None,
) -> UInt8[ndarray, "gaussians 3"]:
    """The colours of a coloring and selection, with a preview over them and the object lit that is pointed at."""
    rgb = colors.colors(document, state, coloring, chosen)
    if over is not None:
        part = over.part[document.division.as_of(len(over.part))]
        rgb = np.where((part >= 0)[:, None], over.colors[part], rgb)
    if pointed is not None:
        plain, rgb = colors.colors(document, state, coloring, PieceSelection()), rgb.copy()
        here = (state.owner == pointed)[document.pieces_of(state)]
        rgb[here] = colors.lit(plain[here], alone=True)
    return rgb
