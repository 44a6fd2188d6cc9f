"""The nearest of a few codes for each of many items: the step that k-means spends its time in.

Blocks of items are laid out with the items last, so one code is compared with eight items in one vector operation,
and who is nearest so far is a vector too. Three dimensions are summed at a time: a third of the loads and stores.
"""

import numpy as np
from jaxtyping import Float, Float32, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.threads import run_all, spans, thread_count

WORTH_A_THREAD = 4096
"""Handing work to a thread costs some 50 microseconds, as much as the nearest of 64 codes for a thousand items."""

BLOCK = 256
"""Items in a block: in six dimensions its columns, sums and labels together are 9 KB, which the first cache holds."""


def few_spans(items: int, most: int | None = None) -> list[tuple[int, int]]:
    """At most ``most`` (default: as many as threads) runs of items, none of which is too short to be worth a thread."""
    return spans(items, min(most or thread_count(), 1 + items // WORTH_A_THREAD))


def nearest(
    x: Float32[ndarray, "items dim"], centers: Float[ndarray, "codes dim"]
) -> tuple[Int32[ndarray, " items"], Float32[ndarray, " items"]]:
    """The nearest code of each item (ties: the lowest), and distance^2, a float32 sum of squared differences."""
    codes, dim = centers.shape
    padded = np.zeros((codes, dim + -dim % 3), np.float32)
    padded[:, :dim] = centers
    labels, errors = np.empty(len(x), np.int32), np.empty(len(x), np.float32)
    run_all([lambda a=a, b=b: _nearest(x, padded, labels, errors, a, b) for a, b in few_spans(len(x))])
    return labels, errors


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nnan", "nsz"})
def _nearest(x, centers, labels, errors, start, stop):
    dim = x.shape[1]
    codes, padded = centers.shape
    columns = np.zeros((padded, BLOCK), np.float32)
    total = np.empty(BLOCK, np.float32)
    least = np.empty(BLOCK, np.float32)
    label = np.empty(BLOCK, np.int32)
    for first in range(start, stop, BLOCK):
        count = min(BLOCK, stop - first)
        for j in range(count):
            for d in range(dim):
                columns[d, j] = x[first + j, d]
        least[:] = np.float32(np.inf)
        label[:] = 0
        for k in range(codes):
            total[:] = np.float32(0.0)
            for d in range(0, padded - 3, 3):
                u, v, w = centers[k, d], centers[k, d + 1], centers[k, d + 2]
                us, vs, ws = columns[d], columns[d + 1], columns[d + 2]
                for j in range(BLOCK):
                    p, q, r = us[j] - u, vs[j] - v, ws[j] - w
                    total[j] += p * p + q * q + r * r
            u, v, w = centers[k, padded - 3], centers[k, padded - 2], centers[k, padded - 1]
            us, vs, ws = columns[padded - 3], columns[padded - 2], columns[padded - 1]
            code = np.int32(k)
            for j in range(BLOCK):
                p, q, r = us[j] - u, vs[j] - v, ws[j] - w
                error = total[j] + (p * p + q * q + r * r)
                nearer = error < least[j]
                label[j] = code if nearer else label[j]
                least[j] = error if nearer else least[j]
        for j in range(count):
            labels[first + j] = label[j]
            errors[first + j] = least[j]
