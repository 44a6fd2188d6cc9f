"""Codes learn to render like the features they replace: the pseudo-feature loss L_p = |M_p - M_c|_1.

M_p = W F is the map of the stage-1 features and stays fixed; M_c = W C[codes] is the map of the codes. One step:
the forward pass puts the code in place of each feature; the gradient of L_p with respect to the code is copied
to the feature (straight through); features move against it; a code becomes the mean of its features; items take
the nearest code again. The coarse level is trained first, then the fine level inside it (seed document,
section 3; OpenGaussian, section 3.2).

The module knows no camera: a view is any `LinearMap`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.clustering.means import float32_code_means
from gsseg.codebook.codes import NO_CODE, Codes
from gsseg.codebook.levels import CodebookConfig, coarse_assignment, fine_assignment, refit, scene_units


@runtime_checkable
class LinearMap(Protocol):
    """What a view's blending weights offer: W @ F and its transpose."""

    def render(self, features: Float[Tensor, "items dim"]) -> Float[Tensor, "pixels dim"]:
        """W @ F."""
        ...

    def backproject(self, maps: Float[Tensor, "pixels dim"]) -> Float[Tensor, "items dim"]:
        """W.T @ G."""
        ...


View = Callable[[], tuple[LinearMap, Int64[Tensor, " pixels"]]]
"""Yields a view's weights and the mask label of each of its pixels, 0 = none."""


def train_codebook(
    features: Float[Tensor, "items dim"],
    positions: Float[Tensor, "items 3"],
    seen: Bool[Tensor, " items"],
    views: Sequence[View],
    config: CodebookConfig,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Codes:
    """Two levels of codes for the items that are ``seen``; all others are `NO_CODE` and count nowhere.

    With ``config.coarse == 1`` there is one coarse code and the fine ones form a single-level codebook.
    """
    generator = np.random.default_rng(seed)
    rows = seen.numpy().nonzero()[0]
    own = features.numpy()[rows]
    places = config.position_weight * scene_units(positions.numpy()[rows])
    total = 2 * config.steps
    trainer = _Trainer(features * seen[:, None], rows, views, config)

    coarse = coarse_assignment(own, places / max(config.position_weight, 1e-12), config, generator)
    coarse, coarse_curve = trainer.train(
        own, coarse, config.coarse,
        lambda moved, labels: refit(moved, places, labels, config.coarse, config.coarse),
        lambda step: progress(step, total),
    )  # fmt: skip
    fine = fine_assignment(own, coarse[0], config, generator)
    codes = config.coarse * config.fine
    fine, fine_curve = trainer.train(
        own, fine, codes,
        lambda moved, labels: refit(moved, None, labels, codes, config.fine),
        lambda step: progress(config.steps + step, total),
    )  # fmt: skip
    return Codes(
        coarse=_spread(coarse[0], rows, len(features)),
        fine=_spread(fine[0], rows, len(features)),
        coarse_codebook=torch.from_numpy(coarse[1]),
        fine_codebook=torch.from_numpy(fine[1]),
        losses={"coarse": coarse_curve, "fine": fine_curve},
    )


class _Trainer:
    """The steps of one level; holds what both levels share."""

    def __init__(self, features: Tensor, rows: ndarray, views: Sequence[View], config: CodebookConfig) -> None:
        self.features, self.rows, self.views, self.config = features, rows, views, config
        self.count = len(features)
        self.targets: dict[int, tuple[Tensor, Tensor]] = {}

    def train(self, start: ndarray, labels: ndarray, codes: int, refit: Callable, progress: Callable[[int], None]):
        """((labels, codebook) of the lowest loss seen, loss curve); ``start``: features before training."""
        moved = start.copy()
        codebook = float32_code_means(moved, labels, codes)[0]
        best, curve = (labels, codebook), []
        for step in range(self.config.steps + 1):
            loss, gradient = self._loss(codebook[labels])
            curve.append(loss)
            if loss <= min(curve):
                best = (labels, codebook)
            if step == self.config.steps:
                break
            moved = moved - self.config.learning_rate * loss * gradient
            labels = refit(moved, labels)
            codebook = float32_code_means(moved, labels, codes)[0]
            progress(step + 1)
        curve.append(min(curve))
        return best, curve

    def _loss(self, discrete: ndarray) -> tuple[float, ndarray]:
        """L_p over the pixels of all views, and its gradient in each item divided by the item's visibility.

        The division makes a step the same for a Gaussian seen by one pixel and by a thousand.
        """
        field = torch.zeros(self.count, discrete.shape[1])
        field[self.rows] = torch.from_numpy(discrete)
        gradient = torch.zeros(self.count, discrete.shape[1] + 1)
        total, entries = 0.0, 0
        for number, view in enumerate(self.views):
            weights, labels = view()
            if number not in self.targets:
                self.targets[number] = self._target(weights, labels)
            target, used = self.targets[number]
            difference = (weights.render(field) - target) * used[:, None]
            total += float(difference.abs().sum())
            entries += int(used.sum()) * discrete.shape[1]
            gradient += weights.backproject(torch.cat([difference.sign(), used[:, None].float()], 1))
        steepest = gradient[:, :-1] / gradient[:, -1:].clamp(min=1e-6)
        return total / max(entries, 1), steepest[self.rows].numpy()

    def _target(self, weights: LinearMap, labels: Tensor) -> tuple[Tensor, Tensor]:
        """What the map of the codes should be, and which pixels count."""
        rendered = weights.render(self.features)
        if self.config.target == "map":
            return rendered, torch.ones(len(rendered), dtype=torch.bool)
        count = int(labels.max()) + 1
        sizes = torch.bincount(labels, minlength=count).clamp(min=1)[:, None]
        means = torch.zeros(count, rendered.shape[1]).index_add(0, labels, rendered) / sizes
        variances = torch.zeros(count, rendered.shape[1]).index_add(0, labels, (rendered - means[labels]) ** 2) / sizes
        spread = variances.sum(1)
        present = torch.bincount(labels, minlength=count)[1:] > 0
        # A mask that spreads twice as far as its view's median mask holds more than one object.
        limit = 2.0 * spread[1:][present].median() if present.any() else torch.tensor(0.0)
        used = (labels > 0) & (spread[labels] <= limit)
        return means[labels], used


def _spread(labels: ndarray, rows: ndarray, count: int) -> Tensor:
    out = torch.full((count,), NO_CODE, dtype=torch.int64)
    out[rows] = torch.from_numpy(labels)
    return out
