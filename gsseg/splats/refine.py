"""Where Gaussians are missing and which are spare: growth by the error that several photos agree on.

A Gaussian's score is the mean over some photos of the error on the pixels it draws, weighted by how much it draws
there. Gaussians of high score are split along their longest axis; those that have faded make room. No opacity is
ever reset. After FastGS (footprints over high errors of several views), Kheradmand et al. 2024 (3DGS-MCMC: a fixed
budget, dead Gaussians used again) and long-axis splits.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from gsseg.render.drawing import Drawing, draw_gradient
from gsseg.scene.rotations import rotation_matrices
from gsseg.splats.model import Model

SPLIT_OFFSET = 0.75
"""Of the longest standard deviation, either way; the halves keep its variance: s'^2 = s^2 (1 - 0.75^2)."""
LARGEST_GROWTH = 0.5
"""Of the Gaussians there are, at most so many are added at a time."""


def blame(drawing: Drawing, error: Float32[ndarray, "height stride"], rows: int) -> Float64[ndarray, " rows"]:
    """For each Gaussian the sum over pixels of its weight there times the error there."""
    maps = np.zeros((3, *error.shape), np.float32)
    maps[0] = error
    found = np.zeros(rows)
    found[drawing.projected.rows] = draw_gradient(drawing, maps)[1][:, 0]
    return found


def refined(
    model: Model, score: Float64[ndarray, " rows"], target: int, dead_opacity: float, rng: np.random.Generator
) -> Model:
    """The model with its dead Gaussians gone and others split, up to ``target`` of them, by chance as ``score`` has it.

    Rows that are kept keep their order; the new halves come last. The same generator gives the same rows.
    """
    opacities = 1.0 / (1.0 + np.exp(-model.logits[:, 0].astype(np.float64)))
    finite = np.isfinite(model.means).all(1) & np.isfinite(model.log_scales).all(1)
    alive = np.flatnonzero((opacities >= dead_opacity) & finite)
    kept, score = model.taken(alive), score[alive]
    wanted = min(target - len(kept), int(LARGEST_GROWTH * len(kept)), int((score > 0).sum()))
    if wanted <= 0:
        return kept
    # The Gumbel trick: the largest of log score + noise are a sample without repetition, as likely as their score.
    with np.errstate(divide="ignore"):
        keys = np.log(score) + rng.gumbel(size=len(score))
    return _split(kept, np.sort(np.argpartition(-keys, wanted - 1)[:wanted]))


def _split(model: Model, rows: Int64[ndarray, " chosen"]) -> Model:
    longest = model.log_scales[rows].argmax(1)
    along = rotation_matrices(model.quats[rows])[np.arange(len(rows)), :, longest]
    step = SPLIT_OFFSET * np.exp(model.log_scales[rows, longest])[:, None] * along
    model.log_scales[rows, longest] += 0.5 * np.log(1.0 - SPLIT_OFFSET**2)
    model.moments[:, rows] = 0.0
    model.ages[rows] = 0
    halves = model.taken(rows)
    model.means[rows] -= step
    halves = replace(halves, means=halves.means + step)
    return model.joined(halves)
