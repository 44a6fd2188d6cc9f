"""The nearest codes to a query: every code is compared, none is sorted that is not among the best.

Each thread keeps the best k of its rows in a heap whose root is the worst; after a few thousand rows almost all
others fail one comparison with it. Keys are estimates with the sign that makes smaller better; equal keys go to the
smaller row, so results do not depend on the threads.
"""

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.quantize.binary.bits import interleave
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.binary.scoring import BLOCK, check_pair, estimate_rows, operands
from gsseg.threads import run_all, spans, thread_count

QUERIES = 4096
PLACES = 1 << 24
"""Queries searched together, and places of all their heaps (200 MB): fewer queries where those are more."""

WORST = np.finfo(np.float32).max
"""Key of an empty place; a key beyond it (overflow) counts as this."""

NOWHERE = np.iinfo(np.int64).max
"""Row of an empty place."""


def best(
    queries: BinaryCodes, codes: BinaryCodes, count: int
) -> tuple[Int64[ndarray, "queries count"], Float32[ndarray, "queries count"]]:
    """Rows of the ``count`` best estimates for each query, best first, and the estimates."""
    check_pair(queries, codes)
    sign = np.float32(1 if codes.similarity == "euclidean" else -1)
    rows = np.empty((len(queries), count), np.int64)
    values = np.empty((len(queries), count), np.float32)
    together = min(QUERIES, max(1, PLACES // max(1, count * thread_count())))
    for first in range(0, len(queries), together):
        some = slice(first, first + together)
        keys, rows[some] = _best_keys(queries.take(some), codes, count)
        values[some] = sign * keys
    return rows, values


def _best_keys(queries: BinaryCodes, codes: BinaryCodes, count: int):
    """The smallest keys and their rows for a few queries: the best of every thread's best."""
    asked, index = operands(queries, interleave(queries.words, queries.bits)), operands(codes, codes.words)
    euclidean, centroid_dp = codes.similarity == "euclidean", np.float32(codes.centroid_dp)
    runs = spans(len(codes))
    keys = np.full((len(queries), len(runs), count), WORST, np.float32)
    rows = np.full((len(queries), len(runs), count), NOWHERE)
    run_all(
        [
            lambda run=run, a=a, b=b: _scan(
                asked, index, codes.dimension, euclidean, centroid_dp, keys, rows, run, a, b
            )
            for run, (a, b) in enumerate(runs)
        ]
    )
    flat = (len(queries), len(runs) * count)
    keys, rows = keys.reshape(flat), rows.reshape(flat)
    order = np.lexsort((rows, keys), axis=1)[:, :count]
    return np.take_along_axis(keys, order, 1), np.take_along_axis(rows, order, 1)


@njit(nogil=True, cache=True)
def _scan(asked, index, dim, euclidean, centroid_dp, heap_keys, heap_rows, run, start, stop):
    sign = np.float32(1 if euclidean else -1)
    dots, estimates = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.float32)
    for low in range(start, stop, BLOCK):
        size = min(BLOCK, stop - low)
        for q in range(len(heap_keys)):
            keys, rows = heap_keys[q, run], heap_rows[q, run]
            estimate_rows(asked, q, index, low, dim, euclidean, centroid_dp, dots[:size], estimates[:size])
            for i in range(size):
                key = sign * estimates[i]
                if not key < WORST:
                    key = np.float32(WORST)
                if key < keys[0] or (key == keys[0] and low + i < rows[0]):
                    _replace_root(keys, rows, key, low + i)


@njit(nogil=True, cache=True)
def _replace_root(keys, rows, key, row):
    """Puts an entry in place of the worst one and sinks it to where no child is worse than its parent."""
    place, count = 0, len(keys)
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        other = child + 1
        if other < count and (keys[other] > keys[child] or (keys[other] == keys[child] and rows[other] > rows[child])):
            child = other
        if key > keys[child] or (key == keys[child] and row > rows[child]):
            break
        keys[place], rows[place] = keys[child], rows[child]
        place = child
    keys[place], rows[place] = key, row
