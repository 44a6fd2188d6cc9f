"""Stage 1 on mask evidence: every step sees every mask of every view, as one sparse product each way.

    means = (A F) / (A 1)          A: (masks, gaussians)         gradient: A^T g

The evidence has one entry for a Gaussian and a view, so a step costs a few milliseconds where a rasterizer
would draw a view.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from gsseg.features.evidence import MaskEvidence
from gsseg.features.field import FeatureField
from gsseg.features.losses import cohesion, prototype_separation
from gsseg.render.products import times_dense, transpose_times_dense
from gsseg.validation import check_real, check_whole

DIM = 6
"""Channels of the instance feature, as in OpenGaussian, whose file columns gsseg writes."""


@dataclass(frozen=True)
class FeatureConfig:
    """How the instance features are learnt."""

    steps: int = 150
    """Gradient steps; each sees all masks of all views."""
    learning_rate: float = 0.05
    """Of Adam, on features before they are normalised."""
    separation: float = 1.0
    """Weight of the contrast between masks of one view, against the cohesion inside masks."""
    temperature: float = 0.1
    """Difference of cosines at which two masks of a view count as apart."""
    frequency: float = 8.0
    """The start is a smooth random wave over space: standard deviation of its phase across the scene, radians."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_whole(self, "steps", least=1)
        check_real(self, "learning_rate", "temperature", "frequency", above=0)
        check_real(self, "separation", least=0)


def fit_features(
    evidence: MaskEvidence,
    means: Float[ndarray, "gaussians 3"],
    config: FeatureConfig,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FeatureField:
    """Learns unit features in which a mask is tight and the masks of a view are far apart.

    Only Gaussians that a mask shows are optimised; the others keep a zero feature and are not ``seen``.
    """
    columns = np.flatnonzero(evidence.masked)
    matrix = evidence.masks[:, columns]
    mass = matrix.sum(axis=1)
    rows = mass > 0
    matrix, mass = matrix[rows], mass[rows]
    mean_matrix = sp.csr_array(sp.diags_array(1.0 / mass) @ matrix).astype(np.float32)
    view = evidence.row_view[evidence.row_label > 0][rows]
    slot = np.arange(len(view)) - np.searchsorted(view, view)
    shares = torch.from_numpy((np.sqrt(mass) / np.sqrt(mass).sum()).astype(np.float32))
    places = (torch.from_numpy(view.astype(np.int64)), torch.from_numpy(slot))
    grid = (int(view.max()) + 1, int(slot.max()) + 1)
    present = torch.zeros(grid, dtype=torch.bool).index_put(places, torch.ones(len(view), dtype=torch.bool))
    grid_shares = torch.zeros(grid).index_put(places, shares)

    raw = _smooth_start(means[columns], config.frequency, seed).requires_grad_(True)
    optimizer = torch.optim.Adam([raw], lr=config.learning_rate)
    losses: dict[str, list[float]] = {"cohesion": [], "separation": []}
    for step in range(config.steps):
        mask_means = _MaskMeans.apply(torch.nn.functional.normalize(raw, dim=1), mean_matrix)
        together = cohesion(mask_means, shares)
        apart = prototype_separation(
            torch.zeros(*grid, DIM).index_put(places, mask_means), present, grid_shares, config.temperature
        )
        optimizer.zero_grad()
        (together + config.separation * apart).backward()
        optimizer.step()
        losses["cohesion"].append(together.item())
        losses["separation"].append(apart.item())
        progress(step + 1, config.steps)
    features = torch.zeros(len(means), DIM)
    features[columns] = torch.nn.functional.normalize(raw.detach(), dim=1)
    return FeatureField(features, torch.from_numpy(evidence.masked), losses)


def _smooth_start(
    positions: Float[ndarray, "gaussians 3"], frequency: float, seed: int
) -> Float[Tensor, "gaussians 6"]:
    """Random waves over the scene: neighbours start alike, so what no loss tells apart stays alike."""
    generator = torch.Generator().manual_seed(seed)
    extent = np.linalg.norm(np.ptp(positions, axis=0)) or 1.0
    waves = torch.randn(3, DIM, generator=generator) * frequency
    phases = torch.rand(DIM, generator=generator) * 2 * torch.pi
    centred = torch.from_numpy(((positions - positions.mean(0)) / extent).astype(np.float32))
    return torch.sin(centred @ waves + phases)


class _MaskMeans(torch.autograd.Function):
    """A @ F for a constant sparse A."""

    @staticmethod
    def forward(ctx, features: Tensor, matrix: sp.csr_array) -> Tensor:
        ctx.matrix = matrix
        return torch.from_numpy(times_dense(matrix.indptr, matrix.indices, matrix.data, features.detach().numpy()))

    @staticmethod
    def backward(ctx, *gradients: Tensor):
        m = ctx.matrix
        dense = gradients[0].contiguous().numpy()
        return torch.from_numpy(transpose_times_dense(m.indptr, m.indices, m.data, dense, m.shape[1])), None
