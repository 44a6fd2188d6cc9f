"""What a browser shows of each Gaussian: its colours, what is laid over them for a moment, and its opacity.

For a moment: the parts that a split would make, the object that the pointer is on in the list.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16, UInt8
from numpy import ndarray

from gsseg_viewer import colors
from gsseg_viewer.colors import Coloring, lit
from gsseg_viewer.document import Document
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import State

Colors = UInt8[ndarray, "gaussians 3"]


@dataclass(frozen=True, eq=False)
class Preview:
    """Gaussians in colours of their own."""

    part: Int16[ndarray, " gaussians"]
    """Row of the colour of each Gaussian; -1: as it is otherwise."""
    colors: UInt8[ndarray, "parts 3"]
    """0..255."""


def painted(
    document: Document,
    state: State,
    coloring: Coloring,
    chosen: PieceSelection,
    over: Preview | None = None,
    pointed: int | None = None,
) -> tuple[Colors, UInt8[ndarray, " gaussians"]]:
    """Colours and opacities. ``over``: laid over the colours; ``pointed``: an object that is lit without being
    selected, in its colours as they are while nothing is."""
    rgb = colors.colors(document, state, coloring, chosen)
    if over is not None:
        rgb = np.where((over.part >= 0)[:, None], over.colors[over.part], rgb)
    if pointed is not None:
        here = document.object_ids(state) == pointed
        plain = colors.colors(document, state, coloring, PieceSelection())
        rgb = rgb.copy()  # it may be an array that others use
        rgb[here] = lit(plain[here], alone=True)
    return rgb, colors.alphas(document, state)
