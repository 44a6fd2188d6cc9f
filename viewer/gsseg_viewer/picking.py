"""What a click meets: the light of one ray, counted by objects and by pieces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32
from numpy import ndarray

from gsseg.objects import select
from gsseg.scene import Gaussians
from gsseg.segmentation import NO_OBJECT
from gsseg_viewer.state import State


@dataclass(frozen=True)
class Hit:
    """What a click meets first."""

    piece: int
    """Piece that stops most of the ray's light inside the winning object."""
    gaussian: int
    """Row of the Gaussian that counts most."""
    position: Float64[ndarray, "3"]
    """World point on the ray."""


def pick(
    gaussians: Gaussians, pieces: Int32[ndarray, " gaussians"], state: State, origin: ndarray, direction: ndarray
) -> Hit | None:
    """The object that a ray meets, as `gsseg.objects.select.select`; None where there is none.

    ``gaussians``: of which only those are drawable that the state shows. ValueError for what is no ray.
    """
    hits = _hits(gaussians, origin, direction)
    if hits.weights.sum() < select.MIN_WEIGHT:
        return None
    met = pieces[hits.rows]
    owners = state.owner[met]
    ids, places = np.unique(owners, return_inverse=True)
    winner = ids[np.argmax(np.bincount(places, hits.weights))]
    if winner == NO_OBJECT:
        return None
    inside = np.where(owners == winner, hits.weights, 0.0)
    there, places = np.unique(met, return_inverse=True)
    first = int(np.argmax(inside))
    ray = np.asarray(direction, np.float64)
    ray = ray / np.abs(ray).max()  # so that no length is too great to be squared
    return Hit(
        piece=int(there[np.argmax(np.bincount(places, inside))]),
        gaussian=int(hits.rows[first]),
        position=np.asarray(origin, np.float64) + hits.distances[first] * ray / np.linalg.norm(ray),
    )


def meets(gaussians: Gaussians, origin: ndarray, direction: ndarray) -> bool:
    """Whether a ray meets anything drawable, of an object or of none. ValueError for what is no ray."""
    return bool(_hits(gaussians, origin, direction).weights.sum() >= select.MIN_WEIGHT)


def _hits(gaussians: Gaussians, origin: ndarray, direction: ndarray) -> select.Hits:
    start, ray = np.asarray(origin, np.float64), np.asarray(direction, np.float64)
    if start.shape != (3,) or ray.shape != (3,):
        raise ValueError(f"no ray: origin {start.tolist()}, direction {ray.tolist()}")
    return select.pick(gaussians, start, ray)
