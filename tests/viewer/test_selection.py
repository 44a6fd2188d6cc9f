"""Selections: levels nest, clicks add and take away, what cannot be seen is not reached."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from gsseg_viewer.edits import delete, hide, isolate, merge
from gsseg_viewer.pieces import PieceTable
from gsseg_viewer.selection import (
    LEVELS,
    PieceSelection,
    cleared,
    click,
    of_objects,
    reach,
    widened,
    without,
)
from gsseg_viewer.state import ObjectState, State
from gsseg_viewer_test_tables import codes_only

from gsseg.segmentation import NO_CODE


def world(seed: int, labels: int = 40, objects: int = 8) -> tuple[State, PieceTable]:
    """Labels of random objects and codes; the last four belong to none, two of them have no code and no feature."""
    rng = np.random.default_rng(seed)
    owner = np.append(np.arange(labels - 4) % objects, [-1] * 4).astype(np.int32)
    coarse = np.append(rng.integers(0, 6, labels - 2), [NO_CODE, NO_CODE]).astype(np.int32)
    features = rng.normal(size=(labels, 6)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    features[-2:] = 0
    table = codes_only(coarse, np.append(np.arange(labels - 2), [NO_CODE, NO_CODE]).astype(np.int32), features)
    known = {k: ObjectState(f"object {k}", (0, 0, 0), 1, 0.5) for k in range(objects)}
    return State.shown(owner, rng.integers(1, 50, labels), known), table


@pytest.mark.parametrize("seed", range(5))
def test_levels_nest(seed: int) -> None:
    whole, table = world(seed)
    for state in (whole, isolate(delete(whole, whole.pieces_of([1])), whole.pieces_of([0, 2, 3, -1]))):
        for anchor in range(len(state.owner)):
            reached = [reach(state, table, anchor, level, 1.1) for level in LEVELS]
            assert all(narrow <= wide for narrow, wide in pairwise(reached))
            assert reached[0] == {anchor}
            added = sorted(reached[-1] - {anchor})
            assert not state.gone[added].any(), "only what is shown is added"
            nobody = {bool(state.owner[each] == -1) for each in added}
            assert nobody <= {bool(state.owner[anchor] == -1)}, "to an object objects, to no object what is of none"
            distances = [reach(state, table, anchor, "similar features", far) for far in (0.0, 0.5, 1.0, 2.0)]
            assert all(near <= far for near, far in pairwise(distances))


def test_levels_are_what_their_names_say() -> None:
    state, table = world(0)
    for anchor in np.flatnonzero(state.owner >= 0).tolist():
        mine = state.owner == state.owner[anchor]
        alike = (table.coarse == table.coarse[anchor]) & (state.owner >= 0)
        expected = {
            "fine code": {anchor},
            "object": set(np.flatnonzero(mine)),
            "coarse code": set(np.flatnonzero(mine | alike)),
        }
        for level, pieces in expected.items():
            assert reach(state, table, anchor, level, 0.0) == pieces


def test_what_has_no_feature_and_no_code_is_like_nothing() -> None:
    state, table = world(0)
    everything = replace(state, owner=np.where(state.owner < 0, 7, state.owner).astype(np.int32))
    anchor, blank = 0, len(state.owner) - 1
    assert table.features[blank].tolist() == [0] * 6
    assert np.linalg.norm(table.features[anchor]) < 1.2
    far = reach(everything, table, anchor, "similar features", 1.2)
    unseen = {blank, blank - 1}
    assert not unseen & far, "its zero feature is nearer than 1.2 to every other"
    assert len(reach(everything, table, anchor, "similar features", 2.0)) == len(state.owner) - 2
    lone = replace(everything, owner=np.where(np.arange(40) == blank, 6, everything.owner).astype(np.int32))
    assert blank - 1 not in reach(lone, table, blank, "similar features", 2.0), "nor are two of them alike"
    assert reach(lone, table, blank, "similar features", 2.0) == frozenset(lone.pieces_of([6]).tolist())


def test_clicks() -> None:
    state, table = world(0)
    one = click(PieceSelection(), state, table, 3, "set")
    assert one.pieces == set(state.pieces_of([3]).tolist())
    assert one.objects(state) == [3]
    both = click(one, state, table, 5, "add")
    assert both.objects(state) == [3, 5]
    assert both.anchor == 5
    less = click(both, state, table, 5 + 8, "remove")
    assert less.objects(state) == [3], "piece 13 is of object 5 too"
    assert less.anchor == 3, "what is not selected is no anchor"
    assert click(both, state, table, None, "add") == both
    assert click(both, state, table, None, "remove") == both
    nothing = click(replace(both, level="coarse code"), state, table, None, "set")
    assert not nothing
    assert nothing == cleared(nothing)
    assert nothing.level == "coarse code"
    assert click(both, state, table, 2, "set").objects(state) == [2]


@pytest.mark.parametrize("seed", range(3))
def test_levels_of_several_clicks(seed: int) -> None:
    state, table = world(seed)
    chosen = click(click(PieceSelection(), state, table, 3, "set"), state, table, 5, "add")
    for level in LEVELS:
        wide = widened(chosen, state, table, level, 0.4)
        assert wide.pieces == reach(state, table, 3, level, 0.4) | reach(state, table, 5, level, 0.4)
        assert widened(wide, state, table, "object", 0.3) == replace(chosen, distance=0.3), "there and back again"
    idle = widened(PieceSelection(frozenset({1, 2})), state, table, "fine code", 0.1)
    assert idle.pieces == {1, 2}, "without a click there is nothing to grow from"
    assert idle.level == "fine code"


def test_objects_from_the_list() -> None:
    state, table = world(0)
    chosen = of_objects(PieceSelection(level="fine code"), state, [6, 2])
    assert chosen.pieces == set(state.pieces_of([2, 6]).tolist())
    assert chosen.level == "object"
    assert widened(chosen, state, table, "object", 0.3) == chosen
    for each in (2, 6):
        mine = state.pieces_of([each])
        assert mine[np.argmax(state.sizes[mine])] in chosen.anchors
    assert not of_objects(chosen, state, [99])
    assert not of_objects(chosen, delete(state, state.pieces_of([2])), [2])
    assert of_objects(chosen, hide(state, state.pieces_of([2])), [2]).objects(state) == [2], (
        "the list shows hidden ones too"
    )


def test_selections_outlive_edits() -> None:
    state, table = world(0)
    chosen = click(click(PieceSelection(), state, table, 3, "set"), state, table, 5, "add")
    merged = merge(state, state.pieces_of([3, 5]))
    assert chosen.objects(merged) == sorted(set(merged.objects) & {3, 5})
    assert chosen.objects(delete(state, state.pieces_of([3]))) == [5]
    assert without(chosen, frozenset(state.pieces_of([5]).tolist())).objects(state) == [3]
    assert PieceSelection().objects(state) == []
    mask = chosen.mask(len(state.owner))
    assert set(np.flatnonzero(mask).tolist()) == chosen.pieces
    assert not PieceSelection().mask(40).any()
