"""The mean of the items of each code: the half-step of k-means that follows the nearest codes.

Sums are float64 and taken in a number of parts that does not depend on the machine, so neither do the means.
"""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64, Integer
from numpy import ndarray

from gsseg.clustering.nearest import few_spans
from gsseg.compiled import njit
from gsseg.threads import run_all

PARTS = 16
"""Runs of items that are summed side by side, where there are enough items."""


def code_means(
    x: Float[ndarray, "items dim"], labels: Integer[ndarray, " items"], codes: int, parts: int = PARTS
) -> tuple[Float64[ndarray, "codes dim"], Int64[ndarray, " codes"]]:
    """Mean of the items of each code (zero for empty codes), and how many there are."""
    pieces = few_spans(len(x), parts)
    sums = np.zeros((len(pieces), codes, x.shape[1]))
    run_all([lambda part=part, a=a, b=b: _add(x, labels, sums[part], a, b) for part, (a, b) in enumerate(pieces)])
    sizes = np.bincount(labels, minlength=codes)
    return sums.sum(axis=0) / np.maximum(sizes, 1)[:, None], sizes


def float32_code_means(
    x: Float32[ndarray, "items dim"], labels: Integer[ndarray, " items"], codes: int
) -> tuple[Float32[ndarray, "codes dim"], Int64[ndarray, " codes"]]:
    """`code_means` as codes of a scene are stored. Summed in one part, in the order of the items: what runs store then
    depends on no choice of how work is shared."""
    means, sizes = code_means(x, labels, codes, parts=1)
    return means.astype(np.float32), sizes


@njit(nogil=True, cache=True)
def _add(x, labels, sums, start, stop):
    for i in range(start, stop):
        for d in range(x.shape[1]):
            sums[labels[i], d] += x[i, d]
