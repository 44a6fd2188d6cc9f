"""Holes of objects: Gaussians that draw an object and were left to nobody.

The assignment asks one Gaussian at a time, and whoever hangs apart from its object is cut off as a stray
(`gsseg.objects.strays`). On trained splats whole patches of a surface hang apart: a screen has its letters a little
behind the glass. An object without them is lit, exported and looked at with holes. Two things tell a hole from what
belongs to nobody, and each is enough:

- *the light around it in the views*: most of the Gaussian's own light falls on masks that one object owns;
- *what is around it in space*: nearly all of its neighbours are of one object, and it is no brighter than an object's
  Gaussians are. So rims that eroded masks do not reach are closed, while a thing beside or on an object, which has
  neighbours of its own, stays what it is. A bright one, large and seen by many views, is judged by its light alone: the
  table's Gaussian whose centre lies under a cup shows the table.

In both cases its centre must lie in the box of that object: a floater would blow the box up.
What no view sees is left alone: nobody has said anything of it.
"""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from gsseg.features.evidence import MaskEvidence
from gsseg.ids import NO_OBJECT
from gsseg.objects.profiles import group_mass
from gsseg.segmentation.oriented_box import oriented_box
from gsseg.segmentation.table import OrientedBox

MOSTLY = 0.5
"""Share of a Gaussian's light on masks of one object above which it draws that object."""

OWNED = 0.1
"""Share of a mask's light that an object must have for the mask to be its own."""

MARGIN = 0.05
"""How far outside an object's box, in its longest edge, a centre still counts as inside: 2 % of an object lie out."""

SURROUNDED = 0.7
"""Share of a Gaussian's neighbours in one object above which it is a hole or a rim of it."""

ROUNDS = 2
"""Times that holes look around them: what the first has closed tells who owns a mask, and surrounds others."""


def fill_holes(
    evidence: MaskEvidence,
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
) -> Int64[ndarray, " gaussians"]:
    """Gives Gaussians of no object to the object that they are a hole of; nobody who has an object changes it.

    ``near``: nearest neighbours, e.g. of `gsseg.objects.profiles.neighbours`.
    """
    count = int(objects.max(initial=NO_OBJECT)) + 1
    if not count:
        return objects
    boxes = [oriented_box(means[objects == k].astype(np.float64)) if (objects == k).any() else None
             for k in range(count)]  # fmt: skip
    filled = objects.copy()
    seen = (objects >= 0) & (evidence.visibility > 0)
    usual = np.median(evidence.visibility[seen]) if seen.any() else 0.0
    for _ in range(ROUNDS):
        lost = np.flatnonzero((filled < 0) & (evidence.visibility > 0))
        drawn = drawn_object(evidence, filled, lost, count)
        around = surrounding_object(filled, near[lost], count)
        around[evidence.visibility[lost] > usual] = NO_OBJECT
        chosen = np.where(drawn >= 0, drawn, around)
        # A floater's nearest neighbours are always somebody, and it draws what is behind it: it must lie there, too.
        for k in np.unique(chosen[chosen >= 0]):
            mine = np.flatnonzero(chosen == k)
            chosen[mine[~_inside(means[lost[mine]], boxes[k])]] = NO_OBJECT
        filled[lost] = chosen
    return filled


def _inside(points: Float32[ndarray, "points 3"], box: OrientedBox | None) -> Bool[ndarray, " points"]:
    if box is None:
        return np.zeros(len(points), bool)
    half = np.array(box.extent) / 2 + MARGIN * max(box.extent)
    return np.asarray((np.abs((points - np.array(box.center)) @ np.array(box.rotation)) <= half).all(axis=1))


def drawn_object(
    evidence: MaskEvidence, objects: Int64[ndarray, " gaussians"], lost: Int64[ndarray, " lost"], count: int
) -> Int64[ndarray, " lost"]:
    """The object on whose masks most of the light of each of some Gaussians falls; -1 where it is not `MOSTLY`.

    A mask is of the object that has most light in it, if that is at least `OWNED` of all light there: a thing that is
    masked and yet no object keeps its masks.
    """
    mass = group_mass(evidence, objects, count)
    owner = mass.argmax(axis=0)
    total = np.asarray(evidence.matrix.sum(axis=1)).reshape(-1)
    owned = (evidence.row_label > 0) & (mass.max(axis=0) > OWNED * total)
    member = sp.csr_array(
        (np.ones(owned.sum(), np.float32), (np.flatnonzero(owned), owner[owned])), shape=(len(owner), count)
    )
    mine = evidence.matrix.tocsc()[:, lost]
    light = (mine.T @ member).tocsr()
    total = np.asarray(mine.sum(axis=0)).reshape(-1)
    return _winner(light, MOSTLY * total)


def surrounding_object(
    objects: Int64[ndarray, " gaussians"], near: Int64[ndarray, "lost neighbours"], count: int
) -> Int64[ndarray, " lost"]:
    """The object that more than `SURROUNDED` of the neighbours of each of some Gaussians are of; -1 where none is."""
    around = objects[near]
    rows, columns = np.nonzero(around >= 0)
    votes = sp.csr_array((np.ones(len(rows)), (rows, around[rows, columns])), shape=(len(near), count))
    votes.sum_duplicates()
    return _winner(votes, np.full(len(near), SURROUNDED * max(near.shape[1], 1)))


def _winner(votes: sp.csr_array, least: ndarray) -> Int64[ndarray, " rows"]:
    """Column of most votes in each row, -1 where they are not more than ``least``."""
    if not len(least):
        return np.zeros(0, np.int64)
    most = votes.max(axis=1).toarray().reshape(-1)
    best = np.asarray(votes.argmax(axis=1)).reshape(-1)
    return np.where(most > least, best, NO_OBJECT)
