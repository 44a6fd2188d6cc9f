"""Colours mean what their legend says, the selection stands out of every colouring, and nothing is computed twice."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from gsseg_viewer import colors as module
from gsseg_viewer.colors import (
    COLORINGS,
    COMPARING,
    GREY,
    RAMP,
    Coloring,
    alphas,
    colors,
    dimmed,
    legend,
    lit,
    piece_colors,
)
from gsseg_viewer.document import Document
from gsseg_viewer.edits import delete, hide, isolate, merge, show_all
from gsseg_viewer.pieces import PieceTable
from gsseg_viewer.selection import PieceSelection, of_objects
from gsseg_viewer.state import ObjectState, State
from gsseg_viewer_test_tables import codes_only

from gsseg.scene.sh import base_colors

LUMA = np.array([0.299, 0.587, 0.114])

OWN = tuple(each for each in COLORINGS if each not in COMPARING)
"""Of the segmentation itself; the others are for test_comparison.py."""


@pytest.fixture
def document(balls_made: Any) -> Document:
    return balls_made.document()


def made_of(owner: list[int], fine: list[int], features: np.ndarray | None = None) -> tuple[PieceTable, State]:
    """A table and a state of labels of ten Gaussians each; objects agree to tenths of their id."""
    labels = len(owner)
    features = np.zeros((labels, 6)) if features is None else features
    table = codes_only(np.array(fine, np.int32) // 10, np.array(fine, np.int32), features.astype(np.float32))
    objects = {each: ObjectState(f"object {each}", (each, 2, 3), 1, each / 10) for each in set(owner) - {-1}}
    return table, State.shown(np.array(owner, np.int32), np.full(labels, 10), objects)


def test_all_colourings_are_offered():
    assert get_args(Coloring) == COLORINGS


@pytest.mark.parametrize("coloring", OWN)
def test_rows_of_a_label_share_its_colour(coloring: Coloring, document: Document):
    found = colors(document, document.state, coloring, PieceSelection())
    assert found.shape == (len(document.gaussians), 3)
    assert found.dtype == np.uint8
    if coloring != "photo":
        by_label = piece_colors(document.division.table, document.state, coloring, document.shared.classes)
        assert np.array_equal(found, by_label[document.pieces])


def test_photo_is_the_base_colour_rounded(document: Document):
    wanted = np.round(base_colors(document.gaussians).numpy() * 255)
    assert np.array_equal(colors(document, document.state, "photo", PieceSelection()), wanted)
    with pytest.raises(ValueError, match="photo"):
        piece_colors(document.division.table, document.state, "photo")


def test_objects_have_the_colour_of_their_state(document: Document):
    state = document.state
    found = colors(document, state, "object", PieceSelection())
    ids = document.object_ids(state)
    for each, info in state.objects.items():
        assert (found[ids == each] == info.color).all()
    grey = found[ids == -1]
    assert (grey == grey[:, :1]).all()
    lightness = document.division.table.colors[document.pieces][ids == -1] @ LUMA
    assert (np.diff(grey[np.argsort(lightness), 0].astype(int)) >= 0).all(), "lighter where the photos are"
    joined = merge(state, state.pieces_of([0, 1]))
    found = colors(document, joined, "object", PieceSelection())
    assert (found[ids <= 1] == joined.objects[0].color).sum() == 3 * 1400
    assert not (found[ids == 1] == state.objects[1].color).all()


def test_codes_have_distinct_colours_and_what_has_none_is_grey():
    table, state = made_of([0, 0, 1, 2, -1], [3, 14, 15, 27, -1])
    fine = piece_colors(table, state, "fine code")
    assert len(np.unique(fine, axis=0)) == 5
    assert tuple(fine[4]) == GREY
    coarse = piece_colors(replace(table, coarse=np.array([0, 1, 1, 2, -1], np.int32)), state, "coarse code")
    assert np.array_equal(coarse[1], coarse[2])
    assert len(np.unique(coarse, axis=0)) == 4
    assert tuple(coarse[4]) == GREY


def test_agreement_climbs_the_ramp():
    table, state = made_of([0, 3, 5, 6, 8, 9, 10, -1], list(range(8)))
    found = piece_colors(table, state, "agreement")
    assert [tuple(each) for each in found[[0, 1, 2]].tolist()] == [RAMP[0]] * 3
    assert tuple(found[6].tolist()) == RAMP[-1]
    assert (np.diff(found[2:7] @ LUMA) > 0).all()
    assert tuple(found[7]) == GREY


def test_near_features_have_near_colours():
    rng = np.random.default_rng(0)
    centres = np.eye(6)[[0, 1, 2, 3]]
    features = np.repeat(centres, 5, axis=0) + rng.normal(0, 0.01, (20, 6))
    table, state = made_of([*range(19), -1], [*range(20)], features)
    found = piece_colors(table, state, "feature").astype(float)
    groups = np.arange(20) // 5
    apart = np.linalg.norm(found[:19, None] - found[None, :19], axis=2)
    same = groups[:19, None] == groups[None, :19]
    assert apart[same].max() < 0.3 * apart[~same].min()
    assert tuple(found[19]) == GREY
    assert np.array_equal(found, piece_colors(table, state, "feature"))


def test_features_that_do_not_differ_are_one_colour():
    table, state = made_of([0, 1], [0, 1])
    found = piece_colors(table, state, "feature")
    assert np.array_equal(found[0], found[1])
    table, state = made_of([-1], [-1])
    assert tuple(piece_colors(table, state, "feature")[0]) == GREY


@pytest.mark.parametrize("coloring", OWN)
def test_the_selection_stands_out(coloring: Coloring, document: Document):
    state = document.state
    chosen = of_objects(PieceSelection(), state, [1])
    plain, found = (colors(document, state, coloring, each) for each in (PieceSelection(), chosen))
    on = document.object_ids(state) == 1
    assert np.array_equal(found[on], lit(plain[on]))
    assert np.array_equal(found[~on], dimmed(plain[~on]))


def test_lit_is_brighter_than_dimmed_whatever_the_colours():
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    every = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    on, off = lit(every) @ LUMA, dimmed(every) @ LUMA
    assert (on - off > 75).all()
    assert on.min() > 80
    assert off.max() < 145


def test_bright_colours_are_not_washed_out():
    """The saturation of what is selected stays: a bright colour is shown as it is, no colour becomes a pale one."""
    bright = np.array([[160, 235, 90], [240, 200, 60], [250, 160, 160]], np.uint8)
    assert np.array_equal(lit(bright), bright)
    vivid = np.array([[200, 40, 40], [30, 110, 220], [40, 150, 60]], np.uint8)
    kept = np.ptp(lit(vivid).astype(float), axis=1) / np.ptp(vivid.astype(float), axis=1)
    assert (kept > 0.6).all()


def test_what_is_isolated_keeps_its_colours(document: Document):
    state = isolate(document.state, document.state.pieces_of([1]))
    chosen = of_objects(PieceSelection(), state, [1])
    plain, found = (colors(document, state, "photo", each) for each in (PieceSelection(), chosen))
    on = document.object_ids(state) == 1
    assert np.array_equal(found[on], plain[on])
    part = PieceSelection(frozenset(sorted(chosen.pieces)[:1]))
    assert not np.array_equal(colors(document, state, "photo", part)[on], plain[on]), "a part of it stands out"


def test_hidden_deleted_and_undrawable_have_no_opacity(document: Document):
    state = document.state
    ids = document.object_ids(state)
    plain = alphas(document, state)
    assert np.array_equal(plain, np.round(document.gaussians.opacities.numpy() * 255))
    changed = delete(hide(state, state.pieces_of([0])), state.pieces_of([2]))
    assert np.array_equal(alphas(document, changed), np.where(np.isin(ids, [0, 2]), 0, plain))
    assert np.array_equal(alphas(document, show_all(changed)), np.where(ids == 2, 0, plain))


def test_photo_colours_are_computed_once_and_protected(document: Document, monkeypatch: pytest.MonkeyPatch):
    first = colors(document, document.state, "photo", PieceSelection())
    monkeypatch.setattr(module, "base_colors", None)
    assert np.shares_memory(first, colors(document, document.state, "photo", PieceSelection()))
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


@pytest.mark.parametrize("coloring", OWN)
def test_legends_are_a_sentence_and_show_colours_that_occur(coloring: Coloring, document: Document):
    said = legend(document.state, coloring)
    assert said.text.endswith(".")
    assert bool(said.ramp) == (coloring == "agreement") == all(said.ramp_ends)
    if coloring == "photo":
        assert said.swatches == []
        return
    shown = {tuple(each) for each in piece_colors(document.division.table, document.state, coloring).tolist()}
    occurring = {color for color, _ in said.swatches} - ({GREY} if coloring in ("object", "class") else set())
    assert occurring <= shown, "what is of no object is grey of any lightness"


def test_the_legend_names_the_largest_objects_that_are_drawn(document: Document):
    state = document.state
    state = merge(hide(state, state.pieces_of([2])), state.pieces_of([1, 3]))
    names = [name for _, name in legend(state, "object").swatches]
    assert names == [state.objects[1].name, state.objects[0].name, "no object"]


@pytest.mark.parametrize("coloring", OWN)
def test_in_large_scenes_a_selection_changes_nothing_else(coloring: Coloring, document: Document, monkeypatch: Any):
    """So a click there sends what it selects and no more; and what it selects stands out further."""
    state, chosen = document.state, of_objects(PieceSelection(), document.state, [2])
    plain, small = colors(document, state, coloring, PieceSelection()), colors(document, state, coloring, chosen)
    monkeypatch.setattr(module, "DIMMED_UP_TO", 10)
    large = colors(document, state, coloring, chosen)
    inside = document.object_ids(state) == 2
    assert np.array_equal(large[~inside], plain[~inside])
    assert not np.array_equal(small[~inside], plain[~inside])
    assert (large[inside] @ LUMA > small[inside] @ LUMA).all()
