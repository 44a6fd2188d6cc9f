"""Suggestions for splitting an object into two to five parts: what a person is offered who says that it is too much.

*By masks*: the object is cut into small cells of space, and cells merge as codes do in the grouping, best pair first,
but down to two parts whatever the evidence says; the last few steps are the suggestions. Gaussians near the cuts then
take the part that draws the masks they lie on. *By place*: parts that hang apart from each other, if there are any.

Nothing here changes an object. It takes well under a second for an object of a scene with 150 thousand Gaussians.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from scipy.sparse.csgraph import connected_components

from gsseg.features.evidence import MaskEvidence
from gsseg.objects.agreement import GroupEvidence, Odds
from gsseg.objects.confidence import BORDER, border_traits, sigmoid
from gsseg.objects.grouping import GroupingConfig
from gsseg.objects.pair_facts import RIM_NEIGHBOURS, evidence_of_groups, joinable
from gsseg.objects.profiles import group_mass, neighbours
from gsseg.objects.unmasked import speaking

MOST_PARTS = 5
"""More parts than this nobody compares at a glance."""

LEVELS = 6
"""Times that space is halved: 64 cells at most. Finer ones have too little light for views to tell them apart."""

SMALLEST_CELL = 8
"""Gaussians; what is smaller is not halved."""

SMALLEST_PART = 0.02
"""Share of the object's light below which what hangs apart is no part: it joins the largest."""

KEPT = 0.5
"""How much of a mask's whole word it takes to move a Gaussian out of the part of its cell."""


@dataclass(frozen=True, eq=False)
class Suggestion:
    """One way to split an object."""

    kind: Literal["masks", "place"]
    """Whether views tell the parts apart or only their place."""
    part: Int64[ndarray, " rows"]
    """Part of each Gaussian of the object, in the order of ``rows``: 0, 1, ..., the brightest first."""
    two: float
    """Probability that the two parts hardest to tell apart are two things, as for a border between objects."""

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return int(self.part.max()) + 1


def suggest_splits(
    evidence: MaskEvidence, rows: Int64[ndarray, " rows"], means: Float32[ndarray, "gaussians 3"]
) -> list[Suggestion]:
    """Ways to split the Gaussians ``rows`` of an object, the likeliest first; none where there is nothing to cut.

    ``evidence`` and ``means`` are of the whole scene.
    """
    if len(rows) < 2:
        return []
    own = replace(
        evidence, matrix=sp.csr_array(evidence.matrix[:, rows]), central=evidence.central[rows],
        visibility=evidence.visibility[rows],
    )  # fmt: skip
    near = neighbours(means[rows], RIM_NEIGHBOURS)
    found = [_judged("masks", own, near, means[rows], part) for part in by_masks(own, near, means[rows])]
    apart = by_place(own, near)
    if apart.max() > 0:
        found.append(_judged("place", own, near, means[rows], apart))
    return sorted(found, key=lambda each: (-each.two, each.parts))


def by_masks(
    own: MaskEvidence, near: Int64[ndarray, "rows neighbours"], means: Float32[ndarray, "rows 3"]
) -> list[Int64[ndarray, " rows"]]:
    """Partitions into 2, 3, ... `MOST_PARTS` parts, each Gaussian's part."""
    cell = cells_of(means)
    count = int(cell.max()) + 1
    said, link = evidence_of_groups(own, speaking(own, near), cell, near, count)
    steps = _merged_down(said, link | link.T, 2, min(MOST_PARTS, count))
    partitions = [(int(label.max()) + 1, _mended(own, label[cell])) for label in steps]
    return [part for parts, part in partitions if len(np.unique(part)) == parts > 1]


def cells_of(means: Float32[ndarray, "rows 3"]) -> Int64[ndarray, " rows"]:
    """Cells of space with about as many Gaussians each: halved at the median of the longest side, `LEVELS` times."""
    cell = np.zeros(len(means), np.int64)
    for _ in range(LEVELS):
        for k in range(int(cell.max()) + 1):
            mine = np.flatnonzero(cell == k)
            if len(mine) < 2 * SMALLEST_CELL:
                continue
            along = means[mine, np.ptp(means[mine], axis=0).argmax()]
            upper = mine[along > np.median(along)]
            cell[upper] = cell.max() + 1 if len(upper) else k
    return cell


