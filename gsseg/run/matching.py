"""Which Gaussian of a run each row of another splat file is, after another program has edited it.

Editors delete rows, put them in another order and drop columns that they do not know; what they leave as it is are the
centres. So a row is the Gaussian with the same centre; where several Gaussians share one, each is taken once.
"""

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray
from scipy.spatial import KDTree

REACH = 0.05
"""Share of the median distance between neighbours within which a centre is the same: formats round, editors do not."""

_SAMPLE = 20_000
_CANDIDATES = 8
"""Gaussians that may have one centre in common."""


def same_centre(known: Float32[ndarray, "gaussians 3"]) -> float:
    """World units within which two centres are one, by how close those of a run lie."""
    some = known[:: max(1, len(known) // _SAMPLE)]
    if len(known) < 2:
        return float("inf")
    distances = KDTree(known).query(some, k=2)[0][:, 1]
    return REACH * float(np.median(distances))


def match_centres(
    known: Float32[ndarray, "gaussians 3"], rows: Float32[ndarray, "rows 3"], within: float
) -> Int64[ndarray, " rows"]:
    """For each row the Gaussian whose centre is nearest, no further than ``within``; -1 = none.

    No Gaussian is given twice: pairs are taken from the nearest on, of equal ones the first rows first.
    """
    count = min(_CANDIDATES, len(known))
    distances, found = KDTree(known).query(rows, k=count, distance_upper_bound=np.nextafter(within, np.inf))
    distances, found = distances.reshape(len(rows), count), found.reshape(len(rows), count)
    row, place = np.nonzero(np.isfinite(distances))
    order = np.lexsort((found[row, place], row, distances[row, place]))
    out, free = np.full(len(rows), -1, np.int64), np.ones(len(known), bool)
    # Nearly every row is the only one near its Gaussian: those are settled at once, and the loop is over the others.
    claims = np.bincount(found[row, place], minlength=len(known))
    single = (np.isfinite(distances).sum(1) == 1) & (claims[np.minimum(found[:, 0], len(known) - 1)] == 1)
    out[single] = found[single, 0]
    free[out[single]] = False
    for at in order[~single[row[order]]].tolist():
        mine, theirs = row[at], found[row[at], place[at]]
        if out[mine] < 0 and free[theirs]:
            out[mine], free[theirs] = theirs, False
    return out
