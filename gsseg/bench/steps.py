"""The training steps that are compared: the same loss and the same gradient, by W, by pooled W, by a rasterizer.

Two losses. *Pixels*: the L1 distance of the rendered features to a fixed map, as in the pseudo-feature loss of
the codebook stage. *Masks*: cohesion and inverse-distance separation of the masks' mean features. A step is the
forward pass, the loss and the gradient for the features of all Gaussians.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import l1_loss

from gsseg.bench.scene import BenchScene
from gsseg.features.losses import cohesion, inverse_distance_separation
from gsseg.render import BlendWeights
from gsseg.render.products import times_dense
from gsseg.render.projection import Projected
from gsseg.render.rasterize import rasterize

DIM = 6
"""Channels of the instance features."""


@dataclass(frozen=True, eq=False)
class Steps:
    """One view of a scene, prepared for every way to train on it."""

    scene: BenchScene
    weights: BlendWeights
    pooled: "Pooled"
    labels: Int64[Tensor, " pixels"]
    """From 0."""
    target: Float[Tensor, "pixels dim"]
    features: Float[Tensor, "gaussians dim"]

    def pixels_by_weights(self) -> Tensor:
        """Gradient of the pixel loss through W."""
        return self._gradient(lambda f: l1_loss(self.weights.render(f), self.target))

    def pixels_by_rasterizer(self, projected: Projected | None = None) -> Tensor:
        """Gradient of the pixel loss through the rasterizer; ``projected`` spares it the projection."""
        return self._gradient(lambda f: l1_loss(self._rasterized(f, projected), self.target))

    def masks_by_pooled(self) -> Tensor:
        """Gradient of the mask loss through A = M W."""
        return self._gradient(lambda f: _mask_loss(self.pooled.means(f), self.pooled.shares))

    def masks_by_rasterizer(self, projected: Projected | None = None) -> Tensor:
        """Gradient of the mask loss through the rasterizer: render, then average inside every mask."""

        def loss(features: Tensor) -> Tensor:
            rendered = self._rasterized(features, projected)
            sums = torch.zeros(len(self.pooled.mass), DIM).index_add(0, self.labels, rendered)
            return _mask_loss(sums / self.pooled.mass[:, None], self.pooled.shares)

        return self._gradient(loss)

    def _rasterized(self, features: Tensor, projected: Projected | None) -> Tensor:
        return rasterize(features, self.scene.gaussians, self.scene.camera, projected)

    def _gradient(self, loss: Callable[[Tensor], Tensor]) -> Tensor:
        features = self.features.detach().requires_grad_()
        loss(features).backward()
        assert features.grad is not None
        return features.grad


@dataclass(frozen=True, eq=False)
class Pooled:
    """A = M W and its transpose, as CSR: both products then only gather."""

    forward: tuple[np.ndarray, np.ndarray, np.ndarray]
    transposed: tuple[np.ndarray, np.ndarray, np.ndarray]
    mass: Float[Tensor, " masks"]
    """A @ 1."""

    @staticmethod
    def of(pooled: Tensor) -> "Pooled":
        """From what `BlendWeights.pool` returns."""
        (rows, columns), values = pooled.indices().numpy(), pooled.values().numpy()
        by_column = np.argsort(columns, kind="stable")
        masks, gaussians = pooled.shape
        return Pooled(
            (_offsets(rows, masks), columns.astype(np.int32), values),
            (_offsets(columns, gaussians), rows[by_column].astype(np.int32), values[by_column]),
            torch.from_numpy(np.bincount(rows, values, masks).astype(np.float32)),
        )

    @property
    def shares(self) -> Float[Tensor, " masks"]:
        """Share of each mask in the view's light."""
        return self.mass / self.mass.sum()

    def means(self, features: Float[Tensor, "gaussians dim"]) -> Float[Tensor, "masks dim"]:
        """(A F) / (A 1): the mean feature of every mask."""
        return _Sums.apply(features, self) / self.mass[:, None]


class _Sums(torch.autograd.Function):
    """A @ F for a constant A."""

    @staticmethod
    def forward(ctx, features: Tensor, pooled: Pooled) -> Tensor:
        ctx.pooled = pooled
        return torch.from_numpy(times_dense(*pooled.forward, features.detach().numpy()))

    @staticmethod
    def backward(ctx, *gradients: Tensor):
        indptr, indices, values = ctx.pooled.transposed
        return torch.from_numpy(times_dense(indptr, indices, values, gradients[0].contiguous().numpy())), None


def _mask_loss(means: Float[Tensor, "masks dim"], shares: Float[Tensor, " masks"]) -> Float[Tensor, ""]:
    return cohesion(means, shares) + inverse_distance_separation(means)


def _offsets(sorted_or_not: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(sorted_or_not, minlength=count))]).astype(np.int64)
