"""Edits of a state: what holds after any of them, and what each of them does."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from gsseg_viewer.state import (
    NAME_LENGTH,
    EditError,
    ObjectState,
    State,
    delete,
    hide,
    isolate,
    largest_first,
    merge,
    move,
    rename,
    renumbered,
    restore,
    show_all,
    split,
)
from hypothesis import given, settings
from hypothesis import strategies as st

OWNER = np.array([0, 0, 0, 1, 1, 2, 3, -1, -1], np.int32)
SIZES = np.array([5, 9, 2, 7, 1, 4, 3, 6, 8], np.int64)


def a_state() -> State:
    """Objects of 16, 8, 4 and 3 Gaussians, and two labels of none."""
    objects = {k: ObjectState(f"object {k}", (k, k, k), 3 + k, 0.2 * k, source=k) for k in range(4)}
    return State(OWNER.copy(), SIZES, objects, next_id=4)


def same(one: State, other: State) -> bool:
    return np.array_equal(one.owner, other.owner) and replace(one, owner=OWNER, sizes=SIZES).__dict__ == {
        **other.__dict__, "owner": OWNER, "sizes": SIZES,
    }  # fmt: skip


def assert_consistent(state: State) -> None:
    owners = set(state.owner.tolist()) - {-1}
    assert owners == set(state.objects), "every owner is an object, and every object owns a label"
    assert state.hidden <= owners
    assert state.deleted <= owners
    assert not state.hidden & state.deleted
    assert all(each < state.next_id for each in owners)
    assert state.owner.dtype == np.int32


ids = st.lists(st.integers(0, 12), max_size=4)
labels = st.frozensets(st.integers(0, len(OWNER) - 1), max_size=5)
edits = st.one_of(
    st.tuples(st.just(merge), ids),
    st.tuples(st.just(split), st.integers(0, 12)),
    st.tuples(st.just(move), labels, st.one_of(st.none(), st.integers(0, 12))),
    st.tuples(st.just(rename), st.integers(0, 12), st.text(max_size=5)),
    st.tuples(st.sampled_from([hide, isolate, delete, restore]), ids),
    st.tuples(st.sampled_from([show_all, restore])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(edits, max_size=12))
def test_any_edits_leave_a_sound_state(sequence: list[tuple]) -> None:
    state = a_state()
    seen = set(state.objects)
    for edit, *arguments in sequence:
        before, kept = state, replace(state, owner=state.owner.copy(), objects=dict(state.objects))
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
    numbers = largest_first(state, state.next_id)
    assert sorted(numbers) == sorted(numbers.values()) == list(range(state.next_id))
    anew = renumbered(state, numbers)
    assert_consistent(anew)
    assert sorted(anew.objects) == list(range(len(state.objects)))
    sizes = [anew.gaussians(each) for each in range(len(anew.objects))]
    assert sizes == sorted(sizes, reverse=True)
    back = renumbered(anew, {new: old for old, new in numbers.items()})
    assert same(replace(back, numbering=state.numbering), state)
    assert renumbered(anew, largest_first(anew, anew.next_id)).objects == anew.objects


def test_merging_keeps_the_largest() -> None:
    state = merge(hide(a_state(), [0, 1]), [2, 1, 1])
    assert state.owner.tolist() == [0, 0, 0, 1, 1, 1, 3, -1, -1]
    merged = state.objects[1]
    assert (merged.name, merged.color, merged.source) == ("object 1", (1, 1, 1), 1)
    assert merged.views == 5
    assert merged.agreement == pytest.approx((8 * 0.2 + 4 * 0.4) / 12, abs=1e-4)
    assert state.hidden == {0}, "what was merged is shown"
    tie = replace(a_state(), sizes=np.ones(9, np.int64), owner=np.arange(9, dtype=np.int32) % 4)
    assert set(merge(tie, [3, 2]).objects) == {0, 1, 2}, "of equal ones the first"


def test_splitting_makes_an_object_of_each_label() -> None:
    state = split(a_state(), 0)
    assert state.owner.tolist() == [4, 0, 5, 1, 1, 2, 3, -1, -1], "the largest label keeps the id"
    assert state.objects[0].name == "object 0"
    assert state.objects[4].name == "object 4"
    assert state.objects[4].source == 0
    assert len({state.objects[each].color for each in (4, 5)}) == 2
    assert split(hide(a_state(), [0]), 0).hidden == {0, 4, 5}, "what is hidden stays so in pieces"
    with pytest.raises(EditError, match="single code"):
        split(a_state(), 2)


def test_moving_to_another_object_and_to_a_new_one() -> None:
    state = move(a_state(), {6, 7}, 1)
    assert state.owner.tolist() == [0, 0, 0, 1, 1, 2, 1, 1, -1]
    assert set(state.objects) == {0, 1, 2}
    new = move(a_state(), [2, 3], None)
    assert new.owner.tolist() == [0, 0, 4, 4, 1, 2, 3, -1, -1]
    assert (new.objects[4].source, new.objects[4].views) == (1, 4), "it takes over from where most comes from"
    nobody = move(a_state(), [7], None)
    assert (nobody.objects[4].source, nobody.objects[4].views) == (None, 0)
    for chosen, target, said in (([], 1, "select something"), ([3, 4], 1, "already"), ([3, 4], None, "already")):
        with pytest.raises(EditError, match=said):
            move(a_state(), chosen, target)
    gone = delete(a_state(), [3])
    assert move(gone, [5, 6], 1).owner[6] == 3, "what is deleted stays where it is"
    with pytest.raises(EditError, match="select something"):
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
    alone = isolate(delete(a_state(), [3]), [1])
    assert alone.gone == {0, 2, 3, -1}, "the rest is hidden too"
    assert show_all(alone).gone == {3}
    assert hide(a_state(), [2, 2]).gone == {2}
    assert delete(hide(a_state(), [2]), [2]).hidden == frozenset()
    assert restore(delete(a_state(), [1, 2]), [2]).deleted == {1}
    assert restore(delete(a_state(), [1, 2])).deleted == frozenset()


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: merge(s, [1]), lambda s: merge(s, [1, 3]), lambda s: split(s, 3), lambda s: rename(s, 9, "x"),
        lambda s: hide(s, []), lambda s: hide(s, [0]), lambda s: isolate(s, []), lambda s: delete(s, [3]),
        lambda s: delete(s, []), lambda s: restore(s, [1]), lambda s: move(s, [0], 3),
        lambda s: isolate(isolate(s, [1]), [1]), lambda s: show_all(show_all(s)),
    ],
)  # fmt: skip
def test_edits_that_cannot_be_made(edit: Callable[[State], State]) -> None:
    """Object 0 is hidden, object 3 deleted."""
    with pytest.raises(EditError, match=r"\w+ \w+"):
        edit(hide(delete(a_state(), [3]), [0]))


def test_default_names_follow_their_ids() -> None:
    state = rename(rename(a_state(), 1, "chair"), 2, "object 0")
    anew = renumbered(state, {0: 3, 1: 0, 2: 1, 3: 2})
    assert [anew.objects[each].name for each in range(4)] == ["chair", "object 0", "object 2", "object 3"]
    assert anew.owner.tolist() == [3, 3, 3, 0, 0, 1, 2, -1, -1]
    assert anew.numbering == 1
