"""Stray Gaussians: the few of an object that hang somewhere else in the scene.

A floater shows the mask behind it and so joins an object it is no part of; one is enough to blow up the object's box
and to leave a speck in every export.
"""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int64
from numpy import ndarray
from scipy.sparse.csgraph import connected_components

from gsseg.segmentation import NO_OBJECT

SMALLEST_PART = 0.05
"""Share of an object's light below which a part that touches nothing else of the object is stray."""


MAJORITY = 0.3
"""Share of a stray's neighbours that must lie in one object for the stray to join it."""

ROUNDS = 3
"""Times strays look at their neighbours, so that a patch of them is taken over from its rim inwards."""

REACH = 1.5
"""How far off, in distances to a Gaussian's farthest neighbour, another that counts it as a neighbour hangs together with
it. At 1 both must be among the other's neighbours, and a surface falls apart where Gaussians get denser."""


def rehome_strays(
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    visibility: Float32[ndarray, " gaussians"],
) -> Int64[ndarray, " gaussians"]:
    """Moves stray parts to the object that most of their neighbours belong to; floaters, which have none, to -1."""
    if not near.shape[1] or objects.max() < 0:
        return objects
    kept = without_strays(objects, near, means, visibility)
    count = int(objects.max()) + 1
    for _ in range(ROUNDS):
        lost = np.flatnonzero((kept < 0) & (objects >= 0))
        around = kept[near[lost]]
        rows, columns = np.nonzero(around >= 0)
        votes = sp.csr_array((np.ones(len(rows)), (rows, around[rows, columns])), shape=(len(lost), count))
        votes.sum_duplicates()
        most = votes.max(axis=1).toarray().reshape(-1)
        winner = np.asarray(votes.argmax(axis=1)).reshape(-1)
        joins = most >= MAJORITY * near.shape[1]
        kept[lost[joins]] = winner[joins]
    return kept


def without_strays(
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    visibility: Float32[ndarray, " gaussians"],
) -> Int64[ndarray, " gaussians"]:
    """Takes stray parts out of their objects; they become -1.

    Two Gaussians of an object hang together if one is a neighbour of the other and not much farther off than the other's
    own neighbours (`REACH`), through any chain of such pairs. (Being a neighbour is not enough: a floater's nearest
    neighbours are always somebody.) The heaviest part of an object always stays.
    """
    count, width = near.shape
    distance = np.stack([np.linalg.norm(means - means[column], axis=1) for column in near.T], axis=1)
    rows = np.repeat(np.arange(count), width)
    columns = near.reshape(-1)
    within = distance.reshape(-1) <= REACH * distance.max(axis=1)[columns]
    linked = (objects[rows] == objects[columns]) & (objects[rows] >= 0) & within
    link = sp.csr_array((np.ones(linked.sum(), np.int8), (rows[linked], columns[linked])), shape=(count, count))
    parts, part = connected_components(link, directed=False)
    light = np.bincount(part, visibility, parts)
    owner = np.full(parts, NO_OBJECT)
    owner[part] = objects
    held = owner >= 0
    total = np.bincount(owner[held], light[held], int(objects.max()) + 1) if held.any() else np.zeros(1)
    heaviest = np.zeros(len(total))
    np.maximum.at(heaviest, owner[held], light[held])
    at = np.maximum(owner, 0)
    stray = held & (light < SMALLEST_PART * total[at]) & (light < heaviest[at])
    return np.where(stray[part], NO_OBJECT, objects)
