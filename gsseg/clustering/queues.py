"""Queues of items that may leave their code: which item of a is the cheapest to move to b, without a search.

*queue* (a, b): a min-heap of items of code a, keyed by what each would cost more at b. A queue holds every item of a
whose key is below its *bound*: of many items only the cheapest are kept, and when a queue runs empty under a finite
bound, or is full, the queues of a are filled again. An item that has left a stays in the queues of a until it comes
to the head of one and is taken out there.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32
from numpy import ndarray

from gsseg.clustering.nearest import few_spans
from gsseg.compiled import njit
from gsseg.threads import run_all, spans

QUEUED = 2**20
"""Entries that the queues are filled with, together: 25 MB, and few run empty at a million items and 64 codes. A queue
has room for 16 at the least, which takes over from 360 codes on: 192 bytes a pair of codes."""


class Queues(NamedTuple):
    """The queues of all pairs of codes, as compiled functions take them; the first ``counts`` entries form the heap."""

    keys: Float64[ndarray, "codes codes room"]
    """What the item costs more at b than at a; negative where it costs less."""
    items: Int32[ndarray, "codes codes room"]
    """Which item it is."""
    counts: Int32[ndarray, "codes codes"]
    """Entries in the heap."""
    bounds: Float64[ndarray, "codes codes"]
    """Every item of a with a lower key is in the queue; infinite where it holds all items of a."""


def filled_queues(
    x: Float64[ndarray, "items dim"], by_dim: Float64[ndarray, "dim codes"], labels: Int32[ndarray, " items"]
) -> Queues:
    """The queues of all codes, from the items that they have; they have as much room again as they are filled with."""
    codes = by_dim.shape[1]
    kept = int(np.clip(QUEUED // codes**2, 8, 1024))
    queues = Queues(
        np.empty((codes, codes, 2 * kept)),
        np.empty((codes, codes, 2 * kept), np.int32),
        np.zeros((codes, codes), np.int32),
        np.empty((codes, codes)),
    )
    order = np.argsort(labels, kind="stable").astype(np.int32)
    starts = np.searchsorted(labels[order], np.arange(codes + 1)).astype(np.int64)
    parts = codes if len(few_spans(len(labels))) > 1 else 1
    run_all([lambda a=a, b=b: _fill_rows(x, by_dim, order, starts, queues, a, b) for a, b in spans(codes, parts)])
    return queues


@njit(nogil=True, cache=True, fastmath={"contract"})
def squared_distances(x, by_dim, i, distances):
    """Squared distances of item i to all codes, (dim, codes): the costs of the assignment."""
    distances[:] = 0.0
    for d in range(by_dim.shape[0]):
        value = x[i, d]
        for k in range(by_dim.shape[1]):
            difference = value - by_dim[d, k]
            distances[k] += difference * difference


@njit(nogil=True, cache=True)
def _fill_rows(x, by_dim, order, starts, queues, first, last):
    for a in range(first, last):
        _fill_row(x, by_dim, order[starts[a] : starts[a + 1]], a, queues)


@njit(nogil=True, cache=True)
def _fill_row(x, by_dim, members, a, queues):
    """The queues of code a, from its members: the half of each queue's room that is cheapest, as a min-heap."""
    keys, items, counts, bounds = queues
    codes = by_dim.shape[1]
    kept = keys.shape[2] // 2
    costs = np.empty(codes)
    counts[a] = 0
    bounds[a] = np.inf
    for i in members:
        squared_distances(x, by_dim, i, costs)
        own = costs[a]
        for b in range(codes):
            key = own - costs[b]  # negative cost: the heap's least is then the dearest item kept
            if b == a:
                continue
            if counts[a, b] < kept:
                push(keys[a, b], items[a, b], counts[a], b, key, i)
            else:
                if key > keys[a, b, 0]:
                    keys[a, b, 0] = key
                    items[a, b, 0] = i
                    _sift(keys[a, b], items[a, b], kept, 0)
                bounds[a, b] = -keys[a, b, 0]
    for b in range(codes):
        count = counts[a, b]
        for place in range(count):
            keys[a, b, place] = -keys[a, b, place]
        for place in range(count // 2 - 1, -1, -1):
            _sift(keys[a, b], items[a, b], count, place)


@njit(nogil=True, cache=True)
def enqueue(x, by_dim, i, a, queues, costs):
    """Puts item i, which has come to code a, into those queues of a that promise to hold it; ``costs`` is scratch."""
    keys, items, counts, bounds = queues
    squared_distances(x, by_dim, i, costs)
    for b in range(by_dim.shape[1]):
        key = costs[b] - costs[a]
        # A full queue cannot take it: `refresh_heads` fills the queues of a again before their heads are read.
        if b != a and key < bounds[a, b] and counts[a, b] < keys.shape[2]:
            push(keys[a, b], items[a, b], counts[a], b, key, i)


@njit(nogil=True, cache=True)
def refresh_heads(x, by_dim, labels, a, queues, heads):
    """Keys at the heads of the queues of code a (infinite: it has no item), after items that have left it are taken
    from there."""
    keys, items, counts, bounds = queues
    codes = by_dim.shape[1]
    filled = False
    b = 0
    while b < codes:
        if b != a:
            while counts[a, b] > 0 and labels[items[a, b, 0]] != a:
                pop(keys[a, b], items[a, b], counts[a], b)
            full = counts[a, b] == keys.shape[2]
            if (full or (counts[a, b] == 0 and bounds[a, b] < np.inf)) and not filled:
                _fill_row(x, by_dim, np.flatnonzero(labels == a), a, queues)
                filled = True
                b = 0  # all queues of a are new, those that were seen too
                continue
            heads[a, b] = keys[a, b, 0] if counts[a, b] > 0 else np.inf
        b += 1


@njit(nogil=True, cache=True)
def push(keys, items, counts, b, key, item):
    """Adds an entry to the heap whose length is ``counts[b]``."""
    place = counts[b]
    counts[b] += 1
    while place > 0:
        parent = (place - 1) // 2
        if keys[parent] <= key:
            break
        keys[place], items[place] = keys[parent], items[parent]
        place = parent
    keys[place], items[place] = key, item


@njit(nogil=True, cache=True)
def pop(keys, items, counts, b):
    """Takes the least entry from the heap whose length is ``counts[b]``."""
    counts[b] -= 1
    last = counts[b]
    keys[0], items[0] = keys[last], items[last]
    _sift(keys, items, last, 0)


@njit(nogil=True, cache=True)
def _sift(keys, items, count, place):
    """Moves the entry at ``place`` down to where a min-heap wants it."""
    key, item = keys[place], items[place]
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        if child + 1 < count and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[place], items[place] = keys[child], items[child]
        place = child
    keys[place], items[place] = key, item
