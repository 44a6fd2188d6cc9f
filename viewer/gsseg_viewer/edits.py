"""The edits: functions from one state and some pieces to the next state, or an `EditError` that says why not.

Every edit leaves out those of its pieces that are deleted, because somebody else may just have deleted them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int64, Integer
from numpy import ndarray

from gsseg.segmentation import NO_OBJECT
from gsseg.segmentation.describe import default_colors, default_name
from gsseg_viewer.state import ObjectState, State

NAME_LENGTH = 80
"""Characters of a name at most."""


class EditError(Exception):
    """An edit that cannot be made; the message says why, to the person who asked for it."""


def merge(state: State, pieces: Iterable[int]) -> State:
    """The pieces go to the object that most of their Gaussians are of, which keeps its id, name and colour."""
    merged = _there(state, pieces, "select two objects or more to merge them")
    owners = state.owner[merged]
    ids, places = np.unique(owners, return_inverse=True)
    weights = np.where(ids == NO_OBJECT, -1.0, np.bincount(places, state.sizes[merged]))
    if len(ids) < 2 or weights.max() < 0:
        raise EditError("select two objects or more to merge them")
    return _owned(state, merged, ids[np.argmax(weights)], {})


def split(state: State, pieces: Iterable[int]) -> State:
    """Each code of the pieces, which are of one object, becomes an object of its own, of the files' pieces and not of
    what was cut from them.

    Where they are all of it, the largest keeps the id and the name.
    """
    parts = _there(state, pieces, "select the one object that is to be split")
    ids = np.unique(state.owner[parts]).tolist()
    if len(ids) > 1 or ids == [NO_OBJECT]:
        raise EditError("select the one object that is to be split")
    codes, code = np.unique(state.origin[parts], return_inverse=True)
    sizes = np.bincount(code, state.sizes[parts])
    order = np.argsort(-sizes, kind="stable")
    if len(parts) < len(state.pieces_of(ids)):
        order = np.arange(len(codes))
    elif len(codes) < 2:
        raise EditError(f"{state.objects[ids[0]].name} is a single code and cannot be split further")
    else:
        order = order[1:]
    rank = np.full(len(codes), -1)
    rank[order] = np.arange(len(order))
    moved = rank[code] >= 0
    return _founded(state, parts[moved], rank[code][moved])


def split_into(state: State, parts: Sequence[Iterable[int]]) -> State:
    """Each part of one object but the largest becomes an object of its own; together they are all of it."""
    groups = [_there(state, part, "a part has nothing left") for part in parts]
    ids = np.unique(state.owner[np.concatenate(groups)]).tolist()
    if len(ids) != 1 or ids == [NO_OBJECT] or sum(map(len, groups)) != len(state.pieces_of(ids)) or len(groups) < 2:
        raise EditError("that is no longer the object that was to be split")
    groups.sort(key=lambda group: -int(state.sizes[group].sum()))
    rank = np.repeat(np.arange(len(groups) - 1), [len(group) for group in groups[1:]])
    return _founded(state, np.concatenate(groups[1:]), rank)


def move(state: State, pieces: Iterable[int], target: int | None) -> State:
    """The pieces go to object ``target``, to none (`NO_OBJECT`), or become an object of their own (None)."""
    moved = _there(state, pieces, "select something to move")
    owners = np.unique(state.owner[moved]).tolist()
    if target is None:
        if len(owners) == 1 and owners[0] != NO_OBJECT and len(moved) == len(state.pieces_of(owners)):
            raise EditError(f"{state.objects[owners[0]].name} is an object of its own already")
        return _founded(state, moved, np.zeros(len(moved), np.int64))
    if target != NO_OBJECT:
        _known(state, target)
    if owners == [target]:
        name = "no object" if target == NO_OBJECT else state.objects[target].name
        raise EditError(f"the selection belongs to {name} already")
    return _owned(state, moved, np.array(target, np.int32), {})


def rename(state: State, object_id: int, name: str) -> State:
    """The object takes another name: one line, at most `NAME_LENGTH` characters."""
    return rename_all(state, {object_id: name})


def rename_all(state: State, names: Mapping[int, str]) -> State:
    """Objects take other names, as `rename`."""
    objects = dict(state.objects)
    for object_id, typed in names.items():
        _known(state, object_id)
        name = one_line(typed)
        if not name:
            raise EditError("a name needs at least one letter")
        if len(name) > NAME_LENGTH:
            raise EditError(f"a name has at most {NAME_LENGTH} letters, this one has {len(name)}")
        if name == state.objects[object_id].name:
            raise EditError(f"it is called {name} already")
        objects[object_id] = replace(state.objects[object_id], name=name, name_confidence=None)
    return replace(state, objects=objects)


def one_line(name: str) -> str:
    """A name as it is kept: without letters that cannot be seen, with single spaces."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def hide(state: State, pieces: Iterable[int]) -> State:
    """The pieces are no longer drawn."""
    chosen = _mask(state, _there(state, pieces, "select something to hide"))
    if not (chosen & ~state.hidden).any():
        raise EditError("that is hidden already")
    return replace(state, hidden=state.hidden | chosen)


