"""Balanced assignment by entropic optimal transport: every code is given the same share of a batch.

Q = argmin <Q, D> - epsilon H(Q) over plans whose rows (items) sum to 1 and whose columns (codes) sum to items / codes
(Cuturi 2013, algorithm 1; used for clustering by Asano et al. 2020). D are distances, made free of unit and origin:
with m the middle between the largest and the least one, D' = (D - m) / (max - m + 1e-5), so D' lies in [-1, 1].

exp(-D' / epsilon) leaves float32 at epsilon 0.01 and float64 at 0.0015, so everything here is a logarithm in float64.
"""

import math

import torch
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.threads import one_torch_thread

SPREAD_FLOOR = 1e-5
"""Added to half the range of the distances, so that equal distances divide by no zero."""


def sinkhorn(
    distances: Float[Tensor, "items codes"] | Float[ndarray, "items codes"], epsilon: float, iterations: int = 50
) -> Float64[Tensor, "items codes"]:
    """The plan Q after ``iterations`` rounds, times the number of items: a column sums to items / codes.

    One round scales rows, then columns: columns are exact after each round, rows only where it has converged (a small
    ``epsilon`` needs more rounds). With no round, Q is exp(-D' / epsilon) scaled to the sum ``items``.
    Raises ValueError where a distance is not finite, there is none, ``epsilon`` <= 0 or ``iterations`` < 0, and where
    the plan is not finite because ``epsilon`` is next to 0.
    """
    if not (epsilon > 0 and math.isfinite(epsilon)):
        raise ValueError(f"sinkhorn: epsilon must be positive and finite, is {epsilon}")
    if iterations < 0:
        raise ValueError(f"sinkhorn: iterations must not be negative, is {iterations}")
    distances = torch.as_tensor(distances).detach().double()
    items, codes = distances.shape
    if not distances.numel():
        raise ValueError(f"sinkhorn: needs at least one item and one code, has {items} items and {codes} codes")
    bad = torch.nonzero(~torch.isfinite(distances).all(dim=1)).flatten().tolist()
    if bad:
        raise ValueError(f"sinkhorn: distances must be finite, are not in {len(bad)} rows, the first: {bad[:5]}")
    least, largest = distances.min(), distances.max()
    middle = least / 2 + largest / 2
    with one_torch_thread():
        plan = (middle - distances) / (largest - middle + SPREAD_FLOOR) / epsilon
        plan -= plan.logsumexp(dim=(0, 1))
        for _ in range(iterations):
            plan -= plan.logsumexp(dim=1, keepdim=True) + math.log(items)
            plan -= plan.logsumexp(dim=0, keepdim=True) + math.log(codes)
        plan = (plan + math.log(items)).exp()
    if not torch.isfinite(plan).all():
        raise ValueError(f"sinkhorn: the plan is not finite: epsilon {epsilon} is too small")
    return plan


def sinkhorn_codes(
    distances: Float[Tensor, "items codes"] | Float[ndarray, "items codes"], epsilon: float, iterations: int = 50
) -> Int64[Tensor, " items"]:
    """For each item the code that holds most of it in `sinkhorn`'s plan (ties: the lowest)."""
    return sinkhorn(distances, epsilon, iterations).argmax(dim=1)
