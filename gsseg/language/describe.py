"""What an object looks like from all sides: a few vectors where its views disagree, and none of what is a mistake.

A cupboard open on one side is another thing to CLIP than its back; the mean of both is near to neither. And a mask that
took the neighbour says nothing of the object. So the sightings of an object are grouped by how alike they are, and each
group that holds enough of them becomes a *descriptor*, its weighted mean direction. Related: LaGa (Cen et al. 2025),
which clusters an object's view-dependent semantics.

How alike "alike" is depends on the model and the photos, and the scene itself tells it: sightings of different objects
have one typical cosine, agreeing sightings of one object another, and the border is halfway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from numpy import ndarray
from scipy.cluster.hierarchy import fcluster, linkage

MOST = 3
"""Descriptors of an object."""

LEAST_SHARE = 0.15
"""Share of an object's sightings, by weight, that a further descriptor stands for; fewer are taken for mistakes.
docs/language.md has what other values give."""

LEAST_VIEWS = 2
"""Sightings that a further descriptor stands for."""

MOST_SIGHTINGS = 400
"""Of an object; of more, those of the greatest weight: grouping compares all pairs."""

AGREEING = 0.75
"""Quantile of the cosines within objects that stands for sightings that agree, mistakes and other sides left out."""

PAIRS = 20_000
"""Pairs of sightings, drawn once, that the typical cosines are taken from."""

Sighting = tuple[Int64[ndarray, " _"], Float32[ndarray, "_ _dim"], Float[ndarray, " _"]]
"""Objects, their vectors and weights in one view."""


@dataclass(frozen=True, eq=False)
class ObjectDescriptors:
    """The descriptors of objects: one, where views disagree several, and a row of NaN for who has none."""

    vectors: Float32[ndarray, "descriptors dim"]
    """Unit vectors; NaN: the object has none. What `gsseg.compressed.language.encode_language` takes."""
    objects: Int64[ndarray, " descriptors"]
    """Object of each row, ascending; of one object the one of most sightings first."""
    views: Int64[ndarray, " descriptors"]
    """How many views, or crops of them, each comes from."""


def describe_objects(
    objects: int, sightings: Sequence[Sighting], most: int = MOST, least_share: float = LEAST_SHARE
) -> ObjectDescriptors:
    """Descriptors of the objects 0..objects-1 from what views show of them; weights are greater than 0.

    With ``most`` = 1 every object has the mean direction of its largest group. ValueError without a sighting, not even
    an empty one, because then the dimension is not known.
    """
    if not sightings:
        raise ValueError("no view was looked at")
    owners = np.concatenate([rows for rows, _, _ in sightings])
    vectors = np.concatenate([each.astype(np.float64) for _, each, _ in sightings])
    weights = np.concatenate([each.astype(np.float64) for _, _, each in sightings])
    order = np.argsort(owners, kind="stable")
    owners, vectors, weights = owners[order], vectors[order], weights[order]
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    border = least_alike(owners, directions)
    bounds = np.searchsorted(owners, np.arange(objects + 1))
    found: list[tuple[int, Float64[ndarray, " dim"], int]] = []
    for item, (start, end) in enumerate(pairwise(bounds)):
        own = np.arange(start, end)
        own = np.sort(own[np.argsort(-weights[own], kind="stable")[:MOST_SIGHTINGS]])
        groups = _groups(directions[own], weights[own], border, most, least_share)
        means = [(weights[own[group]] @ vectors[own[group]], len(group)) for group in groups]
        known = [(item, mean / np.linalg.norm(mean), views) for mean, views in means if np.linalg.norm(mean) > 1e-12]
        found += known or [(item, np.full(vectors.shape[1], np.nan), 0)]
    return ObjectDescriptors(
        np.array([vector for _, vector, _ in found], np.float32).reshape(-1, vectors.shape[1]),
        np.array([item for item, _, _ in found], np.int64),
        np.array([views for _, _, views in found], np.int64),
    )


def least_alike(owners: Int64[ndarray, " sightings"], vectors: Float64[ndarray, "sightings dim"]) -> float:
    """The cosine from which on two sightings are of one kind: halfway between those of different objects (the median)
    and those of one object (`AGREEING`). -1, all are alike, where the scene does not tell: no object is seen twice, or
    there is one alone.

    ``owners`` ascend.
    """
    if len(owners) < 2:
        return -1.0
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(owners), (2, PAIRS))
    other = owners[first] != owners[second]
    # Few of all pairs are of one object, so those are drawn among what lies together.
    counts, starts = np.bincount(owners), np.searchsorted(owners, np.arange(int(owners.max()) + 1))
    one = rng.integers(0, len(owners), PAIRS)
    two = starts[owners[one]] + rng.integers(0, counts[owners[one]])
    own = one != two
    if not other.any() or not own.any():
        return -1.0
    between = np.median(_cosines(vectors, first[other], second[other]))
    within = np.quantile(_cosines(vectors, one[own], two[own]), AGREEING)
    return float((between + within) / 2) if within > between else -1.0


def _cosines(vectors: Float64[ndarray, "sightings dim"], one: ndarray, two: ndarray) -> Float64[ndarray, " pairs"]:
    return np.concatenate(
        [(vectors[one[k : k + 2048]] * vectors[two[k : k + 2048]]).sum(1) for k in range(0, len(one), 2048)]
    )


def _groups(
    vectors: Float64[ndarray, "sightings dim"],
    weights: Float64[ndarray, " sightings"],
    border: float,
    most: int,
    least_share: float,
) -> list[Int64[ndarray, " group"]]:
    """Rows of each group that is kept, the heaviest first: groups whose mean cosine to one another is below ``border``
    (average linkage)."""
    if not len(vectors):
        return []
    if len(vectors) == 1:
        return [np.zeros(1, np.int64)]
    tree = linkage(np.maximum(1 - (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)], 0), "average")
    labels = fcluster(tree, 1 - border + 1e-6, "distance")  # the rounding of what is opposite
    heaviest = sorted(np.unique(labels), key=lambda each: -weights[labels == each].sum())
    kept = [np.flatnonzero(labels == each) for each in heaviest[:most]]
    least = least_share * weights.sum()
    return kept[:1] + [rows for rows in kept[1:] if len(rows) >= LEAST_VIEWS and weights[rows].sum() >= least]
