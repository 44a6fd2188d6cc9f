"""What a click meets: the light of one ray, counted by objects and by pieces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.objects import select
from gsseg.scene import Gaussians
from gsseg_viewer.state import State


@dataclass(frozen=True)
class Hit:
    """What stops most of a ray's light."""

    object_id: int
    """The object, or `NO_OBJECT`: Gaussians that belong to none stand in the way as well."""
    piece: int
    """Of its pieces the one that stops most."""


def pick(
    gaussians: Gaussians, pieces: Int32[ndarray, " gaussians"], state: State, origin: ndarray, direction: ndarray
) -> Hit | None:
    """What a ray meets, as `gsseg.objects.select.select` counts it; None where it meets nothing.

    ``gaussians``: of which only those are drawable that the state shows. ValueError for what is no ray.
    """
    start, ray = np.asarray(origin, np.float64), np.asarray(direction, np.float64)
    if start.shape != (3,) or ray.shape != (3,):
        raise ValueError(f"no ray: origin {start.tolist()}, direction {ray.tolist()}")
    hits = select.pick(gaussians, start, ray)
    if hits.weights.sum() < select.MIN_WEIGHT:
        return None
    met = pieces[hits.rows]
    owners = state.owner[met]
    winner = _heaviest(owners, hits.weights)
    return Hit(winner, _heaviest(met, np.where(owners == winner, hits.weights, 0.0)))


def _heaviest(names: Int32[ndarray, " hits"], weights: ndarray) -> int:
    """The name with the greatest sum of weights; of equal ones the smaller."""
    there, places = np.unique(names, return_inverse=True)
    return int(there[np.argmax(np.bincount(places, weights))])
