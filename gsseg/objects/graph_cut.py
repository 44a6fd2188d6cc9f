"""The labelling of a graph that costs least: a minimum cut.

Each node is *in* or *out*. With edges (i, j) of weight w_ij >= 0 and leans l_i, the cost of a labelling is

    sum_ij w_ij [i and j differ]  +  sum_i |l_i| [i is not where it leans],      l_i > 0 leans in, l_i < 0 leans out,

which is the weight of a cut between a source that pulls in and a sink that pulls out (Greig, Porteous and Seheult
1989; Boykov and Jolly 2001). The largest flow, and with it the cut, is scipy's (Dinic's algorithm).
"""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

LARGEST = 1 << 30
"""Sum of all capacities: they are integers of 32 bits, and so are the flows that add up."""


def minimum_cut(
    edges: Int[ndarray, "edges 2"], weights: Float[ndarray, " edges"], leans: Float[ndarray, " nodes"]
) -> Bool[ndarray, " nodes"]:
    """Which nodes are in, in the labelling that costs least; of several of these, that with the fewest nodes in.

    Edges have no direction; the same one twice counts twice. A lean of +-inf cannot be gone against. Weights and leans
    are rounded to the 2^-30th part of their sum, infinite ones left out, so a cut is as cheap as any up to that.
    ValueError for a negative weight, and for what is no number.
    """
    count = len(leans)
    weights, leans = np.asarray(weights, np.float64), np.asarray(leans, np.float64)
    if (weights < 0).any() or not np.isfinite(weights).all() or np.isnan(leans).any():
        raise ValueError("weights are numbers from 0 on, and leans are numbers")
    one, other = edges[:, 0], edges[:, 1]
    around = np.bincount(one, weights, count) + np.bincount(other, weights, count)
    # More than all edges of a node together is never worth going against: as good as infinite, and the sum stays small.
    bound = around + (weights.mean() if weights.any() else 1.0)
    pull = np.clip(leans, -bound, bound)
    total = 2 * weights.sum() + np.abs(pull).sum()
    if total == 0:
        return np.zeros(count, bool)
    source, sink = count, count + 1
    inward, outward = np.flatnonzero(pull > 0), np.flatnonzero(pull < 0)
    start = np.concatenate([one, other, np.full(len(inward), source), outward])
    end = np.concatenate([other, one, inward, np.full(len(outward), sink)])
    both = np.concatenate([weights, weights, pull[inward], -pull[outward]])
    sums = sp.csr_array((both, (start, end)), shape=(count + 2, count + 2))  # of an edge that is there twice
    sums.data = np.round(sums.data * (LARGEST / total))
    capacity = sp.csr_array(sums.astype(np.int32))
    capacity.eliminate_zeros()
    left = capacity - maximum_flow(capacity, source, sink).flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached = breadth_first_order(left, source, return_predecessors=False)
    found = np.zeros(count + 2, bool)
    found[reached] = True
    return found[:count]
