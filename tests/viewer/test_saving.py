"""Saving: what is written and kept, and that edits survive a restart."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from gsseg_viewer.document import Change, Document
from gsseg_viewer.edits import isolate, merge, move, rename, restore
from gsseg_viewer.saving import save
from gsseg_viewer_test_saved import EDITS, add_compressed, checksum, contents, edited, plain

from gsseg.compressed import read_scene
from gsseg.errors import InputError
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run


@pytest.mark.parametrize("compressed", [False, True])
def test_edits_survive_a_restart(balls, compressed: bool) -> None:
    learnt = add_compressed(balls.path) if compressed else None
    before, earlier = read_splats(balls.path / "segmented.ply").columns.copy(), contents(balls.path)
    document = edited(balls.path)
    assert document.unsaved
    assert save(document) == balls.path
    assert not document.unsaved

    again = Document.open(balls.path)
    assert plain(again) == plain(document)
    assert again.state.hidden == {1}
    assert len(again.state.deleted) == 1
    assert [again.state.objects[k].name for k in range(4)] == [
        "blue <b>ball</b>",
        "Stühle <b>",
        "green ball",
        "object 3",
    ]
    ids = again.run.object_ids
    assert np.array_equal(np.sort(np.bincount(ids[ids >= 0]))[::-1], np.bincount(ids[ids >= 0])), "largest first"
    after = read_splats(balls.path / "segmented.ply").columns
    assert after.dtype == before.dtype
    for name in before.dtype.names:
        assert (after[name].tobytes() == before[name].tobytes()) == (name != "object_id"), name

    kept = contents(balls.path / "earlier")
    names = {"segmented.ply", "objects.json"} | ({"scene.gsseg"} if compressed else set())
    assert kept == {name: earlier[name] for name in names}
    assert set(os.listdir(balls.path)) == {*earlier, "viewer.json", "earlier"}
    if compressed:
        scene = read_scene(balls.path / "scene.gsseg")
        assert np.array_equal(scene.learnt, learnt), "features and residuals are untouched"
        assert np.array_equal(scene.object_ids, after["object_id"])
        assert scene.objects == again.run.objects
        (balls.path / "scene.gsseg").unlink()
        assert plain(Document.open(balls.path)) == plain(again), "objects.json says the same"


def test_the_table_is_that_of_the_rows(balls) -> None:
    document = edited(balls.path)
    save(document)
    run = Run.open(balls.path)
    for k, row in enumerate(run.objects):
        mine = run.object_ids == k
        means = run.gaussians.means.numpy()[mine].astype(np.float64)
        assert row.id == k
        assert row.gaussians == mine.sum()
        assert row.codes == sorted(set(run.code_fine[mine].tolist()) - {-1})
        assert row.bbox_min == means.min(0).tolist()
        assert row.bbox_max == means.max(0).tolist()
        assert row.centroid == means.mean(0).tolist()
    assert run.objects[0].codes == [0, 1, 2, 3]
    assert run.objects[0].agreement == pytest.approx(0.55), "the mean of two equal balls"
    assert run.objects[0].views == 3


def test_what_had_no_code_adds_none(balls) -> None:
    document = Document.open(balls.path)
    nobody = int(np.flatnonzero(document.state.owner == -1)[0])
    document.apply("", lambda state: move(state, [nobody], 1))
    save(document)
    assert [row.codes for row in Run.open(balls.path).objects] == [[2, 3], [0, 1], [4, 5], [6, 7]]
    assert (Run.open(balls.path).object_ids >= 0).all()


def test_ids_are_those_on_disk_and_undo_goes_back_over_saving(balls) -> None:
    document, told = edited(balls.path), list[Change]()
    document.listen(told.append)
    before = document.object_ids(document.state)
    save(document, by=7)
    (change,) = told
    assert (change.title, change.by) == ("saved", 7)
    ids = Run.open(balls.path).object_ids
    assert np.array_equal(document.object_ids(document.state), ids)
    assert all(change.renumbered[old] == new for old, new in zip(before, ids, strict=True) if old >= 0)
    for _ in EDITS:
        document.undo()
    assert document.unsaved
    assert {info.name for info in document.state.objects.values()} == set(balls.names)
    assert sorted(document.state.objects) != [0, 1, 2, 3], "red and blue cannot both be what they became"
    save(document)
    assert sorted(row.name for row in Run.open(balls.path).objects) == sorted(balls.names)
    for _ in EDITS:
        document.redo()
    save(document)
    assert np.array_equal(np.bincount(Run.open(balls.path).object_ids + 1), np.bincount(ids + 1))
    assert Run.open(balls.path).objects[1].name == "Stühle <b>"


def test_saving_twice_keeps_the_version_before(balls) -> None:
    document = edited(balls.path)
    save(document)
    first = contents(balls.path)
    stamps = {path: path.stat().st_mtime_ns for path in balls.path.rglob("*")}
    assert save(document) == balls.path
    assert {path: path.stat().st_mtime_ns for path in balls.path.rglob("*")} == stamps, "nothing to write"
    document.apply("", lambda state: restore(state))
    document.apply("", lambda state: isolate(state, state.pieces_of([0])))
    save(document)
    names = {"segmented.ply", "objects.json", "viewer.json"}
    assert contents(balls.path / "earlier") == {name: first[name] for name in names}
    again = Document.open(balls.path)
    assert again.state.rest_hidden
    assert again.state.gone == {-1, 1, 2, 3}
    for name in names:  # going back by hand
        shutil.copyfile(balls.path / "earlier" / name, balls.path / name)
    assert len(Document.open(balls.path).state.deleted) == 1


def test_language_vectors_follow_their_objects(balls) -> None:
    add_compressed(balls.path, language=True)
    before = read_scene(balls.path / "scene.gsseg").language
    document = edited(balls.path)
    nobody = int(np.flatnonzero(document.state.owner == -1)[0])
    document.apply("", lambda state: move(state, [nobody], None))
    for _ in range(2):
        save(document)
        after = read_scene(balls.path / "scene.gsseg").language
        sources = [document.state.objects[k].source for k in range(5)]
        assert sources == [0, 3, 2, 2, None]
        for k, source in enumerate(sources[:4]):
            assert after.packed[k].tobytes() == before.packed[source].tobytes()
            for name in ("lower", "upper", "additional", "component_sum"):
                assert getattr(after, name)[k] == getattr(before, name)[source]
        document.apply("", lambda state: rename(state, 0, f"{state.objects[0].name}!"))
    middle = after.centroid + after.lower[4] + after.steps()[4] * after.components()[4]
    assert np.array_equal(middle, after.centroid), "of what was never an object nothing is known"
    assert after.additional[4] == pytest.approx(after.centroid @ after.centroid)


def test_a_scene_without_a_run(balls, tmp_path: Path) -> None:
    add_compressed(balls.path)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(balls.path / "scene.gsseg", alone / "room.gsseg")
    shutil.copy(balls.path / "splats.ply", tmp_path / "mine.ply")
    document = Document.open(alone / "room.gsseg", tmp_path / "mine.ply")
    for edit in EDITS:
        document.apply("", edit)
    assert save(document) == alone / "room.gsseg"
    assert set(os.listdir(alone)) == {"room.gsseg", "room.viewer.json", "earlier"}
    assert contents(alone / "earlier") == {"room.gsseg": checksum(balls.path / "scene.gsseg")}
    assert plain(Document.open(alone / "room.gsseg", tmp_path / "mine.ply")) == plain(document)


def test_a_bare_file_is_saved_as_a_run_beside_it(balls, tmp_path: Path) -> None:
    path = tmp_path / "room.ply"
    shutil.copy(balls.path / "segmented.ply", path)
    before = path.read_bytes()
    document = edited(path)
    assert save(document) == tmp_path / "room_run"
    assert path.read_bytes() == before
    assert plain(Document.open(tmp_path / "room_run")) == plain(document)
    document.apply("", lambda state: rename(state, 0, "sofa"))
    assert save(document) == tmp_path / "room_run", "it goes on there"
    assert Run.open(tmp_path / "room_run").objects[0].name == "sofa"
    with pytest.raises(InputError, match="is there already; open it in place of room"):
        save(edited(path))


def test_opened_by_one_of_its_files_a_run_is_saved_whole(balls, tmp_path: Path) -> None:
    add_compressed(balls.path)
    for name in ("segmented.ply", "scene.gsseg"):
        document = Document.open(balls.path / name)
        document.apply("", lambda state, name=name: rename(state, 0, name))
        assert save(document) == balls.path
        assert Run.open(balls.path).objects[0].name == name
        assert json.loads((balls.path / "objects.json").read_text())[0]["name"] == name
    shutil.copy(balls.path / "segmented.ply", tmp_path / "other.ply")
    document = Document.open(balls.path / "scene.gsseg", tmp_path / "other.ply")
    document.apply("", lambda state: merge(state, state.pieces_of([0, 1])))
    before = contents(balls.path)
    with pytest.raises(InputError, match="open the folder itself"):
        save(document)
    assert contents(balls.path) == before
