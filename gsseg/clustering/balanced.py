"""Balanced k-means: means and the cheapest assignment within size bounds in turns, each exact (transport.py).

Bradley, Bennett, Demiriz: Constrained k-means clustering, MSR-TR-2000-65, with squared distances in float64 and the
prices of one round as a start for the next. A balanced label need not be the nearest code.
"""

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from gsseg.clustering.kmeans import Clusters, kmeans, swap_search
from gsseg.clustering.means import code_means
from gsseg.clustering.seeding import subsample
from gsseg.clustering.transport import transport

SAMPLE = 32_768
"""Items that the codes are found on (more where codes have fewer than PER_CODE each); all items refine them."""

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
