"""Cutting pieces: nothing that is seen, saved, reached or undone changes, and a part can be edited exactly."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gsseg_viewer import edits
from gsseg_viewer.colors import alphas, colorings_of, colors
from gsseg_viewer.document import Document
from gsseg_viewer.saving import edits_of, save
from gsseg_viewer.selection import LEVELS, PieceSelection, of_objects, reach
from gsseg_viewer.state import State
from gsseg_viewer.unsaved import unsaved_json

from gsseg.run import Run


def some_mask(document: Document, rng: np.random.Generator) -> np.ndarray:
    """A ball about a random Gaussian, which takes most pieces in part."""
    means = document.gaussians.means.numpy()
    return np.linalg.norm(means - means[rng.integers(len(means))], axis=1) < rng.uniform(0.05, 0.8)


def content(document: Document, state: State) -> list[Any]:
    """Whatever is seen, saved or kept of a state."""
    selection = of_objects(PieceSelection(), state, [0, 2])
    saved = edits_of(document, state)
    marks = [getattr(saved.marks, name) for name in ("hidden", "aside", "deleted")]
    shown = [
        colors(document, state, coloring, chosen)
        for coloring in colorings_of(document)
        for chosen in (selection, NOTHING)
    ]
    return [saved.object_ids, *marks, saved.objects, saved.came_from, alphas(document, state), *shown]


NOTHING = PieceSelection()


def same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in zip(one, other, strict=True))


def edited(document: Document) -> None:
    """A history of several edits, one of them undone."""
    state = document.state
    of = state.pieces_of
    document.apply("merge", lambda state: edits.merge(state, of([0, 1])))
    document.apply("hide", lambda state: edits.hide(state, of([2])))
    document.apply("delete", lambda state: edits.delete(state, of([3])[:1]))
    document.apply("rename", lambda state: edits.rename(state, 0, "one"))
    document.undo()


@pytest.mark.parametrize("seed", range(4))
def test_cutting_changes_nothing_that_is_seen_saved_or_undone(balls: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole, cut = balls.document(), balls.document()
    for document in (whole, cut):
        edited(document)
    for _ in range(5):
        cut.refine(some_mask(cut, rng))
    assert len(cut.division) > len(whole.division) + 4
    assert cut.history() == whole.history()
    assert cut.unsaved
    kept = [json.loads(unsaved_json(*each.to_keep()[1:])) for each in (whole, cut)]
    assert kept[0] == {**kept[1], "time": kept[0]["time"]}
    assert same(content(whole, whole.state), content(cut, cut.state))
    for _ in range(3):
        whole.undo()
        cut.undo()
        assert same(content(whole, whole.state), content(cut, cut.state))
    assert not cut.unsaved
    for _ in range(4):
        whole.redo()
        cut.redo()
        cut.refine(some_mask(cut, rng))
        assert same(content(whole, whole.state), content(cut, cut.state))


@pytest.mark.parametrize("seed", range(3))
def test_a_click_reaches_the_same_gaussians_after_cutting(balls: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole, cut = balls.document(), balls.document()
    for _ in range(4):
        cut.refine(some_mask(cut, rng))
    rows = rng.choice(len(whole.pieces), 12, replace=False)
    rows = np.append(rows, np.flatnonzero(whole.object_ids(whole.state) == -1)[:3])
    for row in rows:
        for level in LEVELS:
            found = []
            for each in (whole, cut):
                reached = reach(each.state, each.division.table, int(each.pieces[row]), level, 0.3)
                found.append(each.rows(reached))
            assert np.array_equal(*found)


@pytest.mark.parametrize("seed", range(3))
def test_every_piece_is_inside_or_outside_and_numbers_are_only_added(balls: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    document = balls.document()
    first, counts = document.pieces.copy(), [len(document.division)]
    earlier = [document.pieces.copy()]
    for _ in range(4):
        mask = some_mask(document, rng)
        state, inside = document.refine(mask)
        pieces = document.pieces
        assert set(pieces[mask].tolist()) == set(inside.tolist())
        assert not np.isin(pieces[~mask], inside).any()
        assert np.array_equal(state.sizes, np.bincount(pieces))
        assert np.array_equal(document.division.first, np.unique(pieces, return_index=True)[1])
        assert np.array_equal(state.origin[pieces], first)
        left = ~mask & (pieces < counts[-1])
        assert np.array_equal(pieces[left], earlier[-1][left]), "what is left keeps its number"
        assert document.refine(mask)[0] is document.state, "cutting again cuts nothing"
        earlier.append(pieces.copy())
        counts.append(len(document.division))
    for count, pieces in zip(counts, earlier, strict=True):
        assert np.array_equal(document.division.as_of(count), pieces)
        assert len(document.division.table_as_of(count).fine) == count
        some = frozenset(rng.choice(count, 3, replace=False).tolist())
        followed = document.division.followed(some, count)
        assert np.array_equal(np.isin(document.pieces, list(followed)), np.isin(pieces, list(some)))


def test_a_part_is_edited_exactly_and_undone_exactly(balls: Any) -> None:
    document = balls.document()
    ids = document.object_ids(document.state)
    mask = document.gaussians.means.numpy()[:, 0] < -1.2
    _, inside = document.refine(mask)
    document.apply("move", lambda state: edits.move(state, inside.tolist(), 3))
    assert np.array_equal(document.object_ids(document.state), np.where(mask, 3, ids))
    other = some_mask(document, np.random.default_rng(0))
    document.refine(other)
    assert np.array_equal(document.object_ids(document.state), np.where(mask, 3, ids))
    document.undo()
    assert np.array_equal(document.object_ids(document.state), ids)
    assert not document.unsaved
    document.redo()
    again = save(document)
    assert np.array_equal(Run.open(again).object_ids, np.where(mask, 3, ids))


def test_edits_of_parts_are_found_again(balls: Any) -> None:
    document = balls.document()
    _, inside = document.refine(document.gaussians.means.numpy()[:, 2] > 0.1)
    document.apply("delete", lambda state: edits.delete(state, inside.tolist()))
    run, unsaved, base = document.to_keep()
    assert unsaved is not None
    run.source.unsaved_path.write_text(unsaved_json(unsaved, base))
    again = balls.document()
    assert again.recovered
    assert np.array_equal(again.shown(again.state), document.shown(document.state))


def test_saving_while_somebody_cuts_leaves_nothing_unsaved(balls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    document = balls.document()
    document.apply("rename", lambda state: edits.rename(state, 0, "one"))
    write = Run.save

    def slow(run: Run, *edits: Any) -> Run:
        document.refine(document.gaussians.means.numpy()[:, 2] > 0.1)
        return write(run, *edits)

    monkeypatch.setattr(Run, "save", slow)
    save(document)
    assert not document.unsaved
    assert document.state is document.saved


def test_splitting_is_into_codes_however_they_were_cut(balls: Any) -> None:
    whole, cut = balls.document(), balls.document()
    cut.refine(some_mask(cut, np.random.default_rng(1)))
    for document in (whole, cut):
        pieces = document.state.pieces_of([0])
        document.apply("split", lambda state, pieces=pieces: edits.split(state, pieces))
    assert np.array_equal(whole.object_ids(whole.state), cut.object_ids(cut.state))


def test_a_selection_follows_what_others_cut(stage: Any) -> None:
    one, other = stage.enter(), stage.enter()
    document = one.document
    one.select(of_objects(one.selection, document.state, [1]))
    rows, count = document.rows(one.selection.pieces), len(document.division)
    mask = document.gaussians.means.numpy()[:, 2] > 0.0
    document.refine(mask)
    assert len(document.division) > count
    assert np.array_equal(document.rows(one.selection.pieces), rows)
    _, inside = document.refine(mask & (document.object_ids(document.state) == 1))
    other.edit("delete", lambda state: edits.delete(state, inside.tolist()))
    assert np.array_equal(document.rows(one.selection.pieces), rows[~mask[rows]])
    document.refine(document.gaussians.means.numpy()[:, 1] > 0.0)
    other.undo()
    assert np.array_equal(document.rows(one.selection.pieces), rows), "selected again, although it was cut since"


def test_a_selection_of_a_part_survives_a_reload(balls: Any) -> None:
    from urllib.parse import quote

    from gsseg_viewer.recall import Recall, remembered

    document = balls.document()
    _, inside = document.refine(document.gaussians.means.numpy()[:, 2] > 0.1)
    chosen = PieceSelection(frozenset(inside.tolist()), fixed=frozenset(inside.tolist()))
    address = f"/?session={quote(remembered(document, chosen, 'photo', True))}"
    assert Recall.of(address).selection(document).pieces == chosen.pieces


def test_many_strokes_cost_little(balls: Any, tmp_path: Path) -> None:
    """Versions share what they shared: a history of edits that touched nothing but names holds one array of owners."""
    document = balls.document()
    for name in "abcdef":
        document.apply("rename", lambda state, name=name: edits.rename(state, 0, name))
    document.refine(some_mask(document, np.random.default_rng(2)))
    assert len({id(state.owner) for state, _ in document._versions}) == 1
