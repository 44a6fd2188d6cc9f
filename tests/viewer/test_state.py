"""Edits of a state: what holds after any of them, and what each of them does."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from gsseg_viewer.edits import (
    NAME_LENGTH,
    EditError,
    delete,
    hide,
    isolate,
    merge,
    move,
    rename,
    restore,
    show_all,
    split,
)
from gsseg_viewer.state import ObjectState, State
from hypothesis import given, settings
from hypothesis import strategies as st

OWNER = np.array([0, 0, 0, 1, 1, 2, 3, -1, -1], np.int32)
SIZES = np.array([5, 9, 2, 7, 1, 4, 3, 6, 8], np.int64)


def a_state() -> State:
    """Objects of 16, 8, 4 and 3 Gaussians, and two pieces of none."""
    objects = {k: ObjectState(f"object {k}", (k, k, k), 3 + k, 0.2 * k, source=k) for k in range(4)}
    return State.shown(OWNER.copy(), SIZES, objects)


def where(mask: np.ndarray) -> list[int]:
    return np.flatnonzero(mask).tolist()


def same(one: State, other: State) -> bool:
    values = ([getattr(state, each.name) for each in fields(State)] for state in (one, other))
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in zip(*values, strict=True))


def assert_consistent(state: State) -> None:
    owners = set(state.owner.tolist()) - {-1}
    assert owners == set(state.objects), "every owner is an object, and every object owns a piece"
    assert not (state.deleted & (state.hidden | state.aside)).any()
    assert np.array_equal(state.gone, state.hidden | state.aside | state.deleted)
    for each in owners:
        mine = state.owner == each
        assert state.gaussians(each) == state.sizes[mine & ~state.deleted].sum()
        assert (each in state.deleted_objects) == state.deleted[mine].all()
        assert (each in state.hidden_objects) == (state.gone[mine].all() and not state.deleted[mine].all())
    assert all(each < state.next_id for each in owners)
    assert state.owner.dtype == np.int32


pieces = st.frozensets(st.integers(0, len(OWNER) - 1), max_size=5)
edits = st.one_of(
    st.tuples(st.sampled_from([merge, split, hide, isolate, delete]), pieces),
    st.tuples(st.just(move), pieces, st.one_of(st.none(), st.integers(-1, 12))),
    st.tuples(st.just(rename), st.integers(0, 12), st.text(max_size=5)),
    st.tuples(st.sampled_from([show_all, restore])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(edits, max_size=12))
def test_any_edits_leave_a_sound_state(sequence: list[tuple]) -> None:
    state = a_state()
    seen = set(state.objects)
    for edit, *arguments in sequence:
        arrays = {each.name: getattr(state, each.name).copy() for each in fields(State) if each.name in ARRAYS}
        before, kept = state, replace(state, objects=dict(state.objects), **arrays)
        try:
            state = edit(state, *arguments)
        except EditError:
            continue
        assert same(before, kept), "the earlier version is as it was"
        assert not same(state, before), "an edit changes something"
        assert_consistent(state)
        assert state.sizes is before.sizes
        new = set(state.objects) - set(before.objects)
        assert not new & seen, "an id is given out once"
        seen |= new
        for each in set(state.objects) & set(before.objects):
            moved = not np.array_equal(state.owner == each, before.owner == each)
            assert state.objects[each].edited == (before.objects[each].edited or moved)
        if edit in (hide, isolate, delete, merge, split, move):
            chosen = np.isin(np.arange(len(OWNER)), list(arguments[0]))
            assert np.array_equal(state.owner[~chosen], before.owner[~chosen]), "who is not selected is not moved"
            assert np.array_equal(state.deleted[~chosen], before.deleted[~chosen]), "nor deleted"
            assert np.array_equal(state.hidden[~chosen], before.hidden[~chosen]), "nor hidden"


ARRAYS = ("owner", "hidden", "aside", "deleted")


def test_merging_keeps_the_largest() -> None:
    state = merge(a_state(), [3, 4, 5, 5])
    assert state.owner.tolist() == [0, 0, 0, 1, 1, 1, 3, -1, -1]
    merged = state.objects[1]
    assert (merged.name, merged.color, merged.source) == ("object 1", (1, 1, 1), 1)
    assert (merged.views, merged.agreement) == (4, 0.2), "as they were measured"
    assert merged.edited, "and that is said"
    assert not state.objects[0].edited
    tie = replace(a_state(), sizes=np.ones(9, np.int64), owner=np.arange(9, dtype=np.int32) % 4)
    assert set(merge(tie, tie.pieces_of([3, 2])).objects) == {0, 1, 2}, "of equal ones the first"


def test_merging_takes_what_is_selected_and_no_more() -> None:
    assert merge(a_state(), [1, 3]).owner.tolist() == [0, 0, 0, 0, 1, 2, 3, -1, -1], "a part stays a part"
    assert merge(a_state(), [5, 7, 8]).owner.tolist() == [0, 0, 0, 1, 1, 2, 3, 2, 2], "what was of none is the object's"


def test_splitting_makes_an_object_of_each_piece() -> None:
    state = split(a_state(), [0, 1, 2])
    assert state.owner.tolist() == [4, 0, 5, 1, 1, 2, 3, -1, -1], "the largest piece keeps the id"
    assert state.objects[0].name == "object 0"
    assert state.objects[4].name == "object 4"
    assert state.objects[4].source == 0
    assert len({state.objects[each].color for each in (4, 5)}) == 2
    assert split(a_state(), [1, 2]).owner.tolist() == [0, 4, 5, 1, 1, 2, 3, -1, -1], "of a part all leave"
    hidden = hide(a_state(), [0, 2])
    assert where(split(hidden, [0, 1, 2]).hidden) == [0, 2], "what is hidden stays so"
    for chosen, said in (([5], "single code"), ([0, 3], "the one object"), ([7, 8], "the one object")):
        with pytest.raises(EditError, match=said):
            split(a_state(), chosen)


def test_moving_to_another_object_to_none_and_to_a_new_one() -> None:
    state = move(a_state(), {6, 7}, 1)
    assert state.owner.tolist() == [0, 0, 0, 1, 1, 2, 1, 1, -1]
    assert set(state.objects) == {0, 1, 2}
    assert move(a_state(), {0, 6}, -1).owner.tolist() == [-1, 0, 0, 1, 1, 2, -1, -1, -1]
    new = move(a_state(), [2, 3], None)
    assert new.owner.tolist() == [0, 0, 4, 4, 1, 2, 3, -1, -1]
    assert (new.objects[4].source, new.objects[4].views) == (1, 4), "it takes over from where most comes from"
    nobody = move(a_state(), [7], None)
    assert (nobody.objects[4].source, nobody.objects[4].views) == (None, 0)
    for chosen, target, said in (
        ([], 1, "select something"), ([3, 4], 1, "already"), ([3, 4], None, "already"), ([7], -1, "no object already")
    ):  # fmt: skip
        with pytest.raises(EditError, match=said):
            move(a_state(), chosen, target)
    gone = delete(a_state(), [6])
    assert move(gone, [5, 6], 1).owner[6] == 3, "what is deleted stays where it is"
    with pytest.raises(EditError, match="no longer there"):
        move(gone, [6], 1)


@pytest.mark.parametrize(
    ("typed", "name"),
    [(" a\tchair\n", "a chair"), ("Stühle 椅子", "Stühle 椅子"), ("\u202egnp.exe", "gnp.exe"), ("\ud800x", "x")],
)
def test_a_name_is_one_line(typed: str, name: str) -> None:
    assert rename(a_state(), 1, typed).objects[1].name == name


@pytest.mark.parametrize("typed", ["", " \n", "\u202e", "x" * (NAME_LENGTH + 1), "object 1"])
def test_what_is_no_new_name(typed: str) -> None:
    with pytest.raises(EditError):
        rename(a_state(), 1, typed)


def test_what_is_drawn() -> None:
    alone = isolate(delete(a_state(), [6]), [3, 4])
    assert where(alone.gone) == [0, 1, 2, 5, 6, 7, 8], "what belongs to none is not drawn either"
    assert where(show_all(alone).gone) == [6]
    assert where(hide(a_state(), [5, 5]).gone) == [5]
    assert not delete(hide(a_state(), [5]), [5]).hidden.any()
    assert not restore(delete(a_state(), [3, 5])).deleted.any()
    part = delete(a_state(), [1])
    assert part.gaussians(0) == 7
    assert part.pieces_of([0]).tolist() == [0, 2]


def test_what_was_hidden_before_isolating_is_hidden_after_it() -> None:
    hidden = hide(a_state(), [0, 7])
    again = show_all(hide(isolate(hidden, [3, 4, 5]), [5]))
    assert where(again.gone) == [0, 5, 7]
    assert not show_all(again).gone.any(), "the second time it shows these too"
    assert where(show_all(isolate(hidden, [0])).gone) == [7], "what was isolated is shown"


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: merge(s, [3, 4]), lambda s: merge(s, [3, 6]), lambda s: merge(s, [7, 8]), lambda s: split(s, [6]),
        lambda s: rename(s, 9, "x"), lambda s: rename(s, 3, "x"), lambda s: hide(s, []), lambda s: hide(s, [0, 1, 2]),
        lambda s: isolate(s, []), lambda s: delete(s, [6]), lambda s: delete(s, []), lambda s: move(s, [0], 3),
        lambda s: restore(restore(s)), lambda s: isolate(isolate(s, [1]), [1]), lambda s: show_all(show_all(s)),
    ],
)  # fmt: skip
def test_edits_that_cannot_be_made(edit: Callable[[State], State]) -> None:
    """Object 0 is hidden, object 3 deleted."""
    with pytest.raises(EditError, match=r"\w+ \w+"):
        edit(hide(delete(a_state(), [6]), [0, 1, 2]))
