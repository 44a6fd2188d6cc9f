"""Every Gaussian to one object: objects are hidden classes, the masks of each view are what they were seen as.

Model (latent class analysis, fitted by hard EM). In view v a Gaussian of object o shows label l with probability
theta_v(l | o), whatever mask is behind it: a split object spreads over two labels, merged neighbours share one,
a missed object shows "unmasked". theta is counted from the present assignment, and a Gaussian's log-posterior adds
up over the views that see it. A class of its own, *background*, holds what no view masks, so that an unmasked
shelf is not swallowed by the cup in front of it.

One Gaussian's evidence is thin, and near borders wrong; its neighbours of like colour vote with it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.features.evidence import MaskEvidence
from gsseg.objects.profiles import group_mass
from gsseg.threads import run_all, spans
from gsseg.validation import check_real, check_whole

CANDIDATES = 4
"""Most likely objects kept for each Gaussian while neighbours vote: memory stays linear in the Gaussians."""


@dataclass(frozen=True)
class AssignmentConfig:
    """How single Gaussians find their object."""

    rounds: int = 2
    """EM rounds; each counts the objects' looks anew and reassigns every Gaussian."""
    neighbours: int = 12
    """Neighbours that vote with each Gaussian; 0 lets every Gaussian decide alone."""
    own_vote: float = 3.0
    """Vote of the Gaussian itself, against 1 for a neighbour equally visible and of the same colour."""
    color_scale: float = 2.0
    """Squared colour difference, in medians over all neighbour pairs, at which a vote falls to 1/e."""
    half_seen: float = 0.2
    """Weight of a Gaussian in the pixel under its centre at which the view's word on it counts half."""
    mistake: float = 0.15
    """Probability that a Gaussian shows a label by mistake, whatever its object."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_whole(self, "rounds", "neighbours", least=0)
        check_real(self, "own_vote", "color_scale", "half_seen", above=0)
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
    count = int(objects.max()) + 1
    background = count
    unmasked = evidence.row_label == 0
    by_gaussian = evidence.matrix.tocsc()
    total = np.asarray(evidence.matrix.sum(axis=0)).reshape(-1)
    open_air = np.asarray(evidence.matrix[unmasked].sum(axis=0)).reshape(-1)
    current = np.where((total > 0) & (open_air > total * BACKGROUND_SHARE), background, objects)
    votes = _vote_weights(evidence.visibility, near, colors, config)
    columns = (by_gaussian.indptr.astype(np.int64), by_gaussian.indices.astype(np.int32), by_gaussian.data)
    for _ in range(config.rounds):
        looks, owners = _looks(evidence, current, count + 1, config.mistake)
        likely = np.empty((len(objects), CANDIDATES), np.int32)
        chance = np.empty((len(objects), CANDIDATES), np.float32)
        run_all(
            [
                lambda a=a, b=b, looks=looks, owners=owners, likely=likely, chance=chance: _posterior(
                    *columns, evidence.central, looks, owners, np.float32(config.half_seen), likely, chance, a, b
                )
                for a, b in spans(len(objects))
            ]
        )
        chosen = np.empty(len(objects), np.int64)
        run_all(
            [
                lambda a=a, b=b, likely=likely, chance=chance, chosen=chosen: _elect(
                    near, votes, likely, chance, count + 1, chosen, a, b
                )
                for a, b in spans(len(objects))
            ]
        )
        current = np.where(evidence.visibility > 0, chosen, -1)
    return np.where(current == background, -1, current)


BACKGROUND_SHARE = 2.0 / 3.0
"""A Gaussian that starts with more than this share of its light unmasked starts as background."""

A_TRIFLE = 1e-3
"""What an object that holds no Gaussian is behind in log-likelihood, in every view."""


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


def _vote_weights(
    visibility: Float32[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    colors: Float32[ndarray, "gaussians 3"],
    config: AssignmentConfig,
) -> Float32[ndarray, "gaussians voters"]:
    """Weight of a Gaussian's own vote (first column) and of each neighbour's."""
    strength = np.sqrt(visibility)
    votes = np.empty((len(near), near.shape[1] + 1), np.float32)
    votes[:, 0] = config.own_vote * strength
    if not near.shape[1]:
        return votes
    for k in range(near.shape[1]):
        votes[:, k + 1] = np.square(colors[near[:, k]] - colors).sum(axis=1)
    scale = float(np.median(votes[visibility > 0, 1:])) if (visibility > 0).any() else 0.0
    difference = votes[:, 1:] / max(config.color_scale * scale, 1e-12)
    votes[:, 1:] = strength[near] * np.exp(-difference)
    return votes


@njit(nogil=True, cache=True)
def _posterior(indptr, rows, values, central, looks, owners, half_seen, likely, chance, start, stop):
    """The most likely classes of each Gaussian and their probabilities; chance 0 where nothing is known.

    A Gaussian known by its tails alone lies across many pixels, which are no independent looks at one thing: its
    classes are the mean owners of those pixels.
    """
    classes = looks.shape[1]
    score = np.empty(classes, np.float32)
    for i in range(start, stop):
        likely[i] = 0
        chance[i] = 0.0
        if indptr[i] == indptr[i + 1]:
            continue
        score[:] = 0.0
        if central[i]:
            _log_likelihood(indptr[i], indptr[i + 1], rows, values, looks, half_seen, score)
            top = score.max()
            for o in range(classes):
                score[o] = np.exp(score[o] - top)
        else:
            for entry in range(indptr[i], indptr[i + 1]):
                for o in range(classes):
                    score[o] += values[entry] * owners[rows[entry], o]
        total = score.sum()
        if not total > 0.0:  # seen by tails alone, and nobody owns the pixels they lie on: nothing is known
            continue
        for k in range(min(likely.shape[1], classes)):
            o = score.argmax()
            likely[i, k] = o
            chance[i, k] = score[o] / total
            score[o] = -1.0


@njit(nogil=True, cache=True)
def _log_likelihood(start, stop, rows, values, looks, half_seen, score):
    """Adds up, in place, what each view that sees the Gaussian's centre says of every class."""
    for entry in range(start, stop):
        weight = values[entry] / (values[entry] + half_seen)
        for o in range(len(score)):
            score[o] += weight * looks[rows[entry], o]


@njit(nogil=True, cache=True)
def _elect(near, votes, likely, chance, classes, chosen, start, stop):
    """The class with most votes among a Gaussian and its neighbours; -1 where nobody knows anything."""
    tally = np.zeros(classes, np.float32)
    for i in range(start, stop):
        for voter in range(near.shape[1] + 1):
            j = i if voter == 0 else near[i, voter - 1]
            for k in range(likely.shape[1]):
                tally[likely[j, k]] += votes[i, voter] * chance[j, k]
        best = tally.argmax()
        chosen[i] = best if tally[best] > 0 else -1
        tally[:] = 0.0
