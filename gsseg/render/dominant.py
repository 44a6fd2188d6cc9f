"""Whose pixel is it? The label that most of a pixel's light comes from."""

import numpy as np
from jaxtyping import Int32, Integer
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.weights import BlendWeights

NOBODY = -1
"""Of a pixel that is more transparent than opaque."""


def dominant_labels(weights: BlendWeights, labels: Integer[ndarray, " gaussians"]) -> Int32[ndarray, " pixels"]:
    """For each pixel the label whose Gaussians together weigh most in it; `NOBODY` where W sums to less than a half.

    Labels are whole numbers from -1; -1 ("none") weighs like the others. Ties go to the label that is nearer.
    """
    arrays = (array.cpu().numpy() for array in (weights.indptr, weights.indices, weights.values))
    shifted = labels.astype(np.int32) + 1
    return _dominant(*arrays, shifted, int(shifted.max(initial=0)) + 1)


@njit(nogil=True, cache=True)
def _dominant(indptr, indices, values, labels, count):
    out = np.empty(len(indptr) - 1, np.int32)
    sums = np.zeros(count)
    for row in range(len(indptr) - 1):
        total, best, largest = 0.0, -1, 0.0
        for entry in range(indptr[row], indptr[row + 1]):
            sums[labels[indices[entry]]] += values[entry]
            total += values[entry]
        for entry in range(indptr[row], indptr[row + 1]):  # front to back, and what was added is taken away again
            label = labels[indices[entry]]
            if sums[label] > largest:
                best, largest = label, sums[label]
            sums[label] = 0.0
        out[row] = best - 1 if total >= 0.5 else -1
    return out
