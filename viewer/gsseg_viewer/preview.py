"""What is shown for a moment over the colours: the object pointed at, the parts that a split would make."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int16, Int32, UInt8
from numpy import ndarray

from gsseg_viewer.colors import lit


@dataclass(frozen=True, eq=False)
class Preview:
    """Pieces in colours of their own."""

    part: Int16[ndarray, " pieces"]
    """Row of the colour of each piece; -1: as it is otherwise."""
    colors: UInt8[ndarray, "parts 3"]
    """0..255."""


def painted(
    rgb: UInt8[ndarray, "gaussians 3"], pieces: Int32[ndarray, " gaussians"], preview: Preview
) -> UInt8[ndarray, "gaussians 3"]:
    """The colours with those of a preview over them."""
    part = preview.part[pieces]
    return np.where((part >= 0)[:, None], preview.colors[part], rgb)


def pointed_at(
    rgb: UInt8[ndarray, "gaussians 3"], plain: UInt8[ndarray, "gaussians 3"], here: Bool[ndarray, " gaussians"]
) -> UInt8[ndarray, "gaussians 3"]:
    """The colours with those Gaussians lit; ``plain``: as they are while nothing is selected."""
    shown = rgb.copy()
    shown[here] = lit(plain[here], alone=True)
    return shown
