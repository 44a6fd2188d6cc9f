"""Normals of the surface that Gaussians lie on, from where their neighbours are, turned towards whoever sees them.

A trained Gaussian is no reliable piece of surface by itself: many are round, and thin ones lean. The plane through a
Gaussian and its nearest neighbours is steadier (Hoppe et al. 1992, Surface reconstruction from unorganized points); its
outward side is the one that most of the Gaussian's light leaves by.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.features.evidence import MaskEvidence
from gsseg.threads import run_all, spans


def outward_normals(
    evidence: MaskEvidence, means: Float32[ndarray, "gaussians 3"], near: Int64[ndarray, "gaussians neighbours"]
) -> Float32[ndarray, "gaussians 3"]:
    """Unit normal at each centre, on the side of the views that see it; of any sign where none does.

    ``near``: the nearest Gaussians of each. With fewer than two of them there is no plane, and the normal is arbitrary.
    """
    normals = np.empty(means.shape, np.float32)
    run_all([lambda a=a, b=b: _planes(means, near, normals, a, b) for a, b in spans(len(means))])
    towards = np.zeros(means.shape)
    matrix = evidence.matrix
    _towards_eyes(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data, evidence.row_view,
        evidence.eyes.astype(np.float64), means.astype(np.float64), towards,
    )  # fmt: skip
    normals[(normals * towards).sum(axis=1) < 0] *= -1
    return normals


ROWS_AT_ONCE = 1 << 14
"""Gaussians whose neighbourhoods are in memory at the same time."""


def _planes(
    means: Float32[ndarray, "gaussians 3"],
    near: Int64[ndarray, "gaussians neighbours"],
    normals: Float32[ndarray, "gaussians 3"],
    start: int,
    stop: int,
) -> None:
    """Direction in which a neighbourhood is thinnest, for the Gaussians ``start:stop``."""
    for first in range(start, stop, ROWS_AT_ONCE):
        rows = np.arange(first, min(stop, first + ROWS_AT_ONCE))
        # About the Gaussian itself, so that coordinates far from the origin cost no digits.
        around: Float64[ndarray, "rows neighbours 3"] = means[near[rows]].astype(np.float64) - means[rows][:, None]
        middle = around.sum(axis=1, keepdims=True) / (near.shape[1] + 1)
        spread = np.einsum("nki,nkj->nij", around - middle, around - middle) + np.einsum("nki,nkj->nij", middle, middle)
        normals[rows] = np.linalg.eigh(spread)[1][:, :, 0]


@njit(nogil=True, cache=True)
def _towards_eyes(indptr, indices, values, row_view, eyes, means, towards):
    """Adds up the directions from each Gaussian to the views that see it, weighted by its light there."""
    for row in range(len(row_view)):
        eye = eyes[row_view[row]]
        for entry in range(indptr[row], indptr[row + 1]):
            g = indices[entry]
            x, y, z = eye[0] - means[g, 0], eye[1] - means[g, 1], eye[2] - means[g, 2]
            scale = values[entry] / max(np.sqrt(x * x + y * y + z * z), 1e-30)
            towards[g, 0] += scale * x
            towards[g, 1] += scale * y
            towards[g, 2] += scale * z
