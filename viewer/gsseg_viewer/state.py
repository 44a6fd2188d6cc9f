"""What can be mended, as a value: who owns which piece, under which names, and what is shown.

A *piece* is the smallest set of Gaussians that an edit moves (`gsseg_viewer.pieces`), so a state is a few thousand
numbers and keeping every earlier one costs nothing. Edits (`gsseg_viewer.edits`) act on pieces and not on objects:
what is selected is what changes. An edit never gives the id of one object to another, nor one that an undone edit has
given out, and saving keeps all ids: what a person has seen stays true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int32, Int64
from numpy import ndarray

from gsseg.segmentation import NO_OBJECT


@dataclass(frozen=True)
class ObjectState:
    """What is known of an object beside its Gaussians."""

    name: str
    """For people."""
    color: tuple[int, int, int]
    """Display colour, 0..255."""
    views: int
    """Views in which a mask showed it, as it was trained."""
    agreement: float
    """0..1, see `gsseg.objects.agreement`; as it was trained."""
    source: int | None = None
    """Row in the table as it was opened of the object that it comes from, whose language vector is its own; of several
    the largest; None where it was made of Gaussians that belonged to none."""
    edited: bool = False
    """Whether Gaussians were given to it or taken from it, so that views and agreement are of what it was."""
    name_confidence: float | None = None
    """0..1: how sure ``gsseg name`` was of the name; None for a name that a person gave, or nobody."""


class Edition:
    """Tells a version of the segmentation from every other, however finely it is divided into pieces."""


@dataclass(frozen=True, eq=False)
class State:
    """One version of the segmentation."""

    owner: Int32[ndarray, " pieces"]
    """Object of each piece, -1 = none."""
    sizes: Int64[ndarray, " pieces"]
    """Gaussians of each piece; the same in every version of a division."""
    objects: Mapping[int, ObjectState]
    """Every object that owns a piece, by id."""
    hidden: Bool[ndarray, " pieces"] = field(kw_only=True)
    """Pieces that are not drawn and cannot be clicked."""
    aside: Bool[ndarray, " pieces"] = field(kw_only=True)
    """The same, but only as long as others are isolated."""
    deleted: Bool[ndarray, " pieces"] = field(kw_only=True)
    """Pieces that are left out of everything until the deletion is undone or they are restored."""
    origin: Int32[ndarray, " pieces"] = field(kw_only=True)
    """The piece of the files that each was cut from, itself where none was; the same in every version of a division."""
    next_id: int = 0
    """The id that the next new object takes."""
    edition: Edition = field(default_factory=Edition, kw_only=True)
    """Which version this is."""

    @classmethod
    def shown(
        cls, owner: Int32[ndarray, " pieces"], sizes: Int64[ndarray, " pieces"], objects: Mapping[int, ObjectState]
    ) -> "State":
        """A state that shows everything."""
        none = np.zeros(len(owner), bool)
        next_id = max(objects, default=NO_OBJECT) + 1
        origin = np.arange(len(owner), dtype=np.int32)
        return cls(owner, sizes, objects, hidden=none, aside=none, deleted=none, origin=origin, next_id=next_id)

    @cached_property
    def gone(self) -> Bool[ndarray, " pieces"]:
        """Pieces that are not drawn."""
        return self.hidden | self.aside | self.deleted

    def gaussians(self, object_id: int) -> int:
        """Number of Gaussians of an object that are not deleted."""
        return self._left.get(object_id, 0)

    @cached_property
    def _left(self) -> dict[int, int]:
        return self._by_owner(~self.deleted)

    @cached_property
    def deleted_objects(self) -> frozenset[int]:
        """Objects of which nothing is left."""
        return frozenset(each for each in self.objects if not self._left.get(each))

    @cached_property
    def hidden_objects(self) -> frozenset[int]:
        """Objects of which something is left and nothing is drawn."""
        drawn = self._by_owner(~self.gone)
        return frozenset(each for each in self.objects if not drawn.get(each)) - self.deleted_objects

    def _by_owner(self, pieces: Bool[ndarray, " pieces"]) -> dict[int, int]:
        """Gaussians among the pieces of each owner, `NO_OBJECT` too."""
        ids, places = np.unique(self.owner, return_inverse=True)
        sums = np.bincount(places, np.where(pieces, self.sizes, 0), len(ids)).astype(np.int64)
        return dict(zip(ids.tolist(), sums.tolist(), strict=True))

    def pieces_of(self, ids: Iterable[int]) -> Int64[ndarray, " owned"]:
        """Pieces that these objects own and that are not deleted, ascending."""
        return np.flatnonzero(np.isin(self.owner, list(ids)) & ~self.deleted)

    def owners(self, pieces: Iterable[int]) -> list[int]:
        """Objects that own one of the pieces that is not deleted, ascending; `NO_OBJECT` is none."""
        chosen = np.fromiter(pieces, np.int64)
        chosen = chosen[chosen < len(self.owner)]  # others have been cut off meanwhile
        ids = np.unique(self.owner[chosen[~self.deleted[chosen]]])
        return ids[ids != NO_OBJECT].tolist()


def touched(before: State, after: State) -> frozenset[int]:
    """Objects that an edit has given something, taken something from, or renamed; hiding touches none."""
    if len(before.owner) != len(after.owner):
        raise ValueError("two states of different pieces")
    moved = (before.owner != after.owner) | (before.deleted != after.deleted)
    ids = {*before.owner[moved].tolist(), *after.owner[moved].tolist()}
    both = before.objects.keys() & after.objects.keys()
    ids |= {each for each in both if before.objects[each].name != after.objects[each].name}
    return frozenset(ids - {NO_OBJECT})
