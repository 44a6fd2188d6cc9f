"""Cross-sections: only what lies between two planes is drawn, for one person and as long as they want; no edit.

What a section cuts off is not clicked and not taken either: all of that asks here what is visible.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float32
from numpy import ndarray

from gsseg.scene import Gaussians
from gsseg_viewer import picking
from gsseg_viewer.document import Document
from gsseg_viewer.picking import Hit
from gsseg_viewer.state import State

AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Section:
    """A slab square to one of the world's axes."""

    axis: int
    """0, 1 or 2."""
    low: float
    """Where it begins on the axis, world units."""
    high: float
    """Where it ends."""

    def holds(self, means: Float32[ndarray, "gaussians 3"]) -> Bool[ndarray, " gaussians"]:
        """Which centres lie in it."""
        along = means[:, self.axis]
        return (along >= self.low) & (along <= self.high)


def inside(document: Document, section: Section | None) -> Bool[ndarray, " gaussians"]:
    """The Gaussians that a section does not cut off."""
    means = document.gaussians.means.numpy()
    return np.ones(len(means), bool) if section is None else section.holds(means)


def visible(document: Document, state: State, section: Section | None) -> Bool[ndarray, " gaussians"]:
    """Those that a state shows and no section cuts off."""
    return document.shown(state) & inside(document, section)


def drawn(document: Document, state: State, section: Section | None) -> Gaussians:
    """The Gaussians with only those drawable that are visible."""
    shown = document.drawn(state)
    if section is None:
        return shown
    return replace(shown, drawable=shown.drawable & torch.from_numpy(inside(document, section)))


def pick(document: Document, section: Section | None, origin: ndarray, direction: ndarray) -> Hit | None:
    """What a ray meets of all that is visible, see `gsseg_viewer.picking.pick`."""
    state = document.state
    return picking.pick(drawn(document, state, section), document.pieces_of(state), state, origin, direction)
