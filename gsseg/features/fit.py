"""Stage 1 on mask evidence: every step sees every mask of every view, as one sparse product each way.

    means = (A F) / (A 1)          A: (masks, gaussians)         gradient: A^T g

The evidence has at most a few entries for a Gaussian and a view, so a step costs milliseconds where a rasterizer
would draw every view (`gsseg bench`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.features.evidence import MaskEvidence
from gsseg.features.field import FeatureField
from gsseg.features.losses import cohesion, prototype_separation
from gsseg.render.sparse_matrix import SparseMatrix
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


@runtime_checkable
class MeanMatrix(Protocol):
    """Anything that turns the features of the learnt Gaussians into the mean feature of every mask."""

    def __matmul__(self, dense: Float[Tensor, "learnt dim"], /) -> Float[Tensor, "masks dim"]:
        """The means, differentiable in the features."""
        ...


@dataclass(frozen=True, eq=False)
class FeatureProblem:
    """What the evidence says, laid out once for all the steps that learn from it."""

    learnt: Int64[ndarray, " learnt"]
    """The Gaussians whose features are optimised: those whose centre some mask shows."""
    mean_matrix: MeanMatrix
    """``mean_matrix @ features`` are the masks' mean features; its rows sum to 1."""
    view: Int64[Tensor, " masks"]
    """View of each mask, ascending."""
    slot: Int64[Tensor, " masks"]
    """Number of each mask in its view, from 0."""
    label: Int64[Tensor, " masks"]
    """Label of each mask in its view."""
    shares: Float[Tensor, " masks"]
    """Weight of each mask in the losses; they sum to 1."""

    @staticmethod
    def of(evidence: MaskEvidence, device: torch.device | str = "cpu") -> "FeatureProblem":
        """Prepares the masks that show some learnt Gaussian, for steps on the device; the others have no mean."""
        learnt = np.flatnonzero(evidence.masked)
        matrix = evidence.masks[:, learnt]
        mass = matrix.sum(axis=1)
        shown = mass > 0
        matrix, mass = matrix[shown], mass[shown]
        masks = evidence.row_label > 0
        view = evidence.row_view[masks][shown].astype(np.int64)
        # A wall has a thousand times the light of a cup. Shares by light would train walls alone; equal shares would
        # listen to a sliver at the picture's border, whose mean is mostly noise, as much as to a wall. The root of
        # the light lies between the two.
        shares = np.sqrt(mass) / np.sqrt(mass).sum()
        means = SparseMatrix.of(sp.csr_array(sp.diags_array(1.0 / mass) @ matrix)).to(device)
        columns = (
            view,
            np.arange(len(view)) - np.searchsorted(view, view),  # views ascend: place in its run
            evidence.row_label[masks][shown].astype(np.int64),
            shares.astype(np.float32),
        )
        # On the processor a step scatters as fast as it gathers; elsewhere every step would sort the entries anew.
        means = means if means.values.is_cpu else means.packed()
        return FeatureProblem(learnt, means, *(torch.from_numpy(column).to(device) for column in columns))

    def losses(
        self, features: Float[Tensor, "learnt dim"], temperature: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """(cohesion, separation) of unit features.

        Only masks of one view are compared, and views differ in how many they have. On a grid (views, slots), empty
        where a view has fewer masks, all comparisons of all views are one batched product instead of a loop.
        """
        means = self.mean_matrix @ features
        return cohesion(means, self.shares), prototype_separation(
            self._on_grid(means), self._on_grid(torch.ones_like(self.view)) > 0, self._on_grid(self.shares), temperature
        )

    def _on_grid(self, of_masks: Tensor) -> Tensor:
        """(views, slots, ...) from (masks, ...): each mask's value in its place, zero where there is no mask."""
        shape = (int(self.view.max().cpu()) + 1, int(self.slot.max().cpu()) + 1, *of_masks.shape[1:])
        return of_masks.new_zeros(shape).index_put((self.view, self.slot), of_masks)


def fit_features(
    evidence: MaskEvidence,
    means: Float[ndarray, "gaussians 3"],
    config: FeatureConfig,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    device: torch.device | str = "cpu",
) -> FeatureField:
    """Learns unit features in which a mask is tight and the masks of a view are far apart.

    Only Gaussians that a mask shows are optimised; the others keep a zero feature and are not ``seen``. Steps are taken
    on ``device``; the features lie on the host.
    """
    problem = FeatureProblem.of(evidence, device)
    raw = smooth_start(means[problem.learnt], config.frequency, seed).to(device).requires_grad_(True)
    optimizer = torch.optim.Adam([raw], lr=config.learning_rate)
    losses: dict[str, list[float]] = {"cohesion": [], "separation": []}
    for step in range(config.steps):
        together, apart = feature_step(problem, raw, optimizer, config)
        losses["cohesion"].append(together)
        losses["separation"].append(apart)
        progress(step + 1, config.steps)
    features = torch.zeros(len(means), DIM)
    features[problem.learnt] = torch.nn.functional.normalize(raw.detach(), dim=1).cpu()
    return FeatureField(features, torch.from_numpy(evidence.masked), losses)


def feature_step(
    problem: FeatureProblem, raw: Float[Tensor, "learnt dim"], optimizer: torch.optim.Optimizer, config: FeatureConfig
) -> tuple[float, float]:
    """One step of the optimizer on ``raw``, in place; returns (cohesion, separation) before it.

    The losses are taken of unit features, because cohesion is 1 - ||mu||^2 for those alone; so the length of a raw
    feature means nothing to them and only sets how fast its direction turns.
    """
    together, apart = problem.losses(torch.nn.functional.normalize(raw, dim=1), config.temperature)
    optimizer.zero_grad()
    (together + config.separation * apart).backward()
    optimizer.step()
    return together.item(), apart.item()


def smooth_start(positions: Float[ndarray, "gaussians 3"], frequency: float, seed: int) -> Float[Tensor, "gaussians 6"]:
    """Random waves over the scene: neighbours start alike, so what no loss tells apart stays alike."""
    generator = torch.Generator().manual_seed(seed)
    extent = np.linalg.norm(np.ptp(positions, axis=0)) or 1.0
    waves = torch.randn(3, DIM, generator=generator) * frequency
    phases = torch.rand(DIM, generator=generator) * 2 * torch.pi
    centred = torch.from_numpy(((positions - positions.mean(0)) / extent).astype(np.float32))
    return torch.sin(centred @ waves + phases)
