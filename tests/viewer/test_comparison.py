"""Another segmentation of the same Gaussians: what is the same looks the same, what differs is found exactly."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gsseg_viewer import actions
from gsseg_viewer.camera import Surroundings
from gsseg_viewer.colors import COMPARING, GREY, Coloring, colorings_of, colors, legend
from gsseg_viewer.comparison import SAME, matched
from gsseg_viewer.document import Document
from gsseg_viewer.edits import EditError, move
from gsseg_viewer.recall import Recall, Remembered
from gsseg_viewer.selection import PieceSelection, of_objects
from gsseg_viewer.session import Session
from gsseg_viewer.splats import SplatNodes

from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run
from gsseg.segmentation import NO_OBJECT
from gsseg.segmentation.table import table_from_json, table_json


def overlaps(one: np.ndarray, other: np.ndarray) -> dict[tuple[int, int], float]:
    """Intersection over union of every pair of objects, object by object."""
    return {
        (a, b): ((one == a) & (other == b)).sum() / ((one == a) | (other == b)).sum()
        for a in set(one.tolist()) - {NO_OBJECT}
        for b in set(other.tolist()) - {NO_OBJECT}
    }


@pytest.mark.parametrize("seed", range(4))
def test_objects_that_are_the_same(seed: int) -> None:
    """Above a half there is no choice: whoever overlaps so much is the one."""
    rng = np.random.default_rng(seed)
    one = rng.integers(-1, 6, 500).astype(np.int32)
    other = np.where(rng.random(500) < 0.2, rng.integers(-1, 9, 500), (one + 3) % 7 - (one == NO_OBJECT)).astype(
        np.int32
    )
    found = matched(one, other)
    wanted = {a: b for (a, b), iou in overlaps(one, other).items() if iou > SAME}
    assert found == wanted
    assert len(found) >= 3
    assert matched(one, one) == {each: each for each in range(6)}
    assert matched(one, np.full(500, NO_OBJECT, np.int32)) == {}


def test_halves_are_one_at_most() -> None:
    whole, halves = np.zeros(4, np.int32), np.array([0, 0, 1, 1], np.int32)
    assert matched(halves, whole) == {0: 0}
    assert matched(whole, halves) == {0: 0}


@pytest.fixture
def other(balls: Any, tmp_path: Path) -> Path:
    """The same balls: 0 and 1 have changed places in the table, 2 is cut in two, of 3 five Gaussians are nobody's."""
    path = tmp_path / "other"
    path.mkdir()
    file = read_splats(balls.path / "segmented.ply")
    ids = file.columns["object_id"].astype(np.int32)
    x = file.columns["x"]
    changed = np.select([ids == 0, ids == 1, (ids == 2) & (x > np.median(x[ids == 2]))], [1, 0, 4], ids).astype(
        np.int32
    )
    changed[np.flatnonzero(ids == 3)[:5]] = NO_OBJECT
    write_splats(path / "segmented.ply", file.columns, {"object_id": changed})
    table = table_from_json((balls.path / "objects.json").read_text())
    table = [replace(row, name=f"other {row.id}", color=[9, 9, 9]) for row in [*table, replace(table[2], id=4)]]
    (path / "objects.json").write_text(table_json(table))
    return path


def test_what_is_the_same_has_our_colours(balls: Any, other: Path) -> None:
    document = Document(Run.open(balls.path), other=Run.open(other))
    ids, theirs = document.run.object_ids, Run.open(other).object_ids
    assert colorings_of(document)[-2:] == COMPARING
    ours = colors(document, document.state, "object", PieceSelection())
    shown = colors(document, document.state, "other run", PieceSelection())
    for each in (0, 1):
        assert np.array_equal(shown[ids == each], ours[ids == each])
    halves = [np.unique(shown[(ids == 2) & (theirs == k)], axis=0) for k in (2, 4)]
    assert [len(half) for half in halves] == [1, 1]
    assert not np.array_equal(halves[0], halves[1])
    assert (shown[theirs == NO_OBJECT] == GREY).all()
    assert legend(document.state, "other run").text
    lit = colors(document, document.state, "other run", of_objects(PieceSelection(), document.state, [0]))
    assert not np.array_equal(lit[ids == 1], shown[ids == 1]), "what is not selected is dimmed"


