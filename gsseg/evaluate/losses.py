"""Which instances of the ground truth no object stands for, and what became of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Integer
from numpy import ndarray

from gsseg.segmentation import NO_OBJECT

FOUND = 0.5
"""An instance is lost where no object's IoU with it reaches this."""
MENTIONED = 0.05
"""Objects that hold less of an instance, and instances that make up less of an object, are not told of."""
SHOWN = 0.1
"""An instance of which masks show less was not seen."""

Cause = Literal["unseen", "left out", "merged", "split"]


@dataclass(frozen=True)
class Piece:
    """What one object holds of a lost instance."""

    object_id: int
    share: float
    """Of the instance, by visibility, 0..1."""


@dataclass(frozen=True)
class Loss:
    """One instance that was lost."""

    instance: int
    iou: float
    """Of the object that fits it best; 0 where none holds any of it."""
    cause: Cause
    """``unseen``: no mask shows it. Of the object that holds most of it, ``merged``: it holds more of other instances
    than it lacks of this one; ``split``: it lacks more, which other objects hold; ``left out``: most of what it lacks
    is in no object."""
    pieces: tuple[Piece, ...]
    """The objects that hold `MENTIONED` or more of it, largest share first."""
    merged_with: tuple[int, ...]
    """Other instances of which the first of these objects consists to `MENTIONED` or more, largest first."""


def find_losses(
    object_ids: Integer[ndarray, " gaussians"],
    instances: Integer[ndarray, " gaussians"],
    visibility: Float[ndarray, " gaussians"],
    masked: Bool[ndarray, " gaussians"],
) -> list[Loss]:
    """The lost instances, worst first. Sizes are sums of ``visibility``; ``masked``: whether any mask shows a Gaussian.

    Gaussians whose instance is negative belong to nothing and count nowhere, as in `gsseg.evaluate.metrics.object_iou`;
    nor are instances scored that no view sees.
    """
    known = instances >= 0
    names, g = np.unique(instances[known], return_inverse=True)
    objects, o = np.unique(object_ids[known], return_inverse=True)
    weight = visibility[known].astype(np.float64)
    common = np.zeros((len(names), len(objects)))
    np.add.at(common, (g, o), weight)
    shown = np.bincount(g, weight * masked[known], len(names))
    whole, size = common.sum(1), common.sum(0)
    out = common[:, objects == NO_OBJECT].sum(1)
    held = np.where(objects == NO_OBJECT, 0.0, common)
    found = []
    for k in np.flatnonzero(whole > 0):
        best = int(held[k].argmax()) if len(objects) else 0
        mine = held[k, best]
        missing, excess = whole[k] - mine, size[best] - mine
        # An object that reaches one half holds more than half of the instance: it is the one that holds most.
        iou = mine / (whole[k] + excess) if mine > 0 else 0.0
        if iou >= FOUND:
            continue
        order = np.argsort(-held[k], kind="stable")
        pieces = tuple(
            Piece(int(objects[each]), float(held[k, each] / whole[k]))
            for each in order
            if held[k, each] >= MENTIONED * whole[k]
        )
        others = np.argsort(-common[:, best], kind="stable")
        partners = tuple(
            int(names[each])
            for each in others
            if mine > 0 and each != k and common[each, best] >= MENTIONED * size[best]
        )
        cause: Cause = "split"
        if shown[k] < SHOWN * whole[k]:
            cause = "unseen"
        elif excess > missing and mine > 0:
            cause = "merged"
        elif out[k] > missing / 2:
            cause = "left out"
        found.append(Loss(int(names[k]), float(iou), cause, pieces, partners))
    return sorted(found, key=lambda loss: loss.iou)
