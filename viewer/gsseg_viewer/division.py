"""How the Gaussians are divided into pieces now: the pieces of the files, cut further where a part of one was taken.

    refined(mask)  -> every piece that a mask takes in part is cut: what is left keeps its number, what is taken gets
                      a new one, at the end
    origin         -> the piece of the files that a piece was cut from; what a piece stands for is what that one does
    as_of(count)   -> the same Gaussians as they were divided when there were so many pieces

Numbers are never used again and only ever added, so the number of pieces tells which division a state or a selection
speaks of, and either can be followed to the newest one. Cutting changes nothing by itself: both parts have the owner,
the marks and the meaning of the whole, and every reach of a click holds the same Gaussians as before.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int32, Int64
from numpy import ndarray

from gsseg.segmentation import Pieces
from gsseg_viewer.pieces import PieceTable
from gsseg_viewer.state import State


@dataclass(frozen=True, eq=False)
class Division:
    """Which piece each Gaussian is of."""

    of_gaussian: Int32[ndarray, " gaussians"]
    """Piece of each Gaussian; every piece has one at least."""
    sizes: Int64[ndarray, " pieces"]
    """Gaussians of each piece."""
    first: Int64[ndarray, " pieces"]
    """The first row of each piece."""
    parents: Int32[ndarray, " pieces"]
    """The piece that each was cut from, of a smaller number; itself for those of the files."""
    table: PieceTable
    """What the pieces stand for."""

    @classmethod
    def of(cls, pieces: Pieces, table: PieceTable) -> "Division":
        """The pieces of the files, none of which has been cut."""
        own = np.arange(len(pieces.sizes), dtype=np.int32)
        return cls(pieces.of_gaussian.astype(np.int32), pieces.sizes, pieces.first, own, table)

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.parents)

    @cached_property
    def origin(self) -> Int32[ndarray, " pieces"]:
        """The piece of the files that each was cut from."""
        return self.ancestors(int((self.parents == np.arange(len(self))).sum()))

    def inside(self, mask: Bool[ndarray, " gaussians"]) -> Int64[ndarray, " pieces"]:
        """How many Gaussians of each piece are in a mask."""
        return np.bincount(self.of_gaussian[mask], minlength=len(self))

    def rows(self, pieces: frozenset[int]) -> Int64[ndarray, " selected"]:
        """Rows of all Gaussians of some pieces, ascending."""
        chosen = np.zeros(len(self), bool)
        chosen[np.fromiter(pieces, np.int64)] = True
        return np.flatnonzero(chosen[self.of_gaussian])

    def refined(self, mask: Bool[ndarray, " gaussians"]) -> "Division":
        """The division in which every piece lies in the mask or outside of it; this very one where it does already."""
        inside = self.inside(mask)
        cut = np.flatnonzero((inside > 0) & (inside < self.sizes))
        if not len(cut):
            return self
        number = np.arange(len(self), dtype=np.int32)
        number[cut] = len(self) + np.arange(len(cut))
        touched = np.flatnonzero(number[self.of_gaussian] != self.of_gaussian)
        of_gaussian = self.of_gaussian.copy()
        taken = touched[mask[touched]]
        of_gaussian[taken] = number[of_gaussian[taken]]
        sizes = np.append(self.sizes, inside[cut])
        sizes[cut] -= inside[cut]
        first = np.append(self.first, np.zeros(len(cut), np.int64))
        first[of_gaussian[touched[::-1]]] = touched[::-1]  # of several rows for one piece the last one written stays
        parents = np.append(self.parents, cut.astype(np.int32))
        return Division(of_gaussian, sizes, first, parents, self.table.refined(cut))

    def ancestors(self, count: int) -> Int32[ndarray, " pieces"]:
        """The piece that each was a part of when there were ``count`` of them."""
        found = np.arange(len(self), dtype=np.int32)
        while (late := found >= count).any():
            found[late] = self.parents[found[late]]
        return found

    def as_of(self, count: int) -> Int32[ndarray, " gaussians"]:
        """Piece of each Gaussian when there were ``count`` of them."""
        return self.of_gaussian if count == len(self) else self.ancestors(count)[self.of_gaussian]

    def table_as_of(self, count: int) -> PieceTable:
        """What the pieces stood for when there were ``count`` of them."""
        return self.table if count == len(self) else self.table.without_last(len(self) - count)

    def state(self, state: State, copied: dict[int, ndarray]) -> State:
        """An earlier state in this division: what was cut off has the owner and the marks of what it was cut from.

        ``copied``: arrays by the identity of those they were made from, so that states share what they shared.
        """
        if len(state.owner) == len(self):
            return state
        came_from = self.ancestors(len(state.owner))

        def spread(values: ndarray) -> ndarray:
            if id(values) not in copied:
                copied[id(values)] = values[came_from]
            return copied[id(values)]

        return replace(
            state, owner=spread(state.owner), hidden=spread(state.hidden), aside=spread(state.aside),
            deleted=spread(state.deleted), sizes=self.sizes, origin=self.origin,
        )  # fmt: skip

    def followed(self, pieces: frozenset[int], count: int) -> frozenset[int]:
        """A set of pieces from when there were ``count`` of them, with all that has been cut from them since."""
        if not pieces or count == len(self):
            return pieces
        chosen = np.zeros(len(self), bool)
        chosen[sorted(pieces)] = True
        came = np.flatnonzero(chosen[self.ancestors(count)][count:]) + count
        return pieces | frozenset(came.tolist())
