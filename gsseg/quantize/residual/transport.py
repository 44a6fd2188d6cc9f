"""The cheapest assignment of items to codes when every code must take between so many and so many items.

This is a transportation problem with as many sinks as codes. Its dual has one price a code: an item goes where
squared distance + price is least. Successive shortest paths (Ahuja, Magnanti, Orlin: Network Flows, 1993, 9.7)
make the sizes right: the nodes are the codes and one *sink* that they drain into; the arc a -> b costs what the
item of a costs more that is cheapest to move to b; a path moves one item along each of its arcs (several, where
they tie). Each shortest path keeps the assignment optimal for the sizes it has, whatever the prices it began with,
so prices from a sample, or from before the codes moved a little, only save paths.

Vocabulary: *surplus* of a node, items that it holds too many (negative: too few); *drained*, how many items a code
passes on to the sink, always within the bounds and complementary to its price (price > 0: size_max; < 0: size_min);
*queue* (a, b), a heap of the items of a that are cheapest to move to b. A queue holds every item of a whose
cost is below its *bound*; when it runs empty and the bound is finite, the queues of a are filled again.
Costs are float64 sums of squared differences: no cancellation, and scaling by a power of two changes no label.
"""

from math import ceil, floor

import numpy as np
from jaxtyping import Float64, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.quantize.residual.nearest import few_spans
from gsseg.threads import run_all, spans

COARSER = 8
"""Prices for n items come from a sample of n / COARSER, and so on down to SMALL: at a ratio of 8 the sizes are wrong
by a few per cent after each step, and the steps together cost a fraction of the last."""

SMALL = 4096
"""Items from which on prices are worth a sample."""

QUEUED = 2**20
"""Entries that the queues are filled with, together: 25 MB, and few run empty at a million items and 64 codes. A queue
has room for 16 at the least, which takes over from 360 codes on: 192 bytes a pair of codes."""

TIED = 1e-12
"""Values this close, relatively, tie: prices that part many equal rows among codes make them equal but for rounding,
and sharing the rows out at once saves moving them along paths."""


