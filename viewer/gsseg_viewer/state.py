"""What can be mended, as a value: who owns which piece, under which names, and what is shown.

A *piece* is what Gaussians of one object and one fine code share (`gsseg.compressed.scene`); edits move whole pieces,
so a state is a few thousand numbers and keeping every earlier one costs nothing. An edit never gives the id of one
object to another, nor one that an undone edit has given out; only saving numbers the objects anew (`renumbered`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Int32, Int64
from numpy import ndarray

from gsseg.segmentation import NO_OBJECT
from gsseg.segmentation.describe import default_colors, default_name

NAME_LENGTH = 80
"""Characters of a name at most."""


class EditError(Exception):
    """An edit that cannot be made; the message says why, to the person who asked for it."""


@dataclass(frozen=True)
class ObjectState:
    """What is known of an object beside its Gaussians."""

    name: str
    """For people."""
    color: tuple[int, int, int]
    """Display colour, 0..255."""
    views: int
    """Views in which a mask showed it; after a merge the most of its parts."""
    agreement: float
    """0..1, see `gsseg.objects.agreement`; after a merge the mean of its parts by Gaussians."""
    source: int | None = None
    """Row in the table as it was opened of the object that it comes from, whose language vector is its own; of several
    the largest; None where it was made of Gaussians that belonged to none."""


@dataclass(frozen=True, eq=False)
class State:
    """One version of the segmentation."""

    owner: Int32[ndarray, " pieces"]
    """Object of each piece, -1 = none."""
    sizes: Int64[ndarray, " pieces"]
    """Gaussians of each piece; the same in every version."""
    objects: Mapping[int, ObjectState]
    """Every object that owns a piece, by id."""
    hidden: frozenset[int] = field(default_factory=frozenset)
    """Objects that are not drawn and cannot be clicked."""
    deleted: frozenset[int] = field(default_factory=frozenset)
    """Objects that are left out of everything until the deletion is undone or they are restored."""
    rest_hidden: bool = False
    """Whether what belongs to no object is hidden too."""
    next_id: int = 0
    """The id that the next new object takes."""
    numbering: int = 0
    """How often saving has numbered the objects anew: ids that were read under another number mean other objects."""

    @property
    def gone(self) -> frozenset[int]:
        """Owners whose pieces are not drawn: objects, and `NO_OBJECT` where the rest is hidden."""
        return self.hidden | self.deleted | ({NO_OBJECT} if self.rest_hidden else set())

    def gaussians(self, object_id: int) -> int:
        """Number of Gaussians of an object."""
        return self._by_object.get(object_id, 0)

    @cached_property
    def _by_object(self) -> dict[int, int]:
        """Gaussians of each owner, `NO_OBJECT` too."""
        ids, places = np.unique(self.owner, return_inverse=True)
        return dict(zip(ids.tolist(), np.bincount(places, self.sizes).astype(np.int64).tolist(), strict=True))

    def pieces_of(self, ids: Iterable[int]) -> Int64[ndarray, " owned"]:
        """Pieces that these objects own, ascending."""
        return np.flatnonzero(np.isin(self.owner, list(ids)))


def merge(state: State, ids: Iterable[int]) -> State:
    """The objects become one, which keeps the id, name and colour of the largest."""
    ids = _known(state, ids)
    if len(ids) < 2:
        raise EditError("select two objects or more to merge them")
    weights = {each: state.gaussians(each) for each in ids}
    kept = max(ids, key=lambda each: (weights[each], -each))
    parts = [state.objects[each] for each in ids]
    agreement = float(np.average([part.agreement for part in parts], weights=[weights[each] for each in ids]))
    merged = replace(state.objects[kept], views=max(part.views for part in parts), agreement=round(agreement, 4))
    return _owned(state, state.pieces_of(ids), kept, merged)


def split(state: State, object_id: int) -> State:
    """Each piece of the object becomes an object of its own; the largest keeps the id and the name."""
    (object_id,) = _known(state, [object_id])
    pieces = state.pieces_of([object_id])
    if len(pieces) < 2:
        raise EditError(f"{state.objects[object_id].name} is a single code and cannot be split further")
    pieces = pieces[np.argsort(-state.sizes[pieces], kind="stable")][1:]
    owner, objects = state.owner.copy(), dict(state.objects)
    new = range(state.next_id, state.next_id + len(pieces))
    owner[pieces] = new
    objects |= {each: _named(objects[object_id], each) for each in new}
    hidden = state.hidden | set(new) if object_id in state.hidden else state.hidden
    return replace(state, owner=owner, objects=objects, hidden=hidden, next_id=new.stop)


def move(state: State, pieces: Iterable[int], target: int | None) -> State:
    """The pieces go to object ``target``, or become an object of their own (None); those that are deleted stay."""
    moved = np.array(sorted(set(pieces)), np.int64)
    moved = moved[~np.isin(state.owner[moved], list(state.deleted))]
    if not len(moved):
        raise EditError("select something to move")
    owners, places = np.unique(state.owner[moved], return_inverse=True)
    if target is None:
        if len(owners) == 1 and owners[0] != NO_OBJECT and len(moved) == len(state.pieces_of([int(owners[0])])):
            raise EditError(f"{state.objects[int(owners[0])].name} is an object of its own already")
        largest = int(owners[np.argmax(np.bincount(places, state.sizes[moved]))])
        made = _named(state.objects.get(largest, ObjectState("", (0, 0, 0), 0, 0.0)), state.next_id)
        return replace(_owned(state, moved, state.next_id, made), next_id=state.next_id + 1)
    (target,) = _known(state, [target])
    if owners.tolist() == [target]:
        raise EditError(f"the selection belongs to {state.objects[target].name} already")
    return _owned(state, moved, target, state.objects[target])


def rename(state: State, object_id: int, name: str) -> State:
    """The object takes another name: one line, at most `NAME_LENGTH` characters."""
    (object_id,) = _known(state, [object_id])
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    if not name:
        raise EditError("a name needs at least one letter")
    if len(name) > NAME_LENGTH:
        raise EditError(f"a name has at most {NAME_LENGTH} letters, this one has {len(name)}")
    if name == state.objects[object_id].name:
        raise EditError(f"it is called {name} already")
    return replace(state, objects={**state.objects, object_id: replace(state.objects[object_id], name=name)})


def hide(state: State, ids: Iterable[int]) -> State:
    """The objects are no longer drawn."""
    ids = _known(state, ids)
    if not ids:
        raise EditError("select something to hide")
    if state.hidden.issuperset(ids):
        raise EditError("that is hidden already")
    return replace(state, hidden=state.hidden | set(ids))


def isolate(state: State, ids: Iterable[int]) -> State:
    """Only these objects are drawn, and nothing that belongs to none."""
    ids = _known(state, ids)
    if not ids:
        raise EditError("select something to isolate")
    hidden = frozenset(state.objects) - set(ids) - state.deleted
    if state.rest_hidden and hidden == state.hidden:
        raise EditError("nothing else is shown already")
    return replace(state, hidden=hidden, rest_hidden=True)


def show_all(state: State) -> State:
    """Nothing is hidden any more; what is deleted stays so."""
    if not state.hidden and not state.rest_hidden:
        raise EditError("nothing is hidden")
    return replace(state, hidden=frozenset(), rest_hidden=False)


def delete(state: State, ids: Iterable[int]) -> State:
    """The objects are left out of pictures and exports until this is undone; the files keep their rows."""
    ids = _known(state, ids)
    if not ids:
        raise EditError("select something to delete")
    return replace(state, deleted=state.deleted | set(ids), hidden=state.hidden - set(ids))


def restore(state: State, ids: Iterable[int] | None = None) -> State:
    """Deleted objects are back, all where ``ids`` is None: undo does not reach what was deleted before opening."""
    ids = state.deleted if ids is None else state.deleted & set(ids)
    if not ids:
        raise EditError("nothing of that is deleted")
    return replace(state, deleted=state.deleted - ids)


def largest_first(state: State, ids: int) -> dict[int, int]:
    """A new number for each of the first so many ids: the objects of this state from 0 by falling number of Gaussians,
    equal ones in their order, then the ids that are not of this state."""
    sizes = np.bincount(state.owner + 1, state.sizes, ids + 1)[1:]
    order = sorted(range(ids), key=lambda each: (each not in state.objects, -sizes[each]))
    return {old: new for new, old in enumerate(order)}


def renumbered(state: State, numbers: Mapping[int, int]) -> State:
    """The same state with other ids, ``numbers[id]`` or the same where it has none; default names follow their ids."""
    to = {each: numbers.get(each, each) for each in state.objects}
    lookup = np.full(max(to, default=NO_OBJECT) + 2, NO_OBJECT, np.int32)  # its last entry is that of NO_OBJECT
    lookup[list(to)] = list(to.values())
    return replace(
        state,
        owner=lookup[state.owner],
        objects={
            to[each]: replace(info, name=default_name(to[each])) if info.name == default_name(each) else info
            for each, info in state.objects.items()
        },
        hidden=frozenset(to[each] for each in state.hidden),
        deleted=frozenset(to[each] for each in state.deleted),
        numbering=state.numbering + 1,
    )


def _known(state: State, ids: Iterable[int]) -> list[int]:
    """The ids in order, each once; `EditError` for one that is gone, because somebody else has merged it away."""
    ids = sorted(set(ids))
    for each in ids:
        if each not in state.objects or each in state.deleted:
            raise EditError(f"object {each} is no longer there")
    return ids


def _owned(state: State, pieces: ndarray, target: int, info: ObjectState) -> State:
    """The pieces handed to ``target``, which is shown; objects that own nothing any more are dropped."""
    owner = state.owner.copy()
    owner[pieces] = target
    left = set(np.unique(owner).tolist())
    objects = {each: known for each, known in {**state.objects, target: info}.items() if each in left}
    hidden = (state.hidden & left) - {target}
    return replace(state, owner=owner, objects=objects, hidden=hidden, deleted=state.deleted & left)


def _named(info: ObjectState, new: int) -> ObjectState:
    """What a new object takes over from the one that it comes from."""
    red, green, blue = default_colors(new + 1)[new]
    return replace(info, name=default_name(new), color=(red, green, blue))
