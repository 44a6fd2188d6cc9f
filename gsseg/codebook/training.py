"""Codes learn to render like the features they replace (OpenGaussian, Wu et al. 2024, section 3.2).

One pass: the map is drawn with the code in place of each feature; the gradient of the pseudo-feature loss (eq. 4)
with respect to the code is copied to the feature, dL_p/df_i = dL_p/dc_j; features move against it; items take the
nearest code, and a code becomes the mean of its features. The coarse level is trained first, on [feature; position],
then the fine level inside it, on the feature (eq. 3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.codebook.clusters import code_means
from gsseg.codebook.codes import NO_CODE, Codes
from gsseg.codebook.levels import CodebookConfig, coarse_assignment, fine_assignment, refit, scene_units
from gsseg.codebook.pseudo_features import PseudoFeatureLoss, SampledView

Reassign = Callable[[Float32[Tensor, "items dim"], Int64[Tensor, " items"]], Int64[Tensor, " items"]]
"""New labels of items whose features have moved, from the features and the labels so far."""


@dataclass(frozen=True, eq=False)
class Level:
    """One level between two passes."""

    features: Float32[Tensor, "items dim"]
    """The items' features, as far as they have moved. They decide the labels; what is drawn are the codes."""
    labels: Int64[Tensor, " items"]
    """Code of each item."""
    codebook: Float32[Tensor, "codes dim"]
    """Mean feature of each code."""

    @staticmethod
    def of(features: Float32[Tensor, "items dim"], labels: Int64[Tensor, " items"], codes: int) -> "Level":
        """With the means of the labels as codebook."""
        return Level(features, labels, code_means(features, labels, codes)[0])

    @property
    def discrete(self) -> Float32[Tensor, "items dim"]:
        """The code in place of each feature."""
        return self.codebook[self.labels]


def train_codebook(
    features: Float[Tensor, "items dim"],
    positions: Float[Tensor, "items 3"],
    seen: Bool[Tensor, " items"],
    views: Sequence[SampledView],
    config: CodebookConfig,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Codes:
    """Two levels of codes for the items that are ``seen``; all others are `NO_CODE` and count nowhere.

    All is done where ``features`` lie, which is where the views' weights have to be; the codes lie on the host. With
    ``config.coarse == 1`` there is one coarse code and the fine ones form a single-level codebook.
    """
    generator = np.random.default_rng(seed)
    device, seen = features.device, seen.cpu()
    rows = seen.numpy().nonzero()[0]
    own = features[torch.from_numpy(rows).to(device)]
    places = torch.from_numpy(scene_units(positions.cpu().numpy()[rows])).to(device)
    seen = seen.to(device)
    loss = PseudoFeatureLoss(features * seen[:, None], rows, views, config.target)
    total = 2 * config.steps

    coarse, coarse_curve = _train(
        Level.of(own, coarse_assignment(own, places, config, generator), config.coarse),
        loss, coarse_reassign(places, config), config, lambda step: progress(step, total),
    )  # fmt: skip
    # The fine level starts again from the features of stage 1: those that the coarse passes moved make up for the
    # errors of coarse codes, which fine codes do not have.
    fine, fine_curve = _train(
        Level.of(own, fine_assignment(own, coarse.labels, config, generator), config.coarse * config.fine),
        loss, fine_reassign(config), config, lambda step: progress(config.steps + step, total),
    )  # fmt: skip
    return Codes(
        coarse=_spread(coarse.labels, rows, len(features)),
        fine=_spread(fine.labels, rows, len(features)),
        coarse_codebook=coarse.codebook.cpu(),
        fine_codebook=fine.codebook.cpu(),
        losses={"coarse": coarse_curve, "fine": fine_curve},
    )


def coarse_reassign(places: Float32[Tensor, "items 3"], config: CodebookConfig) -> Reassign:
    """Any coarse code, by [feature; weighted place]; ``places`` in `scene_units`."""
    weighted = config.position_weight * places
    return lambda features, labels: refit(features, weighted, labels, config.coarse, config.coarse)


def fine_reassign(config: CodebookConfig) -> Reassign:
    """A fine code of the same coarse one, by the feature."""
    return lambda features, labels: refit(features, None, labels, config.coarse * config.fine, config.fine)


def codebook_pass(
    level: Level, loss: PseudoFeatureLoss, reassign: Reassign, learning_rate: float
) -> tuple[float, Level]:
    """One pass over all views: (loss of the level as it is, the level after the step).

    Straight through: assignment has no gradient, so the gradient at the code that stands for a feature is taken as
    the feature's. The items of a code are drawn alike, but each has a gradient of its own, so they may part.
    """
    value, gradient = loss(level.discrete)
    # The gradient is a mean of signs, which does not shrink near the optimum as a difference would. Times the loss,
    # which is a mean difference, a step is as long as the codes are wrong.
    moved = level.features - learning_rate * value * gradient
    return value, Level.of(moved, reassign(moved, level.labels), len(level.codebook))


def _train(
    level: Level, loss: PseudoFeatureLoss, reassign: Reassign, config: CodebookConfig, progress: Callable[[int], None]
) -> tuple[Level, list[float]]:
    """(level of the lowest loss seen, curve: the loss before each pass and after the last, then the lowest).

    The best of the curve, not its end: assignment is free to raise the loss that the step lowered, so the curve falls
    with jumps, and training must never end worse than it began.
    """
    best, curve = level, []
    for step in range(config.steps):
        value, following = codebook_pass(level, loss, reassign, config.learning_rate)
        curve.append(value)
        best = level if value <= min(curve) else best
        level = following
        progress(step + 1)
    curve.append(loss(level.discrete)[0])
    best = level if curve[-1] <= min(curve) else best
    return best, [*curve, min(curve)]


def _spread(labels: Int64[Tensor, " rows"], rows: Int64[ndarray, " rows"], count: int) -> Int64[Tensor, " items"]:
    """Labels of all ``count`` items from those of ``rows``; the others are `NO_CODE`."""
    out = torch.full((count,), NO_CODE, dtype=torch.int64)
    out[torch.from_numpy(rows)] = labels.cpu()
    return out
