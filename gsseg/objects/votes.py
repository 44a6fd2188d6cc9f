"""How single Gaussians choose among objects: candidates, their likelihoods, and neighbours that are heard.

One round of `gsseg.objects.assignment`, compiled for the processor; the same on tensors is
`gsseg.objects.votes_on_device`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.features.evidence import MaskEvidence
from gsseg.objects.mean_field import NOBODY, mean_field, neighbour_weights
from gsseg.threads import run_all, spans
from gsseg.validation import check_real, check_whole

CANDIDATES = 8
"""Most candidates of a Gaussian: memory stays linear in the Gaussians."""

SMALLEST_OWNER = 1e-3
"""Share in the pixels of a Gaussian that is known by its tails alone below which an owner counts as that share."""


@dataclass(frozen=True)
class AssignmentConfig:
    """How single Gaussians find their object."""

    rounds: int = 2
    """Times that the looks of objects are counted anew and every Gaussian is reassigned."""
    sweeps: int = 5
    """Times in each round that neighbours are heard."""
    neighbours: int = 12
    """Neighbours that are heard; 0 lets every Gaussian decide alone between its own object and the background."""
    smoothing: float = 16.0
    """Log-odds that neighbours add which are all of one object, of the Gaussian's own colour and seen like most."""
    kept: float = 1.0
    """Log-odds for the object that the group of the Gaussian's atom became."""
    half_seen: float = 0.2
    """Weight of a Gaussian in the pixel under its centre at which the view's word on it counts half."""
    mistake: float = 0.15
    """Probability that a Gaussian shows a label by mistake, whatever its object."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_whole(self, "rounds", "sweeps", "neighbours", least=0)
        check_real(self, "smoothing", "kept", least=0)
        check_real(self, "half_seen", above=0)
        check_real(self, "mistake", above=0, below=1)


class Votes(Protocol):
    """What an assignment asks, again in each round, of the evidence of single Gaussians."""

    def main_owners(
        self, owners: Float32[ndarray, "rows objects"], lost: Int64[ndarray, " lost"]
    ) -> Int64[ndarray, " lost"]:
        """Object that owns most of what each of some Gaussians lies on; `NOBODY` where no object owns any of it."""
        ...

    def chosen(
        self,
        likely: Int64[ndarray, " gaussians"],
        group: Int64[ndarray, " gaussians"],
        current: Int64[ndarray, " gaussians"],
        looks: Float32[ndarray, "rows classes"],
        owners: Float32[ndarray, "rows classes"],
    ) -> Int64[ndarray, " gaussians"]:
        """Class of each Gaussian, once its neighbours were heard. The last of the classes is the background.

        ``likely``: a candidate of each; ``group``: the object of its atom; ``current``: its present one, which its
        neighbours take for a candidate too; -1 for none.
        """
        ...


class CompiledVotes:
    """`Votes` on the processor."""

    def __init__(
        self,
        evidence: MaskEvidence,
        near: Int64[ndarray, "gaussians neighbours"],
        colors: Float32[ndarray, "gaussians 3"],
        config: AssignmentConfig,
    ) -> None:
        by_gaussian = evidence.matrix.tocsc()
        self._columns = (by_gaussian.indptr.astype(np.int64), by_gaussian.indices.astype(np.int32), by_gaussian.data)
        self._central, self._near, self._config = evidence.central, near, config
        self._weights = config.smoothing * neighbour_weights(evidence.visibility, near, colors)

    def main_owners(
        self, owners: Float32[ndarray, "rows objects"], lost: Int64[ndarray, " lost"]
    ) -> Int64[ndarray, " lost"]:
        """As `Votes` says."""
        return _main_owners(*self._columns, owners, lost)

    def chosen(
        self,
        likely: Int64[ndarray, " gaussians"],
        group: Int64[ndarray, " gaussians"],
        current: Int64[ndarray, " gaussians"],
        looks: Float32[ndarray, "rows classes"],
        owners: Float32[ndarray, "rows classes"],
    ) -> Int64[ndarray, " gaussians"]:
        """As `Votes` says."""
        config = self._config
        candidates = _candidates_of(likely, current, self._near, looks.shape[1] - 1)
        likelihood = np.empty(candidates.shape, np.float32)
        run_all(
            [
                lambda a=a, b=b: _likelihood(
                    *self._columns, self._central, looks, owners, group, config.half_seen, config.kept, candidates,
                    likelihood, a, b,
                )
                for a, b in spans(len(likely))
            ]
        )  # fmt: skip
        chance = mean_field(candidates, likelihood, self._near, self._weights, config.sweeps)
        return np.take_along_axis(candidates, chance.argmax(axis=1)[:, None], axis=1)[:, 0].astype(np.int64)


def _candidates_of(
    group: Int64[ndarray, " gaussians"],
    current: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    background: int,
) -> Int32[ndarray, "gaussians candidates"]:
    """Background, the object of each Gaussian's group, its present one, and those of its neighbours, nearest first."""
    out = np.full((len(group), CANDIDATES), NOBODY, np.int32)
    run_all([lambda a=a, b=b: _candidates(group, current, near, background, out, a, b) for a, b in spans(len(group))])
    return out


