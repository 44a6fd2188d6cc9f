"""What speaks of a Gaussian in a view: its mask, or that a view leaves it unmasked although it sees it well.

A segmenter drops whole objects: "masked here, unmasked there" speaks against one object. But masks are eroded, and
neighbouring masks leave a seam: what lies there is unmasked too and says nothing. So of the evidence e(g, v) of a
Gaussian g an entry *speaks* if g is masked in v, or if it is no rim and no seam: unless more than `RIM` of its
neighbours that v sees are masked in v. The unmasked light of a group of Gaussians is

    u(c, v) = sum of e(g, v) over the Gaussians g of group c whose unmasked entry in v speaks.
"""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.features.evidence import MaskEvidence
from gsseg.objects.profiles import indicator
from gsseg.objects.unmasked_on_device import speaking_on_device
from gsseg.threads import run_all, spans

RIM = 0.3
"""Share of masked neighbours above which an unmasked Gaussian lies on the rim of a mask or on a seam."""

_UNSEEN, _UNMASKED, _MASKED = 0, 1, 2


def speaking(evidence: MaskEvidence, near: Int64[ndarray, "gaussians neighbours"]) -> sp.csr_array:
    """(rows, gaussians) the entries of the evidence that speak, of views that have masks.

    Gaussians whose centre no view sees have no place in a view: they have no entry, and count not as neighbours.
    """
    matrix = evidence.matrix
    if evidence.tensors is not None:
        speaks = speaking_on_device(evidence.tensors, evidence.first_row, near, RIM).cpu().numpy()
    else:
        speaks = _speaking_entries(evidence, near)
    edges = np.concatenate([[0], np.cumsum(speaks)])[matrix.indptr]
    return sp.csr_array((matrix.data[speaks], matrix.indices[speaks], edges), shape=matrix.shape)


def _speaking_entries(
    evidence: MaskEvidence, near: Int64[ndarray, "gaussians neighbours"]
) -> Bool[ndarray, " entries"]:
    matrix = evidence.matrix
    speaks = np.zeros(matrix.nnz, np.bool_)
    run_all(
        [
            lambda a=a, b=b: _speaking(
                matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), evidence.first_row,
                evidence.row_label, evidence.central, near, speaks, a, b,
            )
            for a, b in spans(evidence.views)
        ]
    )  # fmt: skip
    return speaks


def unmasked_light(
    evidence: MaskEvidence, spoken: sp.csr_array, groups: Int64[ndarray, " gaussians"], count: int
) -> Float32[ndarray, "groups views"]:
    """u above for every group and every view that has a mask; a negative group is left out. ``spoken``: `speaking`."""
    views = np.unique(evidence.row_view[evidence.row_label > 0])
    unmasked = spoken[evidence.first_row[views]]
    return np.ascontiguousarray(sp.csr_array(unmasked @ indicator(groups, count)).toarray().T, np.float32)


@njit(nogil=True, cache=True)
def _speaking(indptr, indices, first_row, row_label, central, near, speaks, start, stop):
    state = np.zeros(len(central), np.uint8)
    for v in range(start, stop):
        first, last = first_row[v], first_row[v + 1]
        if last - first < 2:
            continue
        for row in range(first, last):
            for entry in range(indptr[row], indptr[row + 1]):
                if central[indices[entry]]:
                    state[indices[entry]] = _MASKED if row_label[row] > 0 else _UNMASKED
        for row in range(first, last):
            for entry in range(indptr[row], indptr[row + 1]):
                g = indices[entry]
                if not central[g]:
                    continue
                seen, masked = 0, 0
                if row_label[row] == 0:
                    for k in range(near.shape[1]):
                        seen += state[near[g, k]] != _UNSEEN
                        masked += state[near[g, k]] == _MASKED
                speaks[entry] = masked <= RIM * seen
        for entry in range(indptr[first], indptr[last]):
            state[indices[entry]] = _UNSEEN
