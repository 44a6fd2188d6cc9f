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

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.features.evidence import MaskEvidence
from gsseg.objects.mean_field import NOBODY
from gsseg.objects.profiles import group_mass
from gsseg.objects.votes import AssignmentConfig, CompiledVotes, Votes
from gsseg.objects.votes_on_device import VotesOnDevice


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
    total = np.asarray(evidence.matrix.sum(axis=0)).reshape(-1)
    open_air = np.asarray(evidence.matrix[unmasked].sum(axis=0)).reshape(-1)
    current = np.where((total > 0) & (open_air > total * BACKGROUND_SHARE), background, objects)
    votes: Votes
    if evidence.tensors is None:
        votes = CompiledVotes(evidence, near, colors, config)
    else:
        votes = VotesOnDevice(evidence.tensors, near, colors, config)
    for _ in range(config.rounds):
        # An object that has lost all its Gaussians looks like the average of everything, which must not bring it back.
        held = np.zeros(background + 1, bool)
        held[current[current >= 0]] = True
        group = np.where((objects >= 0) & held[objects], objects, NOBODY)
        looks, owners = _looks(evidence, current, background + 1, config.mistake)
        # The neighbours of a Gaussian without a group often have none either: its own pixels say what it might be.
        lost = np.flatnonzero((group < 0) & (current < 0))
        likely = group.copy()
        likely[lost] = votes.main_owners(owners[:, :background], lost)
        chosen = votes.chosen(likely, group, current, looks, owners)
        current = np.where(evidence.visibility > 0, chosen, NOBODY).astype(np.int64)
    return np.where(current == background, NOBODY, current)


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
