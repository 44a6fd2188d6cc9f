"""The nearest code of each item, of all codes or of those of the item's block: what k-means spends its time in.

Distances are squared Euclidean, float32 sums of squared differences: |x|^2 - 2 x.c + |c|^2 would cancel far from the
origin. There are two kernels because they read memory in different orders. Where all items see the same codes, a code
is compared with eight items in one vector operation; where each item has codes of its own, no two items share one.
They add up in different orders, so their distances may differ in the last bit.
"""

import numpy as np
from jaxtyping import Float, Float32, Int32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.threads import run_all, spans, thread_count

WORTH_A_THREAD = 4096
"""Handing work to a thread costs some 50 microseconds, as much as the nearest of 64 codes for a thousand items."""

TOGETHER = 256
"""Items compared with one code at a time: in six dimensions their columns, sums and labels are 9 KB, which the first
cache holds."""


def few_spans(items: int, most: int | None = None) -> list[tuple[int, int]]:
    """At most ``most`` (default: as many as threads) runs of items, none of which is too short to be worth a thread."""
    return spans(items, min(most or thread_count(), 1 + items // WORTH_A_THREAD))


def nearest_codes(
    x: Float32[ndarray, "items dim"], codebook: Float[ndarray, "codes dim"]
) -> tuple[Int32[ndarray, " items"], Float32[ndarray, " items"]]:
    """The nearest code of each item (ties: the lowest), and distance^2."""
    codes, dim = codebook.shape
    padded = np.zeros((codes, dim + -dim % 3), np.float32)
    padded[:, :dim] = codebook
    labels, distances = np.empty(len(x), np.int32), np.empty(len(x), np.float32)
    run_all([lambda a=a, b=b: _nearest(x, padded, labels, distances, a, b) for a, b in few_spans(len(x))])
    return labels, distances


def nearest_codes_in_blocks(
    x: Float32[ndarray, "items dim"],
    codebook: Float32[ndarray, "codes dim"],
    first: Int64[ndarray, " items"],
    size: int,
) -> tuple[Int64[ndarray, " items"], Float32[ndarray, " items"]]:
    """For each item the nearest of its codes ``first[i] .. first[i] + size - 1`` (ties: the lowest), and distance^2."""
    labels, distances = np.empty(len(x), np.int64), np.empty(len(x), np.float32)
    run_all(
        [
            lambda a=a, b=b: _nearest_in_blocks(x, codebook, first, size, labels, distances, a, b)
            for a, b in spans(len(x))
        ]
    )
    return labels, distances


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nnan", "nsz"})
def _nearest(x, codebook, labels, distances, start, stop):
    """Items are copied with the items last, so that who is nearest so far is a vector too. Three dimensions are summed
    at a time (codes are padded with zeros to a multiple of three): a third of the loads and stores."""
    dim = x.shape[1]
    codes, padded = codebook.shape
    columns = np.zeros((padded, TOGETHER), np.float32)
    total = np.empty(TOGETHER, np.float32)
    least = np.empty(TOGETHER, np.float32)
    label = np.empty(TOGETHER, np.int32)
    for first in range(start, stop, TOGETHER):
        count = min(TOGETHER, stop - first)
        for j in range(count):
            for d in range(dim):
                columns[d, j] = x[first + j, d]
        least[:] = np.float32(np.inf)
        label[:] = 0
        for k in range(codes):
            total[:] = np.float32(0.0)
            for d in range(0, padded - 3, 3):
                u, v, w = codebook[k, d], codebook[k, d + 1], codebook[k, d + 2]
                us, vs, ws = columns[d], columns[d + 1], columns[d + 2]
                for j in range(TOGETHER):
                    p, q, r = us[j] - u, vs[j] - v, ws[j] - w
                    total[j] += p * p + q * q + r * r
            u, v, w = codebook[k, padded - 3], codebook[k, padded - 2], codebook[k, padded - 1]
            us, vs, ws = columns[padded - 3], columns[padded - 2], columns[padded - 1]
            code = np.int32(k)
            for j in range(TOGETHER):
                p, q, r = us[j] - u, vs[j] - v, ws[j] - w
                distance = total[j] + (p * p + q * q + r * r)
                nearer = distance < least[j]
                label[j] = code if nearer else label[j]
                least[j] = distance if nearer else least[j]
        for j in range(count):
            labels[first + j] = label[j]
            distances[first + j] = least[j]


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _nearest_in_blocks(x, codebook, first, size, labels, distances, start, stop):
    dim = x.shape[1]
    for i in range(start, stop):
        best = np.float32(np.inf)
        label = first[i]
        for code in range(first[i], first[i] + size):
            total = np.float32(0.0)
            for d in range(dim):
                difference = x[i, d] - codebook[code, d]
                total += difference * difference
            if total < best:
                best = total
                label = code
        labels[i] = label
        distances[i] = best
