"""Every Gaussian to one object: objects are hidden classes, the masks of each view are what they were seen as.

*Look of an object* (latent class analysis). In view v a Gaussian of object o shows label l with probability
theta_v(l | o), whatever mask is behind it: a split object spreads over two labels, merged neighbours share one,
a missed object shows "unmasked". theta is counted from the present assignment, and a Gaussian's log-likelihood adds
up over the views that see it. A class of its own, *background*, holds what no view masks, so that an unmasked
shelf is not swallowed by the cup in front of it.

One Gaussian's evidence is thin, and near borders wrong: `kept` is added for the group of its atom, and its neighbours
are heard (`gsseg.objects.mean_field`). Only objects that it or a neighbour belongs to are candidates: a far object that
a view hardly sees has the view's average look there, and would be a cheap way out. A Gaussian of no group
may also join the object that owns most of the pixels it lies on.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.features.evidence import MaskEvidence
from gsseg.objects.mean_field import NOBODY, mean_field, neighbour_weights
from gsseg.objects.profiles import group_mass
from gsseg.threads import run_all, spans
from gsseg.validation import check_real, check_whole

CANDIDATES = 8
"""Most candidates of a Gaussian: memory stays linear in the Gaussians."""


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


def assign(
    evidence: MaskEvidence,
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    colors: Float32[ndarray, "gaussians 3"],
    config: AssignmentConfig,
) -> Int64[ndarray, " gaussians"]:
    """Object of every visible Gaussian, -1 for background and for Gaussians that no view sees.

    ``objects``: the start, -1 where unknown. Object numbers keep their meaning; some may end up empty.
    """
    background = int(objects.max()) + 1
    unmasked = evidence.row_label == 0
    by_gaussian = evidence.matrix.tocsc()
    total = np.asarray(evidence.matrix.sum(axis=0)).reshape(-1)
    open_air = np.asarray(evidence.matrix[unmasked].sum(axis=0)).reshape(-1)
    current = np.where((total > 0) & (open_air > total * BACKGROUND_SHARE), background, objects)
    weights = neighbour_weights(evidence.visibility, near, colors)
    columns = (by_gaussian.indptr.astype(np.int64), by_gaussian.indices.astype(np.int32), by_gaussian.data)
    for _ in range(config.rounds):
        # An object that has lost all its Gaussians looks like the average of everything, which must not bring it back.
        held = np.zeros(background + 1, bool)
        held[current[current >= 0]] = True
        group = np.where((objects >= 0) & held[objects], objects, NOBODY)
        looks, owners = _looks(evidence, current, background + 1, config.mistake)
        # The neighbours of a Gaussian without a group often have none either: its own pixels say what it might be.
        lost = np.flatnonzero((group < 0) & (current < 0))
        likely = group.copy()
        likely[lost] = _main_owners(*columns, owners[:, :background], lost)
        candidates = _candidates_of(likely, current, near, background)
        likelihood = np.empty(candidates.shape, np.float32)
        run_all(
            [
                lambda a=a, b=b, tables=(looks, owners, group), candidates=candidates, out=likelihood: _likelihood(
                    *columns, evidence.central, *tables, config.half_seen, config.kept, candidates, out, a, b
                )
                for a, b in spans(len(objects))
            ]
        )
        chance = mean_field(candidates, likelihood, near, config.smoothing * weights, config.sweeps)
        chosen = np.take_along_axis(candidates, chance.argmax(axis=1)[:, None], axis=1)[:, 0]
        current = np.where(evidence.visibility > 0, chosen, NOBODY).astype(np.int64)
    return np.where(current == background, NOBODY, current)


BACKGROUND_SHARE = 2.0 / 3.0
"""A Gaussian that starts with more than this share of its light unmasked starts as background."""

A_TRIFLE = 1e-3
"""What an object that holds no Gaussian is behind in log-likelihood, in every view."""

SMALLEST_OWNER = 1e-3
"""Share in the pixels of a Gaussian that is known by its tails alone below which an owner counts as that share."""


def _looks(
    evidence: MaskEvidence, current: Int64[ndarray, " gaussians"], classes: int, mistake: float
) -> tuple[Float32[ndarray, "rows classes"], Float32[ndarray, "rows classes"]]:
    """log theta_v(l | o) for every row (v, l), and the converse, the share of each object in what shows l.

    An object that a view hardly sees takes the view's average look. One without any Gaussian has that look in every
    view, and yields where another is as likely: where all is background, background *is* the average.
    """
    mass = group_mass(evidence, current, classes).astype(np.float64)
    first = evidence.first_row[:-1]
    rows_of_view = np.diff(evidence.first_row)
    whole = np.repeat(np.add.reduceat(mass, first, axis=1), rows_of_view, axis=1)
    everything = mass.sum(axis=0)
    average = everything / np.maximum(np.repeat(np.add.reduceat(everything, first), rows_of_view), 1e-12)
    theta = (mass + average) / (whole + 1.0)
    looks = np.log((1.0 - mistake) * theta + mistake / np.repeat(rows_of_view, rows_of_view))
    looks[~mass.any(axis=1)] -= A_TRIFLE
    owners = mass / np.maximum(everything, 1e-12)
    return np.ascontiguousarray(looks.T, np.float32), np.ascontiguousarray(owners.T, np.float32)


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