def transport(
    x: Float64[ndarray, "items dim"],
    centers: Float64[ndarray, "codes dim"],
    size_min: int,
    size_max: int,
    prices: Float64[ndarray, " codes"] | None = None,
) -> tuple[Int32[ndarray, " items"], Float64[ndarray, " codes"]]:
    """An optimal assignment (module docstring) and prices that prove it; ``prices`` to begin with are only a help.

    argmin over labels of sum_i |x_i - centers[labels_i]|^2, size_min <= sizes <= size_max. The bounds must admit the
    items: codes * size_min <= items <= codes * size_max.
    """
    items, codes = len(x), len(centers)
    if prices is None:
        prices = np.zeros(codes)
    if items > SMALL:
        sample = x[::COARSER].copy()
        share = len(sample) / items
        _, prices = transport(sample, centers, floor(size_min * share), ceil(size_max * share), prices)
    by_dim = np.ascontiguousarray(centers.T)
    labels = np.empty(items, np.int32)
    run_all([lambda a=a, b=b: _cheapest(x, by_dim, prices, labels, a, b) for a, b in few_spans(items)])
    _share_ties(x, by_dim, prices, labels, np.bincount(labels + 1, minlength=codes + 1)[1:].astype(np.int64))
    kept = int(np.clip(QUEUED // codes**2, 8, 1024))
    heaps = (
        np.empty((codes, codes, 2 * kept)),
        np.empty((codes, codes, 2 * kept), np.int32),
        np.zeros((codes, codes), np.int32),
        np.empty((codes, codes)),
    )
    order = np.argsort(labels, kind="stable").astype(np.int32)
    starts = np.searchsorted(labels[order], np.arange(codes + 1)).astype(np.int64)
    parts = codes if len(few_spans(items)) > 1 else 1
    run_all([lambda a=a, b=b: _fill_rows(x, by_dim, order, starts, heaps, a, b) for a, b in spans(codes, parts)])
    with_sink = np.append(prices, 0.0)
    _settle_sizes(x, by_dim, labels, with_sink, size_min, size_max, heaps)
    return labels, with_sink[:-1] - with_sink[-1]


@njit(nogil=True, cache=True, fastmath={"contract"})
def _costs(x, by_dim, i, costs):
    """Squared distances of item i to all codes."""
    costs[:] = 0.0
    for d in range(by_dim.shape[0]):
        value = x[i, d]
        for k in range(by_dim.shape[1]):
            difference = value - by_dim[d, k]
            costs[k] += difference * difference


@njit(nogil=True, cache=True)
def _values(x, by_dim, prices, i, values):
    """Costs + prices of item i, and up to which value they count as least."""
    _costs(x, by_dim, i, values)
    least = np.inf
    magnitude = 0.0
    for k in range(len(prices)):
        values[k] += prices[k]
        least = min(least, values[k])
        magnitude = max(magnitude, abs(prices[k]))
    return least + TIED * (abs(least) + magnitude)


@njit(nogil=True, cache=True)
def _cheapest(x, by_dim, prices, labels, start, stop):
    """Labels of least cost + price; -1 where codes tie."""
    values = np.empty(len(prices))
    for i in range(start, stop):
        limit = _values(x, by_dim, prices, i, values)
        found = 0
        for k in range(len(prices)):
            if values[k] <= limit:
                labels[i] = k
                found += 1
        if found > 1:
            labels[i] = -1


@njit(nogil=True, cache=True)
def _share_ties(x, by_dim, prices, labels, sizes):
    """Gives each item without a label to the one of its least codes that has the fewest items so far."""
    values = np.empty(len(prices))
    for i in range(len(labels)):
        if labels[i] >= 0:
            continue
        limit = _values(x, by_dim, prices, i, values)
        for k in range(len(prices)):
            if values[k] <= limit and (labels[i] < 0 or sizes[k] < sizes[labels[i]]):
                labels[i] = k
        sizes[labels[i]] += 1


@njit(nogil=True, cache=True)
def _fill_rows(x, by_dim, order, starts, heaps, first, last):
    for a in range(first, last):
        _fill_row(x, by_dim, order[starts[a] : starts[a + 1]], a, heaps)


@njit(nogil=True, cache=True)
def _fill_row(x, by_dim, members, a, heaps):
    """The queues of code a, from its members: the half of each queue's room that is cheapest, as a min-heap."""
    keys, items, counts, bounds = heaps
    codes = by_dim.shape[1]
    kept = keys.shape[2] // 2
    costs = np.empty(codes)
    counts[a] = 0
    bounds[a] = np.inf
    for i in members:
        _costs(x, by_dim, i, costs)
        own = costs[a]
        for b in range(codes):
            key = own - costs[b]  # negative cost: the heap's least is then the dearest item kept
            if b == a:
                continue
            if counts[a, b] < kept:
                _push(keys[a, b], items[a, b], counts[a], b, key, i)
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


@njit(nogil=True, cache=True)
def _push(keys, items, counts, b, key, item):
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
def _pop(keys, items, counts, b):
    counts[b] -= 1
    last = counts[b]
    keys[0], items[0] = keys[last], items[last]
    _sift(keys, items, last, 0)


@njit(nogil=True, cache=True)
def _refresh_arcs(x, by_dim, labels, a, heaps, arcs):
    """Costs of the arcs out of code a, after items that have left it are taken from the heads of its queues."""
    keys, items, counts, bounds = heaps
    codes = by_dim.shape[1]
    filled = False
    b = 0
    while b < codes:
        if b != a:
            while counts[a, b] > 0 and labels[items[a, b, 0]] != a:
                _pop(keys[a, b], items[a, b], counts[a], b)
            full = counts[a, b] == keys.shape[2]
            if (full or (counts[a, b] == 0 and bounds[a, b] < np.inf)) and not filled:
                _fill_row(x, by_dim, np.flatnonzero(labels == a), a, heaps)
                filled = True
                b = 0
                continue
            arcs[a, b] = keys[a, b, 0] if counts[a, b] > 0 else np.inf
        b += 1


@njit(nogil=True, cache=True)
def _shortest_path(arcs, prices, surplus, drained, size_min, size_max, came_from):
    """Dijkstra over reduced costs from all nodes with a surplus to the first found without; raises the prices of the
    nodes nearer than that one, returns it (-1: there is none)."""
    nodes = len(surplus)
    sink = nodes - 1
    distance = np.full(nodes, np.inf)
    done = np.zeros(nodes, np.bool_)
    for v in range(nodes):
        came_from[v] = -1
        if surplus[v] > 0:
            distance[v] = 0.0
    while True:
        near = -1
        least = np.inf
        for v in range(nodes):
            if not done[v] and distance[v] < least:
                least = distance[v]
                near = v
        if near < 0:
            return -1
        if surplus[near] < 0:
            break
        done[near] = True
        for v in range(nodes):
            if done[v]:
                continue
            if near == sink:
                cost = 0.0 if drained[v] > size_min else np.inf
            elif v == sink:
                cost = 0.0 if drained[near] < size_max else np.inf
            else:
                cost = arcs[near, v]
            reach = least + max(0.0, cost + prices[v] - prices[near])
            if reach < distance[v]:
                distance[v] = reach
                came_from[v] = near
    for v in range(nodes):
        if done[v]:
            prices[v] += least - distance[v]
    return near


@njit(nogil=True, cache=True)
def _settle_sizes(x, by_dim, labels, prices, size_min, size_max, heaps):
    """Moves items along shortest paths until no code has a surplus or a lack."""
    keys, items, counts, bounds = heaps
    codes = by_dim.shape[1]
    sink = codes
    arcs = np.full((codes, codes), np.inf)
    for a in range(codes):
        _refresh_arcs(x, by_dim, labels, a, heaps, arcs)
    surplus = np.zeros(codes + 1, np.int64)
    for label in labels:
        surplus[label] += 1
    drained = np.empty(codes, np.int64)
    surplus[sink] = -len(labels)
    for k in range(codes):
        if prices[k] > 0:
            drained[k] = size_max
        elif prices[k] < 0:
            drained[k] = size_min
        else:
            drained[k] = min(max(surplus[k], size_min), size_max)
        surplus[k] -= drained[k]
        surplus[sink] += drained[k]
    came_from = np.empty(codes + 1, np.int64)
    taken = np.empty((codes, keys.shape[2]), np.int32)
    # An item that left a code and came back stands in its queues twice: the number of the path that took it tells.
    taken_by = np.full(len(labels), -1, np.int64)
    costs = np.empty(codes)
    path = 0
    while True:
        end = _shortest_path(arcs, prices, surplus, drained, size_min, size_max, came_from)
        if end < 0:
            return
        amount = -surplus[end]
        v = end
        while came_from[v] >= 0:
            a = came_from[v]
            if a == sink:
                amount = min(amount, drained[v] - size_min)
            elif v == sink:
                amount = min(amount, size_max - drained[a])
            v = a
        amount = min(amount, surplus[v])
        start = v
        v = end
        found = np.zeros(codes, np.int64)
        while came_from[v] >= 0:
            a = came_from[v]
            if a != sink and v != sink:
                while found[a] < amount and counts[a, v] > 0 and keys[a, v, 0] == arcs[a, v]:
                    i = items[a, v, 0]
                    _pop(keys[a, v], items[a, v], counts[a], v)
                    if labels[i] == a and taken_by[i] != path:
                        taken_by[i] = path
                        taken[a, found[a]] = i
                        found[a] += 1
                amount = min(amount, found[a])
            v = a
        surplus[start] -= amount
        surplus[end] += amount
        v = end
        while came_from[v] >= 0:
            a = came_from[v]
            if a == sink:
                drained[v] -= amount
            elif v == sink:
                drained[a] += amount
            else:
                for place in range(amount, found[a]):
                    _push(keys[a, v], items[a, v], counts[a], v, arcs[a, v], taken[a, place])
                for place in range(amount):
                    labels[taken[a, place]] = v
                for place in range(amount):
                    i = taken[a, place]
                    _costs(x, by_dim, i, costs)
                    for b in range(codes):
                        key = costs[b] - costs[v]
                        if b != v and key < bounds[v, b] and counts[v, b] < keys.shape[2]:
                            _push(keys[v, b], items[v, b], counts[v], b, key, i)
            v = a
        v = end
        while v >= 0:
            if v != sink:
                _refresh_arcs(x, by_dim, labels, v, heaps, arcs)
            v = came_from[v]
        path += 1
