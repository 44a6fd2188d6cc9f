"""What the viewer moves as one: pieces of the segmentation, finer where nothing tells Gaussians apart.

    of an object      -> its Gaussians of one fine code, as everywhere in gsseg (`gsseg.segmentation.Pieces`)
    of no object      -> the same, but what has no code either, which may be half of a scene, is cut into *patches*:
                         at most `PATCH` Gaussians that lie together and look alike
    marked            -> a piece is hidden or deleted as a whole, so what is marked otherwise is another piece

Patches are made by halving: the Gaussians at the median of the axis in which they differ most, of position and colour.
Everything here follows from the files alone, so that edits that were not saved find the same pieces again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int32, Int64
from numpy import ndarray
from scipy.spatial import KDTree

from gsseg.run import Marks
from gsseg.segmentation import NO_CODE, NO_OBJECT, Pieces, SegmentationColumns

PATCH = 64
"""Gaussians of a patch at most."""

_COLOR_WEIGHT = 1.0
"""What a difference of 1 in colour counts against one of a standard deviation of the positions."""

_ASKED = 500
"""Gaussians at least that tell in which axis all differ most."""

_NEIGHBOURS = 12
"""Nearest pieces that a piece is asked to touch."""


@dataclass(frozen=True, eq=False)
class PieceTable:
    """What the pieces stand for; the same for every state."""

    coarse: Int32[ndarray, " pieces"]
    """Coarse code, `NO_CODE` = none."""
    fine: Int32[ndarray, " pieces"]
    """Fine code, `NO_CODE` = none."""
    features: Float32[ndarray, "pieces dim"]
    """Discrete feature, about of unit length; zero for what no mask shows."""
    colors: Float32[ndarray, "pieces 3"]
    """Mean colour, 0..1."""
    centres: Float32[ndarray, "pieces 3"]
    """Mean of the centres, world units."""
    spreads: Float32[ndarray, " pieces"]
    """Root mean square distance of the centres from their mean, world units."""
    uncut: "PieceTable | None" = None
    """The table of the files, of which the first pieces here are all; None where this is it."""

    def refined(self, cut: Int64[ndarray, " cut"]) -> "PieceTable":
        """The table with a further piece for each of some that were cut. A part stands for what the whole does, its
        mean colour and centre too: what a click reaches and how it is coloured is not to change by cutting."""
        more = {name: np.concatenate([values, values[cut]]) for name, values in self._columns()}
        return PieceTable(**more, uncut=self.uncut or self)

    def without_last(self, count: int) -> "PieceTable":
        """The table before so many further pieces were cut from others."""
        return replace(self, **{name: values[: len(values) - count] for name, values in self._columns()})

    def _columns(self) -> list[tuple[str, ndarray]]:
        return [(each.name, getattr(self, each.name)) for each in fields(self) if each.name != "uncut"]

    @cached_property
    def links(self) -> sp.csr_array:
        """(pieces, pieces) of the pieces of the files, true where two touch: one is among the nearest of the other, and
        no further away than both together spread."""
        if self.uncut is not None:
            return self.uncut.links
        count = len(self.centres)
        reach = min(_NEIGHBOURS + 1, count)
        found = KDTree(self.centres).query(self.centres, k=reach)
        distance, other = (np.reshape(each, (count, reach)) for each in found)
        one = np.repeat(np.arange(count), reach).reshape(count, reach)
        touch = (distance <= 1.5 * (self.spreads[one] + self.spreads[other])) & (one != other)
        links = sp.csr_array((np.ones(int(touch.sum()), bool), (one[touch], other[touch])), shape=(count, count))
        return links + links.T

    def connected(
        self, anchor: int, among: Bool[ndarray, " pieces"], origin: Int32[ndarray, " pieces"]
    ) -> Bool[ndarray, " pieces"]:
        """Which of some pieces hang together with the anchor, itself one of them; those cut from one piece do.

        ``origin``: the piece of the files that each was cut from.
        """
        inside = np.unique(origin[among])
        _, label = sp.csgraph.connected_components(self.links[inside][:, inside], directed=False)
        found = np.zeros(len(among), bool)
        found[inside] = label == label[np.searchsorted(inside, origin[anchor])]
        return among & found[origin]


def cut(
    columns: SegmentationColumns,
    marks: Sequence[Marks],
    others: Sequence[Int32[ndarray, " gaussians"]],
    means: Float32[ndarray, "gaussians 3"],
    rgb: Float32[ndarray, "gaussians 3"],
) -> Pieces:
    """The pieces of a segmentation, each of which is marked as a whole and is of one object in ``others`` too.

    ``rgb``: colours, 0..1. Those of no object are first.
    """
    pieces = Pieces.of(columns)
    finer = np.zeros(len(means), np.int64)
    nobody = np.flatnonzero((columns.object_ids == NO_OBJECT) & (columns.code_fine == NO_CODE))
    finer[nobody] = patches(means[nobody], rgb[nobody])
    told_apart = [finer, *(each.astype(np.int64) - NO_OBJECT for each in others)]
    told_apart += [each.hidden + 2 * each.aside.astype(np.int64) + 4 * each.deleted for each in marks]
    for apart in told_apart:
        if apart.any():
            key = pieces.of_gaussian * (int(apart.max()) + 1) + apart
            _, first, places, sizes = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
            pieces = Pieces(places, first, sizes)
    return pieces


def patches(means: Float32[ndarray, "items 3"], rgb: Float32[ndarray, "items 3"]) -> Int64[ndarray, " items"]:
    """Patch of each Gaussian, counted from 0: at most `PATCH` each, near to one another and alike."""
    patch = np.zeros(len(means), np.int64)
    if len(means) <= PATCH:
        return patch
    spread = max(float(means.std(axis=0).max()), 1e-12)
    space = np.concatenate([(means - means.mean(axis=0)) / spread, _COLOR_WEIGHT * rgb], 1).astype(np.float32)
    waiting, made = [np.arange(len(means))], 0
    while waiting:
        rows = waiting.pop()
        if len(rows) <= PATCH:
            patch[rows] = made
            made += 1
            continue
        some = space[rows[:: max(1, len(rows) // _ASKED)]]
        axis = int(np.argmax(some.std(axis=0)))
        order = np.argpartition(space[rows, axis], len(rows) // 2)
        waiting += [rows[order[: len(rows) // 2]], rows[order[len(rows) // 2 :]]]
    return patch


def table_of(
    columns: SegmentationColumns,
    pieces: Pieces,
    means: Float32[ndarray, "gaussians 3"],
    rgb: Float32[ndarray, "gaussians 3"],
) -> PieceTable:
    """What the pieces of these columns stand for."""
    of, count = pieces.of_gaussian, len(pieces.sizes)

    def mean(values: ndarray) -> ndarray:
        sums = [np.bincount(of, values[:, axis], count) for axis in range(values.shape[1])]
        return np.stack(sums, 1) / pieces.sizes[:, None]

    centres = mean(means)
    apart = ((means - centres[of]) ** 2).sum(axis=1)
    first = pieces.first
    return PieceTable(
        coarse=columns.code_coarse[first],
        fine=columns.code_fine[first],
        features=columns.discrete[first].copy(),
        colors=mean(rgb).astype(np.float32),
        centres=centres.astype(np.float32),
        spreads=np.sqrt(np.bincount(of, apart, count) / pieces.sizes).astype(np.float32),
    )
