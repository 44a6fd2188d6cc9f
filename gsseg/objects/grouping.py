"""Codes into objects: merge the two groups with the strongest evidence, look again, stop when none is left.

Greedy additive clustering on log-odds (in the manner of greedy edge contraction for correlation clustering,
Keuper et al. 2015), with the evidence of a merged group recomputed from its joint profile, so that each view
speaks once about a pair however many codes they consist of. It stops by itself where every remaining pair is
more likely two objects than one: the number of objects comes from the data.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from gsseg.objects.agreement import GroupEvidence, Odds
from gsseg.objects.profiles import Profiles
from gsseg.validation import check_real


@dataclass(frozen=True)
class GroupingConfig:
    """When two groups are one object."""

    apart: float = 4.0
    """Log-odds against one object for groups that do not touch: parts of one thing mostly hang together."""
    odds: Odds = field(default_factory=Odds)
    """How much an agreeing and a disagreeing view say."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "apart", least=0)


def group_codes(
    profiles: Profiles, touch: Bool[ndarray, "groups groups"], config: GroupingConfig
) -> Int64[ndarray, " groups"]:
    """Object of every group, numbered from 0; -1 for groups without mass.

    Merges the pair of highest evidence until none is positive; ties go to the lowest pair of groups. Groups that
    touch go first, so that thousands of codes are compared with their neighbours alone; what is left, some hundred
    groups, is then compared with everything, at the price of ``config.apart``.
    """
    groups = GroupEvidence(profiles)
    odds = config.odds
    owner = np.where(profiles.mass.sum(axis=1) > 0, np.arange(len(profiles.mass)), -1)
    touch = touch | touch.T
    np.fill_diagonal(touch, False)
    _merge_linked(groups, owner, touch.copy(), np.zeros_like(touch, np.float32), odds)
    left = np.unique(owner[owner >= 0])
    link = np.zeros_like(touch)
    link[np.ix_(left, left)] = True
    np.fill_diagonal(link, False)
    price = np.where(_contact(touch, owner), 0.0, config.apart).astype(np.float32)
    _merge_linked(groups, owner, link, price, odds)
    return _renumbered(owner)


def _merge_linked(groups: GroupEvidence, owner, link, price, odds: Odds) -> None:
    """Merges linked groups in place, best pair first, while the evidence exceeds the price of the pair."""
    score = np.full(link.shape, -np.inf, np.float32)
    alive = np.zeros(len(owner), bool)
    alive[owner[owner >= 0]] = True
    link &= alive[:, None] & alive[None, :]

    def compare(i: int) -> None:
        others = np.flatnonzero(link[i])
        score[i] = -np.inf
        if len(others):
            score[i, others] = score[others, i] = groups.log_odds(i, others, odds) - price[i, others]

    for i in np.flatnonzero(alive).tolist():
        compare(i)
    best = score.max(axis=1)
    while best.max(initial=-np.inf) > 0:
        i = int(best.argmax())
        j = int(score[i].argmax())
        groups.merge(i, j)
        owner[owner == j] = i
        near = link[i] | link[j]
        price[i] = price[:, i] = np.minimum(price[i], price[j])
        link[j] = link[:, j] = False
        near[[i, j]] = False
        link[i] = link[:, i] = near
        score[j] = score[:, j] = -np.inf
        compare(i)
        changed = np.flatnonzero(near)
        best[j] = -np.inf
        best[i] = score[i].max()
        best[changed] = score[changed].max(axis=1)


def _contact(touch: Bool[ndarray, "groups groups"], owner: Int64[ndarray, " groups"]) -> Bool[ndarray, "groups groups"]:
    """Which merged groups touch, written at their owners' rows and columns."""
    out = np.zeros_like(touch)
    a, b = np.nonzero(touch & (owner[:, None] >= 0) & (owner[None, :] >= 0))
    out[owner[a], owner[b]] = True
    return out


def _renumbered(owner: Int64[ndarray, " groups"]) -> Int64[ndarray, " groups"]:
    kept = np.unique(owner[owner >= 0])
    return np.where(owner >= 0, np.searchsorted(kept, owner), -1)
