"""Light of a group that a view leaves unmasked although it sees it well: a segmenter drops whole objects.

"Masked here, unmasked there" speaks against one object. But masks are eroded, and neighbouring masks leave a seam: what
lies there is unmasked too and says nothing. So with near(g) the neighbours of Gaussian g and e(g, v) its weight,

    u(c, v) = sum of e(g, v) over the Gaussians g of group c that v shows unmasked and that are no rim and no seam,

where g is rim or seam if more than `RIM` of the Gaussians of near(g) that v sees are masked in v.
"""

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.features.evidence import MaskEvidence
from gsseg.threads import run_all, spans

RIM = 0.3
"""Share of masked neighbours above which an unmasked Gaussian lies on the rim of a mask or on a seam."""

_UNSEEN, _UNMASKED, _MASKED = 0, 1, 2


def unmasked_light(
    evidence: MaskEvidence,
    groups: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    count: int,
) -> Float32[ndarray, "groups views"]:
    """u above for every group and every view that has a mask; a negative group is left out.

    Gaussians whose centre no view sees have no place in a view: they count neither as light nor as neighbours.
    """
    views = np.unique(evidence.row_view[evidence.row_label > 0])
    out = np.zeros((len(views), count), np.float32)
    matrix = evidence.matrix
    run_all(
        [
            lambda a=a, b=b: _unmasked_light(
                matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data, evidence.first_row,
                evidence.row_label, evidence.central, views, groups, near, out, a, b,
            )
            for a, b in spans(len(views))
        ]
    )  # fmt: skip
    return np.ascontiguousarray(out.T)


@njit(nogil=True, cache=True)
def _unmasked_light(indptr, indices, values, first_row, row_label, central, views, groups, near, out, start, stop):
    state = np.zeros(len(groups), np.uint8)
    for v in range(start, stop):
        first, last = first_row[views[v]], first_row[views[v] + 1]
        for row in range(first, last):
            for entry in range(indptr[row], indptr[row + 1]):
                if central[indices[entry]]:
                    state[indices[entry]] = _MASKED if row_label[row] > 0 else _UNMASKED
        for row in range(first, last):
            if row_label[row] > 0:
                continue
            for entry in range(indptr[row], indptr[row + 1]):
                g = indices[entry]
                if groups[g] < 0 or not central[g]:
                    continue
                seen, masked = 0, 0
                for k in range(near.shape[1]):
                    seen += state[near[g, k]] != _UNSEEN
                    masked += state[near[g, k]] == _MASKED
                if masked <= RIM * seen:
                    out[v, groups[g]] += values[entry]
        for entry in range(indptr[first], indptr[last]):
            state[indices[entry]] = _UNSEEN
