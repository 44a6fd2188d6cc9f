"""A triangle mesh as values, and its parts."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int64, Integer
from numpy import ndarray
from scipy.sparse.csgraph import connected_components

_SMALLEST_PIECE = 0.005
"""Connected pieces of fewer triangles than this share of the largest piece are dust: strays, and rims of neighbours."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles with a colour at every vertex."""

    vertices: Float32[ndarray, "vertices 3"]
    """World units."""
    normals: Float32[ndarray, "vertices 3"]
    """Unit, towards the cameras."""
    colors: Float32[ndarray, "vertices 3"]
    """sRGB in 0..1."""
    triangles: Int64[ndarray, "triangles 3"]
    """Rows of `vertices`, counter-clockwise seen from outside."""

    def __len__(self) -> int:
        return len(self.triangles)

    def part(self, triangles: Bool[ndarray, " triangles"]) -> "Surface":
        """These triangles and the vertices that they use."""
        kept = self.triangles[triangles]
        used, numbers = np.unique(kept, return_inverse=True)
        return Surface(self.vertices[used], self.normals[used], self.colors[used], numbers.reshape(-1, 3))

    def tidied(self) -> "Surface":
        """The surface without its dust: pieces of less than half a percent of the largest one's triangles."""
        if not len(self):
            return self
        first, second, third = self.triangles.T
        ends = (np.concatenate([first, second]), np.concatenate([second, third]))
        count = len(self.vertices)
        edges = sp.coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(count, count))
        _, piece = connected_components(edges, directed=False)
        sizes = np.bincount(piece[first])
        return self.part(sizes[piece[first]] >= _SMALLEST_PIECE * sizes.max())


_NOWHERE = np.zeros((0, 3), np.float32)
EMPTY = Surface(_NOWHERE, _NOWHERE, _NOWHERE, np.zeros((0, 3), np.int64))
"""No triangles."""


def triangle_labels(
    triangles: Int64[ndarray, "triangles 3"], labels: Integer[ndarray, " vertices"]
) -> Integer[ndarray, " triangles"]:
    """The label that two of a triangle's vertices share, so that every triangle has one; of three different, the first.

    Neighbouring objects' meshes then meet without a gap and without overlap.
    """
    first, second, third = labels[triangles].T
    return np.where(second == third, second, first)
