"""The shared document: picks, history, many threads at once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gsseg_viewer.document import Change, Document
from gsseg_viewer.edits import EditError, delete, hide, isolate, merge, move, rename, show_all, split
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import State

from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.objects.select import MIN_WEIGHT, select
from gsseg.render import reference
from gsseg.run import Run
from gsseg.scene import Camera, RenderConfig
from gsseg.segmentation import Segmentation
from gsseg.segmentation.segmented_ply import write_segmented

COUNT, CODES, OBJECTS = 400, 24, 6


@pytest.fixture(scope="module")
def cloud(
    tmp_path_factory: pytest.TempPathFactory,
    make_columns: Callable[..., np.ndarray],
    make_segmentation: Callable[..., Segmentation],
) -> Path:
    """A segmented.ply of round Gaussians at random: six objects of four codes each, and some of none."""
    folder, rng = tmp_path_factory.mktemp("cloud"), np.random.default_rng(0)
    columns = make_columns(COUNT)
    scales = columns["scale_0"] + 0.5
    for axis in "xyz":
        columns[axis] = rng.uniform(-1, 1, COUNT)
    for axis in range(3):
        columns[f"scale_{axis}"] = scales
    columns["opacity"] += 1.0
    write_splats(folder / "splats.ply", columns)
    fine = rng.integers(0, CODES, COUNT)
    ids = np.where(rng.random(COUNT) < 0.15, -1, fine % OBJECTS)
    features = rng.normal(size=(CODES, 6)).astype(np.float32)[fine]
    found = make_segmentation(ids, (fine // 4, fine), features)
    write_segmented(folder / "cloud.ply", read_splats(folder / "splats.ply"), found)
    return folder / "cloud.ply"


@pytest.fixture
def document(cloud: Path) -> Document:
    """It, opened anew."""
    return Document.open(cloud)


def rays(count: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    origins = rng.normal(size=(count, 3))
    origins *= 3 / np.linalg.norm(origins, axis=1, keepdims=True)
    return [(origin, rng.uniform(-0.8, 0.8, 3) - origin) for origin in origins]


def test_pieces_stand_for_object_and_code(document: Document) -> None:
    run, state = document.run, document.state
    assert np.array_equal(document.object_ids(state), run.object_ids)
    assert np.array_equal(document.division.table.coarse[document.pieces], run.code_coarse)
    assert np.array_equal(document.division.table.fine[document.pieces], run.code_fine)
    assert np.array_equal(document.division.table.features[document.pieces], run.features.numpy())
    assert np.array_equal(np.bincount(document.pieces), state.sizes)
    for piece in range(len(state.owner)):
        assert np.array_equal(document.rows(frozenset({piece})), np.flatnonzero(document.pieces == piece))
    assert len(document.rows(frozenset())) == 0
    assert document.box(PieceSelection()) is None
    low, high = document.box(PieceSelection(frozenset({0, 3})))
    means = run.gaussians.means.numpy()[document.rows(frozenset({0, 3}))]
    assert np.array_equal(low, means.min(0))
    assert np.array_equal(high, means.max(0))


def test_a_pick_is_that_of_the_library_and_of_the_reference_renderer(
    document: Document, one_pixel: Callable[..., Camera]
) -> None:
    ids = document.run.object_ids
    exact = replace(document.gaussians, render=RenderConfig(dilation=0.0))
    hits, close = 0, 0
    for origin, direction in rays(150):
        hit = document.pick(origin, direction)
        expected = select(document.gaussians, ids, origin, direction)
        assert (hit is None or hit.object_id == -1) == (expected is None)
        if expected is not None:
            assert hit.object_id == document.state.owner[hit.piece] == expected.object_id
        weights = reference.blend(exact, one_pixel(origin, direction)).weights[0].numpy()
        light = np.bincount(ids + 1, weights, OBJECTS + 1)
        if abs(weights.sum() - MIN_WEIGHT) < 1e-3 or np.diff(np.sort(light)[-2:])[0] < 1e-3:
            close += 1
            continue
        winner = int(light.argmax()) - 1
        assert (hit is None) == (weights.sum() < MIN_WEIGHT)
        if hit is None:
            continue
        assert hit.object_id == winner
        hits += 1
        assert document.state.owner[hit.piece] == winner
        by_piece = np.bincount(document.pieces[ids == winner], weights[ids == winner])
        assert by_piece[hit.piece] >= by_piece.max() - 1e-3
    assert hits > 60
    assert close < 10


def test_rays_of_any_length(document: Document) -> None:
    origin, direction = next(ray for ray in rays(50) if document.pick(*ray) is not None)
    expected = document.pick(origin, direction)
    for length in (1e-200, 3.0, 1e200):
        hit = document.pick(origin, direction * length)
        assert hit == expected
    with pytest.raises(ValueError, match="no ray"):
        document.pick(origin, np.zeros(3))


@pytest.mark.parametrize("edit", [hide, delete])
def test_what_is_not_drawn_is_not_picked(document: Document, edit: Callable) -> None:
    document.apply("", lambda state: edit(state, state.pieces_of([0, 2, 3])))
    left = np.isin(document.run.object_ids, [-1, 1, 4, 5])
    assert np.array_equal(document.shown(document.state), left)
    seen = replace(document.gaussians, drawable=document.gaussians.drawable & torch.from_numpy(left))
    found = set()
    for origin, direction in rays(100):
        hit = document.pick(origin, direction)
        expected = select(seen, document.run.object_ids, origin, direction)
        assert (None if hit is None or hit.object_id == -1 else hit.object_id) == (
            None if expected is None else expected.object_id
        )
        found |= set() if hit is None else {hit.object_id}
    assert found == {-1, 1, 4, 5}


def test_only_what_is_isolated_stands_in_the_way(document: Document) -> None:
    document.apply("", lambda state: isolate(state, state.pieces_of([4])))
    assert np.array_equal(document.shown(document.state), document.run.object_ids == 4)
    found = [document.pick(*ray) for ray in rays(100)]
    assert {hit.object_id for hit in found if hit is not None} == {4}
    document.apply("", show_all)
    assert document.shown(document.state).all()


EDITS: list[Callable[[State], State]] = [
    lambda state: merge(state, state.pieces_of([0, 1])), lambda state: split(state, state.pieces_of([2])),
    lambda state: move(state, {0, 5}, 3), lambda state: move(state, {1, 7}, None),
    lambda state: rename(state, 4, "chair"), lambda state: hide(state, state.pieces_of([4])),
    lambda state: isolate(state, state.pieces_of([5])), lambda state: delete(state, state.pieces_of([5])), show_all,
]  # fmt: skip


def test_undo_and_redo_give_the_very_same_states(document: Document) -> None:
    states = [document.state]
    for number, edit in enumerate(EDITS):
        states.append(document.apply(f"edit {number}", edit))
        assert document.undo() == f"edit {number}"
        assert document.state is states[-2]
        assert document.redo() == f"edit {number}"
        assert document.state is states[-1]
    assert document.history() == ([f"edit {k}" for k in range(len(EDITS))], [])
    for state in states[-2::-1]:
        document.undo()
        assert document.state is state
    with pytest.raises(EditError, match="nothing to undo"):
        document.undo()
    assert not document.unsaved
    for state in states[1:]:
        assert document.unsaved == (state is not states[1])
        document.redo()
        assert document.state is state
    with pytest.raises(EditError, match="nothing to redo"):
        document.redo()


def test_an_edit_after_undo_forgets_what_was_undone_but_not_its_ids(document: Document) -> None:
    first = document.apply("split", lambda state: split(state, state.pieces_of([0])))
    given = set(first.objects) - set(range(OBJECTS))
    document.undo()
    second = document.apply("again", lambda state: split(state, state.pieces_of([0])))
    assert not given & set(second.objects), "somebody may still hold an id of the first"
    assert document.history() == (["again"], [])


def test_an_edit_that_fails_changes_nothing(document: Document) -> None:
    told: list[Change] = []
    document.listen(told.append)
    before = document.state
    for edit in (lambda state: merge(state, state.pieces_of([0])), lambda state: 1 / 0):
        with pytest.raises((EditError, ZeroDivisionError)):
            document.apply("", edit)
    assert document.state is before
    assert told == []


def test_everybody_is_told_even_where_somebody_fails(document: Document) -> None:
    told: list[tuple[str, int | None]] = []

    def broken(change: Change) -> None:
        raise RuntimeError("closed")

    document.listen(broken)
    stop = document.listen(lambda change: told.append((change.title, change.by)))
    for act in (lambda: document.apply("hid", EDITS[5], by=3), document.undo, lambda: document.redo(by=4)):
        with pytest.raises(RuntimeError, match="closed"):
            act()
    assert told == [("hid", 3), ("undid: hid", None), ("did again: hid", 4)]
    assert document.state.hidden_objects == {4}
    stop()
    stop()
    with pytest.raises(RuntimeError):
        document.undo()
    assert len(told) == 3


def test_a_listener_may_ask_and_edit(document: Document) -> None:
    """It is called outside the lock, so that it cannot wait for somebody who waits for it."""
    seen = []

    def listener(change: Change) -> None:
        worker = threading.Thread(target=lambda: seen.append(document.state))
        worker.start()
        worker.join(5)

    document.listen(listener)
    state = document.apply("", EDITS[0])
    assert seen == [state]


def test_threads_that_edit_at_once_lose_nothing(document: Document) -> None:
    told: list[str] = []
    document.listen(lambda change: told.append(change.title))
    barrier = threading.Barrier(4)

    def toggle(state: State) -> State:
        return show_all(state) if state.hidden.any() else hide(state, state.pieces_of([5]))

    def edit(worker: int) -> None:
        barrier.wait()
        for number in range(25):
            name = f"{worker}.{number}"
            document.apply(name, lambda state, name=name: rename(state, worker, name), by=worker)
            document.apply("", toggle)

    threads = [threading.Thread(target=edit, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {each: info.name for each, info in document.state.objects.items()}
    assert names == {**{worker: f"{worker}.24" for worker in range(4)}, 4: "object 4", 5: "object 5"}
    assert not document.state.hidden.any(), "toggled a hundred times"
    done, _ = document.history()
    assert len(done) == len(told) == 200
    for worker in range(4):
        mine = [title for title in done if title.startswith(f"{worker}.")]
        assert mine == [f"{worker}.{number}" for number in range(25)]


def test_undo_goes_back_over_saving(document: Document) -> None:
    start = document.state
    state = document.apply("merged", lambda state: merge(state, state.pieces_of([0, 5])))
    document.apply("while it is written", lambda state: rename(state, 1, "chair"))
    document.mark_saved(state, document.run, document.stamps, "base")
    assert document.unsaved
    document.undo()
    assert not document.unsaved
    document.undo()
    assert document.state is start
    assert document.unsaved


def test_a_run_without_objects(
    tmp_path: Path, make_columns: Callable[..., np.ndarray], make_segmentation: Callable[..., Segmentation]
) -> None:
    write_splats(tmp_path / "splats.ply", make_columns(10))
    write_segmented(tmp_path / "x.ply", read_splats(tmp_path / "splats.ply"), make_segmentation(np.full(10, -1)))
    document = Document(Run.open(tmp_path / "x.ply"))
    assert document.state.objects == {}
    assert document.state.owner.tolist() == [-1]
    assert document.pick(np.zeros(3), np.ones(3)) is None
    assert document.apply("", lambda state: move(state, [0], None)).objects[0].name == "object 0"