def show(state: State, pieces: Iterable[int]) -> State:
    """The pieces are drawn again, whether they were hidden or set aside."""
    chosen = _mask(state, _there(state, pieces, "select something to show"))
    if not (chosen & (state.hidden | state.aside)).any():
        raise EditError("that is shown already")
    return replace(state, hidden=state.hidden & ~chosen, aside=state.aside & ~chosen)


def isolate(state: State, pieces: Iterable[int]) -> State:
    """Only these pieces are drawn, until `show_all`."""
    chosen = _mask(state, _there(state, pieces, "select something to isolate"))
    aside = ~chosen & ~state.deleted
    hidden = state.hidden & ~chosen
    if np.array_equal(hidden | aside, (state.hidden | state.aside) & ~state.deleted):
        raise EditError("nothing else is shown already")
    return replace(state, hidden=hidden, aside=aside)


def show_all(state: State) -> State:
    """Ends isolating, so that what was hidden before it is still hidden; where nothing is isolated, nothing is hidden
    any more. What is deleted stays so."""
    none = np.zeros_like(state.hidden)
    if state.aside.any():
        return replace(state, aside=none)
    if not state.hidden.any():
        raise EditError("nothing is hidden")
    return replace(state, hidden=none)


def delete(state: State, pieces: Iterable[int]) -> State:
    """The pieces are left out of pictures and exports until this is undone; the files keep their rows."""
    chosen = _mask(state, _there(state, pieces, "select something to delete"))
    return replace(state, deleted=state.deleted | chosen, hidden=state.hidden & ~chosen, aside=state.aside & ~chosen)


def restore(state: State) -> State:
    """All that is deleted is back: undo does not reach what was deleted before opening."""
    if not state.deleted.any():
        raise EditError("nothing is deleted")
    return replace(state, deleted=np.zeros_like(state.deleted))


def _there(state: State, pieces: Iterable[int], otherwise: str) -> Int64[ndarray, " there"]:
    """The pieces that are not deleted, ascending, each once; `EditError` with the sentence where there is none."""
    chosen = np.array(sorted(set(pieces)), np.int64)
    there = chosen[~state.deleted[chosen]]
    if not len(there):
        raise EditError(otherwise if not len(chosen) else "that is no longer there")
    return there


def _known(state: State, object_id: int) -> None:
    """`EditError` for an object that is gone, because somebody else has merged or deleted it."""
    if object_id not in state.objects or object_id in state.deleted_objects:
        raise EditError(f"object {object_id} is no longer there")


def _mask(state: State, pieces: Int64[ndarray, " some"]) -> Bool[ndarray, " pieces"]:
    chosen = np.zeros(len(state.owner), bool)
    chosen[pieces] = True
    return chosen


def _owned(
    state: State, pieces: Int64[ndarray, " moved"], targets: Integer[ndarray, "..."], new: Mapping[int, ObjectState]
) -> State:
    """The pieces handed to ``targets``, one each or one for all; objects that own nothing any more are dropped.

    ``new``: what is known of targets that are new. Whoever gains or loses a piece counts as edited. What was hidden
    stays so.
    """
    owner = state.owner.copy()
    owner[pieces] = targets
    moved = owner != state.owner
    touched = {*state.owner[moved].tolist(), *owner[moved].tolist()}
    known, left = {**state.objects, **new}, np.unique(owner).tolist()
    objects = {
        each: replace(known[each], edited=True) if each in touched else known[each]
        for each in left
        if each != NO_OBJECT
    }
    return replace(state, owner=owner, objects=objects, next_id=state.next_id + len(new))


def _founded(state: State, pieces: Int64[ndarray, " moved"], group: Int64[ndarray, " moved"]) -> State:
    """The pieces as new objects, one for each ``group`` 0, 1, ..., with what is known of the one that most of the
    Gaussians are of."""
    owners, places = np.unique(state.owner[pieces], return_inverse=True)
    largest = int(owners[np.argmax(np.bincount(places, state.sizes[pieces]))])
    origin = state.objects.get(largest, ObjectState("", (0, 0, 0), 0, 0.0))
    new = range(state.next_id, state.next_id + int(group.max()) + 1)
    colors = default_colors(new.stop)
    made = {
        each: replace(origin, name=default_name(each), name_confidence=None, color=_three(colors[each])) for each in new
    }
    return _owned(state, pieces, np.array(new, np.int32)[group], made)


def _three(color: list[int]) -> tuple[int, int, int]:
    red, green, blue = color
    return red, green, blue
