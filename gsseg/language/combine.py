"""Vectors of objects from several views become one each: the direction that the views agree on."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64
from numpy import ndarray


@dataclass(frozen=True, eq=False)
class ObjectVectors:
    """A language vector for every object that some view shows well."""

    vectors: Float32[ndarray, "objects dim"]
    """Unit vectors; NaN: the object has none. What `gsseg.compressed.language.encode_language` takes."""
    views: Int64[ndarray, " objects"]
    """How many views, or crops of them, each comes from."""


def combine_views(
    objects: int, sightings: Iterable[tuple[Int64[ndarray, " _"], Float32[ndarray, "_ _dim"], Float[ndarray, " _"]]]
) -> ObjectVectors:
    """Objects, their vectors and weights in each view -> the unit vector along sum_i w_i v_i of each object.

    Of all directions that is the one with the greatest weighted mean cosine. A geometric median on the sphere was no
    better in which object a vector is nearest to, and worse from few views: docs/language.md. ValueError without a
    sighting, not even an empty one, because then the dimension is not known.
    """
    sightings = list(sightings)
    if not sightings:
        raise ValueError("no view was looked at")
    sums = np.zeros((objects, sightings[0][1].shape[1]))
    views = np.zeros(objects, np.int64)
    for rows, vectors, weights in sightings:
        np.add.at(sums, rows, weights[:, None] * vectors.astype(np.float64))
        np.add.at(views, rows, 1)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    known = lengths > 1e-12
    return ObjectVectors(np.where(known, sums / np.where(known, lengths, 1), np.nan).astype(np.float32), views)
