"""Codes into objects: merge the two groups with the strongest evidence, look again, stop when none is left.

Greedy additive clustering on log-odds (in the manner of greedy edge contraction for correlation clustering,
Keuper et al. 2015), with the evidence of a merged group recomputed from its joint profile, so that each view
speaks once about a pair however many codes they consist of. It stops by itself where every remaining pair is
more likely two objects than one: the number of objects comes from the data.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from gsseg.objects.agreement import GroupEvidence, Odds
from gsseg.objects.profiles import Profiles


@dataclass(frozen=True)
class GroupingConfig:
    """When two groups are one object."""

    apart: float = 4.0
    """Log-odds against one object for groups that do not touch: parts of one thing mostly hang together."""
    rounds: int = 2
    """Times the odds of agreement are estimated anew from the grouping, which is then repeated."""


def group_codes(
    profiles: Profiles, touch: Bool[ndarray, "groups groups"], config: GroupingConfig
) -> tuple[Int64[ndarray, " groups"], Odds]:
    """Object of every group (numbered from 0; -1 for groups without mass), and the odds that decided."""
    odds = Odds()
    labels = merge_greedily(profiles, touch, odds, config.apart)
    for _ in range(config.rounds):
        estimated = estimate_odds(profiles, touch, labels)
        if estimated == odds:
            break
        odds = estimated
        labels = merge_greedily(profiles, touch, odds, config.apart)
    return labels, odds


def merge_greedily(
    profiles: Profiles, touch: Bool[ndarray, "groups groups"], odds: Odds, apart: float
) -> Int64[ndarray, " groups"]:
    """Merges the pair of highest evidence until none is positive; ties go to the lowest pair of groups."""
    groups = GroupEvidence(profiles)
    alive = profiles.mass.sum(axis=1) > 0
    touch = touch | touch.T
    owner = np.where(alive, np.arange(len(alive)), -1)
    score = np.full(touch.shape, -np.inf, np.float32)
    rows = np.flatnonzero(alive)
    for i in rows:
        score[i, rows] = groups.log_odds(i, rows, odds) - apart * ~touch[i, rows]
        score[i, i] = -np.inf
    best = score.max(axis=1)
    while True:
        i = int(best.argmax())
        if not best[i] > 0:
            break
        j = int(score[i].argmax())
        groups.merge(i, j)
        owner[owner == j] = i
        alive[j] = False
        touch[i] |= touch[j]
        touch[:, i] |= touch[:, j]
        score[j] = score[:, j] = best[j] = -np.inf
        rows = np.flatnonzero(alive)
        rows = rows[rows != i]
        score[i] = -np.inf
        score[i, rows] = score[rows, i] = groups.log_odds(i, rows, odds) - apart * ~touch[i, rows]
        best = score.max(axis=1)
    return _renumbered(owner)


def estimate_odds(profiles: Profiles, touch: Bool[ndarray, "groups groups"], labels: Int64[ndarray, " groups"]) -> Odds:
    """The odds as this grouping shows them: mean agreement of touching groups inside objects and across them.

    Bounded away from 0 and 1 so that no single view decides, and smoothed by ten views of the default odds.
    """
    groups = GroupEvidence(profiles)
    default = Odds()
    sums = {True: [default.same * 10.0, 10.0], False: [default.different * 10.0, 10.0]}
    for i in np.flatnonzero(labels >= 0):
        others = np.flatnonzero(touch[i] & (labels >= 0))
        others = others[others > i]
        if not len(others):
            continue
        agreement, weight = groups.agreement(i, others)
        for same in (True, False):
            pairs = (labels[others] == labels[i]) == same
            sums[same][0] += float((agreement * weight)[pairs].sum())
            sums[same][1] += float(weight[pairs].sum())
    same, different = (sums[key][0] / sums[key][1] for key in (True, False))
    return Odds(round(min(max(same, 0.6), 0.97), 3), round(min(max(different, 0.03), 0.4), 3))


def _renumbered(owner: Int64[ndarray, " groups"]) -> Int64[ndarray, " groups"]:
    kept = np.unique(owner[owner >= 0])
    return np.where(owner >= 0, np.searchsorted(kept, owner), -1)
