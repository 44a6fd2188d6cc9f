"""Atoms into objects: merge the two groups with the strongest evidence, look again, stop when none is left.

Greedy additive clustering on log-odds (in the manner of greedy edge contraction for correlation clustering,
Keuper et al. 2015), with the evidence of a merged group recomputed from its joint profile, so that each view
speaks once about a pair however many atoms they consist of. It stops by itself where every remaining pair is
more likely two objects than one: the number of objects comes from the data.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from gsseg.objects.agreement import GroupEvidence, Odds, PairWords
from gsseg.validation import check_real


@dataclass(frozen=True)
class GroupingConfig:
    """When two groups are one object."""

    apart: float = 8.0
    """Log-odds against one object for groups that do not touch: parts of one thing mostly hang together."""
    odds: Odds = field(default_factory=Odds)
    """How much a view says."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "apart", least=0)


Facts = TypeVar("Facts", covariant=True)


@runtime_checkable
class Mergeable(Protocol[Facts]):
    """Groups that are being merged, and what is known of pairs of them."""

    def merge(self, keep: int, gone: int) -> None:
        """Group ``keep`` takes over group ``gone``."""
        ...

    def compare(self, one: Int64[ndarray, " pairs"], other: Int64[ndarray, " pairs"]) -> Facts:
        """What is known of the two groups of each pair."""
        ...


def group_atoms(
    evidence: GroupEvidence, touch: Bool[ndarray, "groups groups"], config: GroupingConfig
) -> Int64[ndarray, " groups"]:
    """Object of every group, numbered from 0; -1 for groups that no mask shows.

    Merges the pair of highest evidence until none is positive; ties go to the lowest pair of groups. Groups that
    touch go first, so that thousands of atoms are compared with their neighbours alone; what is left, some hundred
    groups, is then compared with everything, at the price of ``config.apart``.
    """
    shown = np.flatnonzero(evidence.mass.sum(axis=1) > 0)
    touch = (touch | touch.T)[np.ix_(shown, shown)]
    parts = evidence.taken(shown)

    def judge(words: PairWords) -> Float64[ndarray, " pairs"]:
        return words.log_odds(config.odds)

    of_part = merge_best_pairs(evidence.taken(shown), touch, np.zeros(touch.shape, np.float32), judge)
    wholes = parts.joined(of_part)
    contact = np.zeros((len(wholes.mass), len(wholes.mass)), bool)
    a, b = np.nonzero(touch)
    contact[of_part[a], of_part[b]] = True
    price = np.where(contact, 0.0, config.apart).astype(np.float32)
    of_whole = merge_best_pairs(wholes, np.ones_like(contact), price, judge)
    out = np.full(len(evidence.mass), -1)
    out[shown] = of_whole[of_part]
    return out


def merge_best_pairs(
    groups: Mergeable[Facts],
    link: Bool[ndarray, "groups groups"],
    price: Float32[ndarray, "groups groups"],
    judge: Callable[[Facts], Float64[ndarray, " pairs"]],
) -> Int64[ndarray, " groups"]:
    """Merges linked groups, best pair first, while what ``judge`` makes of it exceeds the price of the pair.

    A merged group is linked with whatever one of its halves was linked with, at the lower price of the two. Returns the
    new number of every group, from 0; ``groups`` are merged in place.
    """
    link, price = link.copy(), price.copy()
    np.fill_diagonal(link, False)
    owner = np.arange(len(link))
    score = np.full(link.shape, -np.inf, np.float32)
    one, other = np.nonzero(np.triu(link))
    score[one, other] = score[other, one] = judge(groups.compare(one, other)) - price[one, other]
    best = score.max(axis=1, initial=-np.inf)
    while best.max(initial=-np.inf) > 0:
        i = int(best.argmax())
        j = int(score[i].argmax())
        groups.merge(i, j)
        owner[owner == j] = i
        near = link[i] | link[j]
        near[[i, j]] = False
        price[i] = price[:, i] = np.minimum(price[i], price[j])
        link[j] = link[:, j] = False
        link[i] = link[:, i] = near
        score[[i, j]] = -np.inf
        score[:, [i, j]] = -np.inf
        others = np.flatnonzero(near)
        again = judge(groups.compare(np.full(len(others), i), others))
        score[i, others] = score[others, i] = again - price[i, others]
        best[j] = -np.inf
        best[i] = score[i].max()
        best[others] = score[others].max(axis=1)
    return np.unique(owner, return_inverse=True)[1].reshape(-1)
