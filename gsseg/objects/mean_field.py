"""Neighbours decide together: a Potts model in mean field.

With l_i(o) the log-likelihood of candidate o of Gaussian i, the probabilities are

    q_i(o) = softmax_o( l_i(o) + smoothing sum_{j in near(i)} w_ij q_j(o) ),

from q = softmax(l) by a few sweeps, in which all Gaussians change at once; w_ij is near 1/|near(i)| for a well-seen
neighbour of the same colour.
"""

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.threads import run_all, spans

NOBODY = -1
"""Stands for no candidate where a Gaussian has fewer than the table has columns."""


def neighbour_weights(
    visibility: Float32[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    colors: Float32[ndarray, "gaussians 3"],
) -> Float32[ndarray, "gaussians neighbours"]:
    """How much of each neighbour j Gaussian i hears, with b the square root of visibility and c the colour:

        w_ij = exp(-|c_i - c_j|^2 / (2 median |c_i - c_j|^2)) 2 b_j / (b_j + median b) / |near(i)|.

    Medians are over what some view sees.
    """
    seen = visibility > 0
    if not near.shape[1] or not seen.any():
        return np.zeros(near.shape, np.float32)
    strength = np.sqrt(visibility)
    difference = np.empty(near.shape, np.float32)
    for k in range(near.shape[1]):
        difference[:, k] = np.square(colors[near[:, k]] - colors).sum(axis=1)
    likeness = np.exp(-difference / max(2.0 * float(np.median(difference[seen])), 1e-12))
    heard = 2.0 * strength / (strength + np.median(strength[seen])) / near.shape[1]
    return (likeness * heard[near]).astype(np.float32)


def mean_field(
    candidates: Int32[ndarray, "gaussians candidates"],
    likelihood: Float32[ndarray, "gaussians candidates"],
    near: Int64[ndarray, "gaussians neighbours"],
    weights: Float32[ndarray, "gaussians neighbours"],
    sweeps: int,
) -> Float32[ndarray, "gaussians candidates"]:
    """Probability of each candidate after some sweeps; 0 where there is none.

    All Gaussians change at once, so that the result depends neither on their order nor on the threads.
    """
    chance = np.empty_like(likelihood)
    none = np.zeros((len(near), 0), np.int64)
    for sweep in range(sweeps + 1):
        heard = chance.copy()
        around = none if sweep == 0 else near
        run_all(
            [
                lambda a=a, b=b, around=around, heard=heard: _sweep(
                    candidates, likelihood, around, weights, heard, chance, a, b
                )
                for a, b in spans(len(near))
            ]
        )
    return chance


@njit(nogil=True, cache=True)
def _sweep(candidates, likelihood, near, weights, heard, chance, start, stop):
    score = np.empty(candidates.shape[1], np.float64)
    for i in range(start, stop):
        for c in range(candidates.shape[1]):
            score[c] = likelihood[i, c] if candidates[i, c] >= 0 else -np.inf
        for k in range(near.shape[1]):
            j = near[i, k]
            for d in range(candidates.shape[1]):
                if candidates[j, d] < 0:
                    break
                for c in range(candidates.shape[1]):
                    if candidates[i, c] == candidates[j, d]:
                        score[c] += weights[i, k] * heard[j, d]
                        break
        top = score.max()
        total = 0.0
        for c in range(candidates.shape[1]):
            score[c] = np.exp(score[c] - top)
            total += score[c]
        for c in range(candidates.shape[1]):
            chance[i, c] = score[c] / total
