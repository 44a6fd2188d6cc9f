"""The pseudo-feature loss L_p = |M_p - M_c|_1 (OpenGaussian, Wu et al. 2024, section 3.2, eq. 4) and its gradient.

M_p = W F is the map of the stage-1 features, the "pseudo" truth; it stays fixed. M_c = W C is the map of the codes.

The module knows no camera: a view is any `LinearMap`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.exact_sums import torch_in_order


@runtime_checkable
class LinearMap(Protocol):
    """What a view's blending weights offer: W @ F and its transpose."""

    def render(self, features: Float[Tensor, "items dim"]) -> Float[Tensor, "pixels dim"]:
        """W @ F."""
        ...

    def backproject(self, maps: Float[Tensor, "pixels dim"]) -> Float[Tensor, "items dim"]:
        """W.T @ G."""
        ...


SampledView = Callable[[], tuple[LinearMap, Int64[Tensor, " pixels"]]]
"""Yields a view's weights and the mask label of each of its pixels, 0 = none."""

Target = Literal["map", "mask_mean"]
"""What the map of the codes should be: see `CodebookConfig.target`."""


@dataclass(frozen=True, eq=False)
class _Target:
    """What of a view does not change from step to step."""

    map: Float[Tensor, "pixels dim"]
    """M_p, or its mean in each mask."""
    used: Bool[Tensor, " pixels"]
    """Pixels that count."""
    count: int
    """Their number."""


class PseudoFeatureLoss:
    """L_p over the pixels of all views, as a function of the discrete features of the items ``rows``.

    ``features``: of all items, what stage 1 learnt; ``views`` are asked for their weights at every call, so that
    they need not all stand in memory.
    """

    def __init__(
        self,
        features: Float[Tensor, "items dim"],
        rows: Int64[ndarray, " rows"],
        views: Sequence[SampledView],
        target: Target = "map",
    ) -> None:
        self._features, self._views, self._kind = features, views, target
        self._rows = torch.from_numpy(rows).to(features.device)
        self._targets: dict[int, _Target] = {}
        self._visibility = torch.zeros(len(features), 1, device=features.device)

    def __call__(self, discrete: Float[Tensor, "rows dim"]) -> tuple[float, Float[Tensor, "rows dim"]]:
        """The mean of |M_p - M_c| over used pixels and channels, and each item's gradient over its visibility.

        The gradient of the sum is W.T sign(M_c - M_p). Divided by the item's visibility W.T 1 it is the mean sign
        over the pixels that see the item, weighted as they see it and within [-1, 1]: a Gaussian that a thousand
        pixels see moves no farther than one that a single pixel sees.
        """
        field = torch.zeros_like(self._features)
        field[self._rows] = discrete
        gradient = torch.zeros_like(field)
        total = torch.zeros((), dtype=torch.float64, device=field.device)
        entries = 0
        for number, view in enumerate(self._views):
            weights, labels = view()
            if number not in self._targets:
                self._see(number, weights, labels)
            target = self._targets[number]
            difference = (weights.render(field) - target.map) * target.used[:, None]
            total += difference.abs().sum()
            entries += target.count * field.shape[1]
            gradient += weights.backproject(difference.sign())
        steepest = gradient / self._visibility.clamp(min=1e-6)
        return float(total.cpu()) / max(entries, 1), steepest[self._rows]

    def _see(self, number: int, weights: LinearMap, labels: Tensor) -> None:
        """Keeps the view's target and adds its used pixels to the visibility, once for all steps.

        As a seventh column of every step's back-projection the visibility would cost the step its vector code,
        which is made for six.
        """
        target = (
            _mask_means(weights.render(self._features), labels)
            if self._kind == "mask_mean"
            else _Target(weights.render(self._features), torch.ones_like(labels, dtype=torch.bool), len(labels))
        )
        self._targets[number] = target
        self._visibility += weights.backproject(target.used[:, None].float())


def _mask_means(rendered: Float[Tensor, "pixels dim"], labels: Int64[Tensor, " pixels"]) -> _Target:
    """The mean of the map in each mask; pixels of no mask and of masks that spread too far do not count."""
    count = int(labels.max().cpu()) + 1
    none = rendered.new_zeros(count, rendered.shape[1])
    sizes = torch.bincount(labels, minlength=count).clamp(min=1)[:, None]
    with torch_in_order():
        means = none.index_add(0, labels, rendered) / sizes
        variances = none.index_add(0, labels, (rendered - means[labels]) ** 2) / sizes
    spread = variances.sum(1)
    present = torch.bincount(labels, minlength=count)[1:] > 0
    # A mask that spreads twice as far as its view's median mask holds more than one object.
    limit = 2.0 * spread[1:][present].median() if bool(present.any().cpu()) else spread.new_zeros(())
    used = (labels > 0) & (spread[labels] <= limit)
    return _Target(means[labels], used, int(used.sum().cpu()))
