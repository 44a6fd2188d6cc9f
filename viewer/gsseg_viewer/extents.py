"""How large objects are: the longest side of the box about their centres, world units."""

from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg_viewer.document import Document
from gsseg_viewer.state import State

Corners = tuple[Float32[ndarray, "pieces 3"], Float32[ndarray, "pieces 3"]]

_CORNERS: WeakKeyDictionary[Document, Corners] = WeakKeyDictionary()


def longest_sides(document: Document, state: State) -> dict[int, float]:
    """Of every object of which something is left."""
    low, high = _corners(document, state)
    left = np.flatnonzero(~state.deleted)
    order = left[np.argsort(state.owner[left], kind="stable")]
    if not len(order):
        return {}
    ids, first = np.unique(state.owner[order], return_index=True)
    sides = np.maximum.reduceat(high[order], first) - np.minimum.reduceat(low[order], first)
    return dict(zip(ids.tolist(), sides.max(axis=1).astype(float).tolist(), strict=True))


def _corners(document: Document, state: State) -> Corners:
    """Lower and upper corner of each piece of a state, found once for a division into pieces."""
    known = _CORNERS.get(document)
    if known is None or len(known[0]) != len(state.owner):
        pieces = document.pieces_of(state)
        order = np.argsort(pieces, kind="stable")
        first = np.searchsorted(pieces[order], np.arange(len(state.owner)))
        means = np.nan_to_num(document.gaussians.means.numpy(), posinf=0.0, neginf=0.0)[order]
        known = _CORNERS[document] = np.minimum.reduceat(means, first), np.maximum.reduceat(means, first)
    return known
