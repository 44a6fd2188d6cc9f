"""How large objects are: the longest side of the box about their centres, world units."""

from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg_viewer.document import Document
from gsseg_viewer.state import State

Corners = tuple[Float32[ndarray, "pieces 3"], Float32[ndarray, "pieces 3"]]

_CORNERS: WeakKeyDictionary[Document, tuple[ndarray, Corners]] = WeakKeyDictionary()


def longest_sides(document: Document, state: State) -> dict[int, float]:
    """Of every object of which something is left."""
    low, high = _corners(document)
    left = np.flatnonzero(~state.deleted)
    order = left[np.argsort(state.owner[left], kind="stable")]
    if not len(order):
        return {}
    ids, first = np.unique(state.owner[order], return_index=True)
    sides = np.maximum.reduceat(high[order], first) - np.minimum.reduceat(low[order], first)
    return dict(zip(ids.tolist(), sides.max(axis=1).astype(float).tolist(), strict=True))


def _corners(document: Document) -> Corners:
    """Lower and upper corner of each piece, found once for a division into pieces."""
    known = _CORNERS.get(document)
    if known is None or known[0] is not document.pieces:
        order = np.argsort(document.pieces, kind="stable")
        first = np.searchsorted(document.pieces[order], np.arange(len(document.state.owner)))
        means = np.nan_to_num(document.gaussians.means.numpy(), posinf=0.0, neginf=0.0)[order]
        corners = np.minimum.reduceat(means, first), np.maximum.reduceat(means, first)
        known = _CORNERS[document] = document.pieces, corners
    return known[1]