def by_place(own: MaskEvidence, near: Int64[ndarray, "rows neighbours"]) -> Int64[ndarray, " rows"]:
    """Parts that hang apart: chains of Gaussians that are each among the other's neighbours. Specks join the brightest.

    At most `MOST_PARTS`; all 0 where the object hangs together.
    """
    count, width = near.shape
    ends = (np.repeat(np.arange(count), width), near.reshape(-1))
    link = sp.csr_array((np.ones(count * width, np.int8), ends), shape=(count, count))
    parts, part = connected_components(link.multiply(link.T), directed=False)
    light = np.bincount(part, own.visibility + 1e-6, parts)
    order = np.argsort(-light, kind="stable")
    rank = np.zeros(parts, np.int64)
    large = order[:MOST_PARTS][light[order[:MOST_PARTS]] >= SMALLEST_PART * light.sum()]
    rank[large] = np.arange(len(large))
    return rank[part]


def _merged_down(
    said: GroupEvidence, link: Bool[ndarray, "cells cells"], fewest: int, most: int
) -> list[Int64[ndarray, " cells"]]:
    """New number of every cell whenever ``fewest`` to ``most`` groups are left; the best pair merges first."""
    count, odds, apart = len(link), Odds(), GroupingConfig().apart
    owner, alive, found = np.arange(count), np.ones(count, bool), []
    one, other = np.triu_indices(count, 1)
    score = np.full((count, count), -np.inf)
    score[one, other] = said.compare(one, other).log_odds(odds) - np.where(link[one, other], 0.0, apart)
    for left in range(count, fewest - 1, -1):
        if left <= most:
            found.append(np.unique(owner, return_inverse=True)[1].reshape(-1))
        if left == fewest:
            break
        i, j = divmod(int(score.argmax()), count)
        said.merge(i, j)
        owner[owner == j] = i
        alive[j] = False
        link[i] |= link[j]
        link[:, i] |= link[:, j]
        score[j], score[:, j] = -np.inf, -np.inf
        others = np.flatnonzero(alive & (np.arange(count) != i))
        again = said.compare(np.full(len(others), i), others).log_odds(odds) - np.where(link[i, others], 0.0, apart)
        score[np.minimum(i, others), np.maximum(i, others)] = again
    return found


def _mended(own: MaskEvidence, part: Int64[ndarray, " rows"]) -> Int64[ndarray, " rows"]:
    """Cells cut across what masks show: each Gaussian takes the part that draws the masks it lies on."""
    count = int(part.max()) + 1
    mass = group_mass(own, part, count) * (own.row_label > 0)
    share = mass / np.maximum(mass.sum(axis=0), 1e-9)
    word = np.asarray(own.matrix.T @ share.T)
    word /= np.maximum(word.sum(axis=1, keepdims=True), 1e-9)
    word[np.arange(len(part)), part] += KEPT
    return word.argmax(axis=1)


def _judged(
    kind: Literal["masks", "place"],
    own: MaskEvidence,
    near: Int64[ndarray, "rows neighbours"],
    means: Float32[ndarray, "rows 3"],
    part: Int64[ndarray, " rows"],
) -> Suggestion:
    """A partition with its parts numbered by their light, and how sure its weakest border is."""
    numbers, part = np.unique(part, return_inverse=True)
    light = np.bincount(part.reshape(-1), own.visibility + 1e-6, len(numbers))
    rank = np.empty(len(numbers), np.int64)
    rank[np.argsort(-light, kind="stable")] = np.arange(len(numbers))
    part = rank[part.reshape(-1)]
    one, other = np.triu_indices(len(numbers), 1)
    # What is usual in the scene is not known here: the parts are judged as if they were all of it.
    parts, _ = joinable(own, speaking(own, near), part, near, means)
    two = sigmoid(border_traits(parts.compare(one, other), parts.dropping) @ BORDER)
    return Suggestion(kind, part, float(two.min(initial=1.0)))
