"""The cheapest assignment of items to codes when every code must take between so many and so many items.

This is a transportation problem with as many sinks as codes. Its dual has one price a code: an item goes where
squared distance + price is least. Successive shortest paths (Ahuja, Magnanti, Orlin: Network Flows, 1993, 9.7)
make the sizes right: the nodes are the codes and one *sink* that they drain into; the arc a -> b costs what the
item of a costs more that is cheapest to move to b (`queues` knows it); a path moves one item along each of its arcs
(several, where they tie). Each shortest path keeps the assignment optimal for the sizes it has, whatever the prices
it began with, so prices from a sample, or from before the codes moved a little, only save paths.

Vocabulary: *surplus* of a node, items that it holds too many (negative: too few); *drained*, how many items a code
passes on to the sink, always within the bounds and complementary to its price (price > 0: size_max; < 0: size_min).
Costs are float64 sums of squared differences: no cancellation, and scaling by a power of two changes no label.
"""

from math import ceil, floor

import numpy as np
from jaxtyping import Float64, Int32
from numpy import ndarray

from gsseg.clustering.nearest import few_spans
from gsseg.clustering.queues import enqueue, filled_queues, pop, push, refresh_heads, squared_distances
from gsseg.compiled import njit
from gsseg.threads import run_all

COARSER = 8
"""Prices for n items come from a sample of n / COARSER, and so on down to SMALL: at a ratio of 8 the sizes are wrong
by a few per cent after each step, and the steps together cost a fraction of the last."""

SMALL = 4096
"""Items from which on prices are worth a sample."""

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
    with_sink = np.append(prices, 0.0)
    _settle_sizes(x, by_dim, labels, with_sink, size_min, size_max, filled_queues(x, by_dim, labels))
    return labels, with_sink[:-1] - with_sink[-1]


@njit(nogil=True, cache=True)
def _values(x, by_dim, prices, i, values):
    """Costs + prices of item i, and up to which value they count as least."""
    squared_distances(x, by_dim, i, values)
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
def _settle_sizes(x, by_dim, labels, prices, size_min, size_max, queues):
    """Moves items along shortest paths until no node has a surplus or a lack."""
    codes = by_dim.shape[1]
    heads = np.full((codes, codes), np.inf)
    for a in range(codes):
        refresh_heads(x, by_dim, labels, a, queues, heads)
    surplus, drained = _surpluses(labels, prices, size_min, size_max)
    came_from = np.empty(codes + 1, np.int64)
    taken = np.empty((codes, queues.keys.shape[2]), np.int32)
    found = np.empty(codes, np.int64)
    taken_by = np.full(len(labels), -1, np.int64)
    costs = np.empty(codes)
    number = 0
    while True:
        end = _shortest_path(heads, prices, surplus, drained, size_min, size_max, came_from)
        if end < 0:
            return
        path = _nodes_of(came_from, end)
        amount = _amount(path, surplus, drained, size_min, size_max)
        amount = _take(path, amount, labels, heads, queues, taken, found, taken_by, number)
        surplus[path[-1]] -= amount
        surplus[end] += amount
        _move(x, by_dim, path, amount, labels, drained, heads, queues, taken, found, costs)
        for node in path:
            if node < codes:
                refresh_heads(x, by_dim, labels, node, queues, heads)
        number += 1


@njit(nogil=True, cache=True)
def _surpluses(labels, prices, size_min, size_max):
    """(surplus of the codes and the sink, drained). A code with a price drains what complementary slackness demands, a
    free one as many of its items as the bounds allow; the sink lacks what the codes do not pass on."""
    codes = len(prices) - 1
    surplus = np.zeros(codes + 1, np.int64)
    for label in labels:
        surplus[label] += 1
    drained = np.empty(codes, np.int64)
    surplus[codes] = -len(labels)
    for k in range(codes):
        if prices[k] > 0:
            drained[k] = size_max
        elif prices[k] < 0:
            drained[k] = size_min
        else:
            drained[k] = min(max(surplus[k], size_min), size_max)
        surplus[k] -= drained[k]
        surplus[codes] += drained[k]
    return surplus, drained


@njit(nogil=True, cache=True)
def _shortest_path(heads, prices, surplus, drained, size_min, size_max, came_from):
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
            # Arcs to and from the sink cost nothing and exist while the code may drain more, or less.
            if near == sink:
                cost = 0.0 if drained[v] > size_min else np.inf
            elif v == sink:
                cost = 0.0 if drained[near] < size_max else np.inf
            else:
                cost = heads[near, v]
            # Reduced costs are never negative but for rounding, which must not make a cycle worth while.
            reach = least + max(0.0, cost + prices[v] - prices[near])
            if reach < distance[v]:
                distance[v] = reach
                came_from[v] = near
    for v in range(nodes):
        if done[v]:
            prices[v] += least - distance[v]
    return near


@njit(nogil=True, cache=True)
def _nodes_of(came_from, end):
    """The nodes of the path, from its end, where items lack, back to its start, where there are too many."""
    nodes = np.empty(len(came_from), np.int64)
    count = 0
    node = end
    while node >= 0:
        nodes[count] = node
        count += 1
        node = came_from[node]
    return nodes[:count]


@njit(nogil=True, cache=True)
def _amount(path, surplus, drained, size_min, size_max):
    """How many items the path may move: no more than its end lacks, its start has too many, and the bounds of the codes
    beside the sink allow."""
    sink = len(drained)
    amount = min(-surplus[path[0]], surplus[path[-1]])
    for step in range(len(path) - 1):
        b, a = path[step], path[step + 1]
        if a == sink:
            amount = min(amount, drained[b] - size_min)
        elif b == sink:
            amount = min(amount, size_max - drained[a])
    return amount


@njit(nogil=True, cache=True)
def _take(path, amount, labels, heads, queues, taken, found, taken_by, number):
    """Takes items for each arc a -> b from its queue into ``taken[a, : found[a]]``; returns how many all arcs have.

    Only items at the very cost of the arc may move with this path: the next ones may be worth another path.
    """
    keys, items, counts, _ = queues
    sink = len(found)
    for step in range(len(path) - 1):
        b, a = path[step], path[step + 1]
        if a == sink or b == sink:
            continue
        found[a] = 0
        while found[a] < amount and counts[a, b] > 0 and keys[a, b, 0] == heads[a, b]:
            i = items[a, b, 0]
            pop(keys[a, b], items[a, b], counts[a], b)
            # An item that left a code and came back stands in its queues twice: the number of the path that took it
            # tells.
            if labels[i] == a and taken_by[i] != number:
                taken_by[i] = number
                taken[a, found[a]] = i
                found[a] += 1
        amount = min(amount, found[a])
    return amount


@njit(nogil=True, cache=True)
def _move(x, by_dim, path, amount, labels, drained, heads, queues, taken, found, costs):
    """Moves ``amount`` items along each arc a -> b; what was taken beyond that goes back into its queue."""
    keys, items, counts, _ = queues
    sink = len(drained)
    for step in range(len(path) - 1):
        b, a = path[step], path[step + 1]
        if a == sink:
            drained[b] -= amount
        elif b == sink:
            drained[a] += amount
        else:
            for place in range(amount, found[a]):
                push(keys[a, b], items[a, b], counts[a], b, heads[a, b], taken[a, place])
            for place in range(amount):
                labels[taken[a, place]] = b
            for place in range(amount):
                enqueue(x, by_dim, taken[a, place], b, queues, costs)
