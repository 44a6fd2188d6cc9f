"""Growing and shrinking what is selected, over the graph of nearest neighbours."""

from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool
from numpy import ndarray

from gsseg.objects.profiles import neighbours
from gsseg_viewer.document import Document

NEIGHBOURS = 6
"""Nearest Gaussians that each is joined with; who is near somebody is a neighbour of theirs too."""


def graph_of(document: Document) -> sp.csr_array:
    """(gaussians, gaussians) bool, symmetric: who neighbours whom; made at the first call and then kept."""
    if document not in _GRAPHS:
        near = neighbours(np.nan_to_num(document.gaussians.means.numpy()), NEIGHBOURS)
        ends = (np.repeat(np.arange(len(near)), near.shape[1]), near.reshape(-1))
        links = sp.csr_array((np.ones(near.size, bool), ends), shape=(len(near), len(near)))
        _GRAPHS[document] = links + links.T
    return _GRAPHS[document]


def grown(
    graph: sp.csr_array, mask: Bool[ndarray, " gaussians"], among: Bool[ndarray, " gaussians"]
) -> Bool[ndarray, " gaussians"]:
    """The mask and all neighbours of it that are among some."""
    return mask | (among & _touched(graph, mask))


def shrunk(
    graph: sp.csr_array, mask: Bool[ndarray, " gaussians"], among: Bool[ndarray, " gaussians"]
) -> Bool[ndarray, " gaussians"]:
    """The mask without those that neighbour what is among some and not in it."""
    return mask & ~_touched(graph, among & ~mask)


def _touched(graph: sp.csr_array, mask: Bool[ndarray, " gaussians"]) -> Bool[ndarray, " gaussians"]:
    touched = np.zeros(len(mask), bool)
    touched[graph[np.flatnonzero(mask)].indices] = True
    return touched


_GRAPHS: WeakKeyDictionary[Document, sp.csr_array] = WeakKeyDictionary()