def _main_owners(indptr, rows, values, owners, lost: Int64[ndarray, " lost"]) -> Int64[ndarray, " lost"]:
    """Object that owns most of what each of some Gaussians lies on; `NOBODY` where no object owns any of it."""
    out = np.full(len(lost), NOBODY)
    if owners.shape[1]:
        owners = np.ascontiguousarray(owners)
        run_all([lambda a=a, b=b: _owner(indptr, rows, values, owners, lost, out, a, b) for a, b in spans(len(lost))])
    return out


@njit(nogil=True, cache=True)
def _owner(indptr, rows, values, owners, lost, out, start, stop):
    share = np.empty(owners.shape[1], np.float64)
    for i in range(start, stop):
        share[:] = 0.0
        for entry in range(indptr[lost[i]], indptr[lost[i] + 1]):
            for o in range(owners.shape[1]):
                share[o] += values[entry] * owners[rows[entry], o]
        if share.max() > 0.0:
            out[i] = share.argmax()


@njit(nogil=True, cache=True)
def _candidates(group, current, near, background, candidates, start, stop):
    for i in range(start, stop):
        candidates[i, 0] = background
        count = 1
        for k in range(near.shape[1] + 2):
            o = group[i] if k == 0 else current[i] if k == 1 else current[near[i, k - 2]]
            known = o < 0
            for c in range(count):
                known |= candidates[i, c] == o
            if not known:
                candidates[i, count] = o
                count += 1
                if count == candidates.shape[1]:
                    break


@njit(nogil=True, cache=True)
def _likelihood(
    indptr, rows, values, central, looks, owners, group, half_seen, kept, candidates, likelihood, start, stop
):
    """Log-likelihood of each candidate, up to a constant of the Gaussian.

    A Gaussian known by its tails alone lies across many pixels, which are no independent looks at one thing: its
    candidates are as likely as they own those pixels.
    """
    for i in range(start, stop):
        weight_of_all = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            weight_of_all += values[entry]
        for c in range(candidates.shape[1]):
            o = candidates[i, c]
            total = 0.0
            if o >= 0 and central[i]:
                for entry in range(indptr[i], indptr[i + 1]):
                    total += values[entry] / (values[entry] + half_seen) * looks[rows[entry], o]
            elif o >= 0 and weight_of_all > 0.0:
                for entry in range(indptr[i], indptr[i + 1]):
                    total += values[entry] * owners[rows[entry], o]
                total = np.log(max(total / weight_of_all, SMALLEST_OWNER))
            if o >= 0 and o == group[i]:
                total += kept
            likelihood[i, c] = total
