"""Codes of residual codebooks: the nearest code level by level, or the best of several paths (beam search).

Everything works on float32 items and codebooks with the codes last, (levels, dim, codes): distances to all codes of
a level are then one vector operation. They are sums of squared differences (no |c|^2 - 2 x.c, which cancels).
A *path* is a choice of one code at each level so far; its error is the squared distance of what is left.
"""

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.clustering.nearest import few_spans
from gsseg.compiled import njit
from gsseg.threads import run_all


def best_paths(
    x: Float32[ndarray, "items dim"], books: Float32[ndarray, "levels dim codes"], width: int
) -> tuple[Int32[ndarray, "levels items"], Float32[ndarray, " items"]]:
    """Codes and squared errors of the best path found for each item when ``width`` paths are kept at each level.

    One kept path is always the greedy one, the nearest code level by level: so no item's error is above what
    width 1 gives it. Ties go to the lowest code. Chen, Guan, Wang: Approximate nearest neighbor search by residual
    vector quantization, Sensors 2010 (greedy); Martinez et al.: Stacked quantizers, 2014 (beam).
    """
    codes = np.empty((len(books), len(x)), np.int32)
    errors = np.empty(len(x), np.float32)
    run_all([lambda a=a, b=b: _search(x, books, width, codes, errors, a, b) for a, b in few_spans(len(x))])
    return codes, errors


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nnan", "nsz"})
def _distances(item, book, row):
    """Squared distances of an item to all codes, three dimensions at a time: a third of the loads and stores."""
    dim, size = book.shape
    row[:] = np.float32(0.0)
    for d in range(0, dim - 2, 3):
        u, v, w = item[d], item[d + 1], item[d + 2]
        us, vs, ws = book[d], book[d + 1], book[d + 2]
        for k in range(size):
            p, q, r = us[k] - u, vs[k] - v, ws[k] - w
            row[k] += p * p + q * q + r * r
    for d in range(dim - dim % 3, dim):
        for k in range(size):
            difference = book[d, k] - item[d]
            row[k] += difference * difference


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nnan", "nsz"})
def _search(x, books, width, codes, errors, start, stop):
    levels, dim, size = books.shape
    left = np.empty((width, dim), np.float32)
    left_before = np.empty((width, dim), np.float32)
    paths = np.empty((width, levels), np.int32)
    paths_before = np.empty((width, levels), np.int32)
    distances = np.empty((width, size), np.float32)
    kept = np.empty(width, np.float32)  # errors of the paths kept: the greedy one, then ascending
    parent = np.empty(width, np.int64)
    last = np.empty(width, np.int64)
    for i in range(start, stop):
        slots = 1
        for d in range(dim):
            left[0, d] = x[i, d]
        for level in range(levels):
            book = books[level]
            wanted = min(width, slots * size) if level + 1 < levels else 1
            found = 0
            for slot in range(slots):
                row = distances[slot]
                _distances(left[slot], book, row)
                least = row[0]
                for k in range(1, size):
                    if row[k] < least:
                        least = row[k]
                if found == wanted and least >= kept[found - 1] and wanted > 1:
                    continue
                if slot == 0 or wanted == 1:
                    if slot > 0 and least >= kept[0]:
                        continue
                    nearest = 0
                    while row[nearest] != least:
                        nearest += 1
                    kept[0], parent[0], last[0] = least, slot, nearest
                    found = 1
                    if wanted == 1:
                        continue
                for k in range(size):
                    value = row[k]
                    if found == wanted and value >= kept[found - 1]:
                        continue
                    if slot == 0 and k == last[0]:
                        continue
                    place = found if found < wanted else found - 1
                    while place > 1 and kept[place - 1] > value:
                        kept[place], parent[place], last[place] = kept[place - 1], parent[place - 1], last[place - 1]
                        place -= 1
                    kept[place], parent[place], last[place] = value, slot, k
                    found = min(found + 1, wanted)
            slots = found
            left, left_before = left_before, left
            paths, paths_before = paths_before, paths
            for slot in range(slots):
                above = parent[slot]
                for d in range(dim):
                    left[slot, d] = left_before[above, d] - book[d, last[slot]]
                for upper in range(level):
                    paths[slot, upper] = paths_before[above, upper]
                paths[slot, level] = last[slot]
        for level in range(levels):
            codes[level, i] = paths[0, level]
        errors[i] = kept[0]