def test_what_differs_is_selected_exactly(balls: Any, other: Path, open_desk: Any) -> None:
    desk = open_desk(Document(Run.open(balls.path), other=Run.open(other)))
    session, document = desk.session, desk.session.document
    ids, theirs = document.run.object_ids, Run.open(other).object_ids
    same = matched(theirs, ids)
    expected = np.array(
        [same.get(a, -2) != b if a != NO_OBJECT else b != NO_OBJECT for a, b in zip(theirs, ids, strict=True)]
    )
    assert expected[(ids == 3) & (theirs == NO_OBJECT)].all()
    actions.select_differing(session, "other run")
    assert np.array_equal(document.rows(session.selection.pieces), np.flatnonzero(expected))
    assert expected.sum() == (ids == 2).sum() // 2 + 5


def test_before_and_after_an_edit(balls: Any, open_desk: Any) -> None:
    desk = open_desk(balls.document())
    session, document = desk.session, desk.session.document
    assert colorings_of(document)[-1] == "as opened"
    with pytest.raises(EditError, match="nothing differs"):
        actions.select_differing(session, "as opened")
    with pytest.raises(EditError, match="--compare"):
        actions.select_differing(session, "other run")
    before = colors(document, document.state, "as opened", PieceSelection()).copy()
    ours = colors(document, document.state, "object", PieceSelection())
    one = document.run.object_ids == 1
    assert np.array_equal(before[one], ours[one])
    document.apply("", lambda state: move(state, state.pieces_of([1])[:1], NO_OBJECT))
    assert np.array_equal(colors(document, document.state, "as opened", PieceSelection()), before)
    actions.select_differing(session, "as opened")
    moved = document.object_ids(document.state) != document.run.object_ids
    assert moved.any()
    assert np.array_equal(document.rows(session.selection.pieces), np.flatnonzero(moved))


def test_the_panel_says_what_it_is_in_the_other_run(balls: Any, other: Path) -> None:
    document = Document(Run.open(balls.path), other=Run.open(other))
    comparison = document.comparisons["other run"]
    shares = comparison.shares(document.rows(frozenset(document.state.pieces_of([2]).tolist())))
    assert {each for each, _ in shares} == {2, 4}
    assert sum(share for _, share in shares) == pytest.approx(1)


def test_runs_of_other_splats_are_refused(balls: Any, tmp_path: Path) -> None:
    path = tmp_path / "less"
    path.mkdir()
    file = read_splats(balls.path / "segmented.ply")
    write_splats(path / "segmented.ply", file.columns[1:])
    (path / "objects.json").write_text((balls.path / "objects.json").read_text())
    with pytest.raises(InputError, match=r"less: holds \d+ Gaussians"):
        Document(Run.open(balls.path), other=Run.open(path))
    x = file.columns["x"] + 1
    write_splats(path / "segmented.ply", file.columns, {"x": x})
    with pytest.raises(InputError, match="other splats"):
        Document(Run.open(balls.path), other=Run.open(path))


def test_a_remembered_colouring_that_is_not_offered_is_forgotten(balls: Any, open_desk: Any) -> None:
    """A tab may have shown the other run, and the server come back without one."""
    client, document = open_desk(balls.document()).client, balls.document()
    surroundings = Surroundings.of(document.gaussians, [])
    cases: list[tuple[Coloring, Coloring]] = [("other run", "object"), ("feature", "feature")]
    for told, shown in cases:
        recall = Recall(Remembered(told, "object", 0.3, True))
        session = Session(client, document, SplatNodes.of(document), surroundings, recall=recall)
        assert session.coloring == shown
        session.close()
