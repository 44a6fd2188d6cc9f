"""Balanced k-means: means and the cheapest assignment within size bounds in turns, each exact (transport.py).

Bradley, Bennett, Demiriz: Constrained k-means clustering, MSR-TR-2000-65, with squared distances in float64 and the
prices of one round as a start for the next. A balanced label need not be the nearest code.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64, Int32
from numpy import ndarray

from gsseg.quantize.residual.kmeans import Clusters, code_means, kmeans, subsample, swap_search
from gsseg.quantize.residual.rows import finite_rows
from gsseg.quantize.residual.transport import transport

SAMPLE = 32_768
"""Items that the codes are found on (more where codes have fewer than PER_CODE each); all items polish them."""

PER_CODE = 128
SAMPLE_ROUNDS = 100
ROUNDS = 4
"""At most this many rounds on the sample and on all items."""

TOLERANCE = 1e-4
"""Rounds end when one lowers the error by less than this part of it."""

MOST_SWAPS = 24
SWAP_WORK = 2**21
"""Swaps are tried while items x codes x swaps stays below this: a round costs thirty plain ones, whatever the width."""


def size_bounds(items: int, codes: int) -> tuple[int, int]:
    """Least and greatest size of a balanced cluster: one item about items // codes, and never none."""
    return max(1, items // codes - 1), items // codes + 1


def balanced_kmeans(x: Float32[ndarray, "items dim"], codes: int, generator: np.random.Generator) -> Clusters:
    """Codes at the means of their items, and labels whose sizes are within `size_bounds`."""
    sample = subsample(x, max(SAMPLE, PER_CODE * codes), generator)
    wide = sample.astype(np.float64)
    found = balanced_rounds(wide, kmeans(sample, codes, generator).centers, SAMPLE_ROUNDS)
    swaps = int(min(MOST_SWAPS, SWAP_WORK // (len(sample) * codes)))
    found = swap_search(sample, found, lambda centers: balanced_rounds(wide, centers, SAMPLE_ROUNDS), swaps, generator)
    return found if len(sample) == len(x) else balanced_rounds(x.astype(np.float64), found.centers, ROUNDS)


def balanced_rounds(x: Float64[ndarray, "items dim"], centers: Float64[ndarray, "codes dim"], rounds: int) -> Clusters:
    """Exact assignment and means in turns; the means are those of the labels returned."""
    codes, error, prices = len(centers), np.inf, None
    labels = np.zeros(len(x), np.int32)
    for _ in range(rounds):
        labels, prices = transport(x, centers, *size_bounds(len(x), codes), prices)
        centers, _ = code_means(x, labels, codes)
        before, error = error, float(np.square(x - centers[labels]).sum())
        if error >= before * (1 - TOLERANCE):
            break
    return Clusters(centers, labels, error)


def balanced_assignment(
    x: Float[Any, "..."], centers: Float[Any, "..."], size_min: int, size_max: int
) -> Int32[ndarray, " items"]:
    """Labels of least sum |x_i - centers[label_i]|^2 with every size within the bounds: the optimum, not a guess.

    x: (items, dim), centers: (codes, dim), float arrays or CPU tensors; returns (items,) int32. Exact up to float64
    rounding at every number of items; time grows with the items times the codes, and with the items that lie out of
    place for the prices of a sample (a million items, 64 codes: about a second). Raises ValueError for rows that are
    not finite, other widths, and bounds that cannot hold.
    """
    rows, codes = finite_rows(x, "x"), finite_rows(centers, "centers")
    if rows.shape[1] != codes.shape[1]:
        raise ValueError(f"x has {rows.shape[1]} columns and centers {codes.shape[1]}: they must agree")
    if not 0 <= size_min <= size_max or not len(codes) * size_min <= len(rows) <= len(codes) * size_max:
        raise ValueError(
            f"{len(rows)} items cannot fill {len(codes)} codes with {size_min} to {size_max} items each: "
            "codes * size_min <= items <= codes * size_max must hold, and 0 <= size_min <= size_max"
        )
    labels, _ = transport(rows.astype(np.float64), codes.astype(np.float64), size_min, size_max)
    return labels
