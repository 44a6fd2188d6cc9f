"""Saving: what is written and kept, and that edits survive a restart."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gsseg_viewer.document import Change, Document
from gsseg_viewer.edits import delete, hide, isolate, merge, move, rename, show_all, split
from gsseg_viewer.saving import save
from gsseg_viewer_test_saved import EDITS, add_compressed, checksum, contents, edited, plain

from gsseg.compressed import read_scene, write_scene
from gsseg.errors import InputError
from gsseg.files.digest import sha256
from gsseg.files.together import KEPT
from gsseg.io.splat_formats import read_splats
from gsseg.run import Edits, Run


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
    assert again.state.hidden_objects == {3}
    assert again.state.deleted_objects == {2}
    names = {each: info.name for each, info in again.state.objects.items()}
    assert names == {0: "blue <b>ball</b>", 2: "green ball", 3: "Stühle <b>", 4: "object 4"}, "nobody is renumbered"
    after = read_splats(balls.path / "segmented.ply").columns
    assert after.dtype == before.dtype
    for name in before.dtype.names:
        assert (after[name].tobytes() == before[name].tobytes()) == (name != "object_id"), name

    kept = contents(balls.path / "earlier" / "original")
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
        if not len(means):
            assert (k, row.codes, row.centroid) == (1, [], [0, 0, 0]), "what was merged away keeps its id"
            continue
        assert row.codes == sorted(set(run.code_fine[mine].tolist()) - {-1})
        assert row.bbox_min == means.min(0).tolist()
        assert row.bbox_max == means.max(0).tolist()
        assert row.centroid == means.mean(0).tolist()
    assert run.objects[0].codes == [0, 1, 2, 3]
    assert (run.objects[0].agreement, run.objects[0].views) == (0.5, 3), "as measured before"
    assert [row.edited for row in run.objects] == [True, False, True, False, True]


def test_what_had_no_code_adds_none(balls) -> None:
    document = Document.open(balls.path)
    nobody = int(np.flatnonzero(document.state.owner == -1)[0])
    document.apply("", lambda state: move(state, [nobody], 1))
    save(document)
    assert [row.codes for row in Run.open(balls.path).objects] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert (Run.open(balls.path).object_ids >= 0).all()


def test_ids_never_change_and_undo_goes_back_over_saving(balls) -> None:
    document, told = edited(balls.path), list[Change]()
    document.listen(told.append)
    before = document.object_ids(document.state)
    save(document, by=7)
    (change,) = told
    assert (change.title, change.by) == ("saved", 7)
    ids = Run.open(balls.path).object_ids
    assert np.array_equal(before, ids), "on disk as on the screen"
    for _ in EDITS:
        document.undo()
    assert document.unsaved
    save(document)
    run = Run.open(balls.path)
    assert [row.name for row in run.objects if row.gaussians] == balls.names
    document.redo()
    save(document)
    assert sorted(Document.open(balls.path).state.objects) == [0, 1, 2, 3, 4]
    for _ in EDITS[1:]:
        document.redo()
    save(document)
    assert np.array_equal(Run.open(balls.path).object_ids, ids)


def test_an_id_is_not_given_again_after_a_restart(balls) -> None:
    """The object of the highest id is merged away; who comes next is another one."""
    document = balls.document()
    document.apply("", lambda state: merge(state, state.pieces_of([2, 3])))
    save(document)
    again = balls.document()
    assert sorted(again.state.objects) == [0, 1, 2]
    again.apply("", lambda state: split(state, state.pieces_of([0])))
    assert sorted(again.state.objects) == [0, 1, 2, 4]
    assert again.state.objects[4].name == "object 4"
    save(again)
    assert [(row.id, row.gaussians > 0) for row in Run.open(balls.path).objects] == [
        (0, True), (1, True), (2, True), (3, False), (4, True)
    ]  # fmt: skip


def test_the_original_and_the_last_versions_are_kept(balls) -> None:
    names = {"segmented.ply", "objects.json"}
    original = {name: contents(balls.path)[name] for name in names}
    document, versions = edited(balls.path), []
    for number in range(6):
        save(document)
        versions.append(contents(balls.path))
        stamps = {path: path.stat().st_mtime_ns for path in balls.path.rglob("*")}
        assert save(document) == balls.path
        assert {path: path.stat().st_mtime_ns for path in balls.path.rglob("*")} == stamps, "nothing to write"
        document.apply("", lambda state, number=number: rename(state, 0, f"name {number}"))
    kept = balls.path / "earlier"
    assert contents(kept / "original") == original
    numbers = sorted(int(each.name) for each in kept.iterdir() if each.name != "original")
    assert len(numbers) == KEPT
    names |= {"viewer.json"}
    for number, version in zip(numbers, versions[-1 - KEPT : -1], strict=True):
        assert contents(kept / str(number)) == {name: version[name] for name in names}
    for name in names:  # going back by hand
        shutil.copyfile(kept / str(numbers[-1]) / name, balls.path / name)
    assert Document.open(balls.path).state.objects[0].name == "name 3"


def test_a_version_that_an_earlier_gsseg_kept_stays(balls) -> None:
    (balls.path / "earlier").mkdir()
    (balls.path / "earlier" / "objects.json").write_text("mine")
    save(edited(balls.path))
    assert (balls.path / "earlier" / "objects.json").read_text() == "mine"
    assert set(os.listdir(balls.path / "earlier")) == {"objects.json", "2"}


def test_parts_that_are_marked_are_marked_after_a_restart(balls) -> None:
    """Half a ball deleted, another half hidden, a third isolated: row by row."""
    document = balls.document()
    deleted, hidden, alone = (int(document.state.pieces_of([ball])[0]) for ball in (0, 1, 2))
    document.apply("", lambda state: delete(state, [deleted]))
    document.apply("", lambda state: hide(state, [hidden]))
    document.apply("", lambda state: isolate(state, [alone, *state.pieces_of([-1]).tolist()]))
    save(document)
    again = balls.document()
    assert plain(again) == plain(document)
    fine, ids = document.division.table.fine[document.pieces], document.object_ids(document.state)
    assert np.array_equal(again.state.deleted[again.pieces], fine == 0)
    again.apply("", show_all)
    assert np.array_equal(again.state.gone[again.pieces], (fine == 0) | (fine == 2)), "as before isolating"
    assert np.array_equal(again.shown(again.state), ~np.isin(fine, [0, 2]))
    assert np.array_equal(np.isin(ids, [0]), np.isin(again.run.object_ids, [0]))


def test_marks_of_whole_objects_by_an_earlier_gsseg(balls) -> None:
    ids = Run.open(balls.path).object_ids
    marks = {"format": "gsseg viewer", "version": 1, "object_ids_sha256": sha256(ids), "hidden": [3], "deleted": [1],
             "rest_hidden": True}  # fmt: skip
    (balls.path / "viewer.json").write_text(json.dumps(marks))
    document = balls.document()
    assert (document.state.deleted_objects, document.state.hidden_objects) == ({1}, {3})
    assert np.array_equal(document.shown(document.state), np.isin(ids, [0, 2]))


def test_all_vectors_of_an_object_follow_it(balls) -> None:
    add_compressed(balls.path, language=True)
    path = balls.path / "scene.gsseg"
    scene, owners = read_scene(path), np.array([0, 0, 1, 2, 2, 2, 3], np.int32)
    before = scene.language.take([0, 1, 1, 3, 2, 0, 1])
    write_scene(path, replace(scene, language=before, language_objects=owners))
    document = edited(balls.path)
    for _ in range(2):
        save(document)
        after = read_scene(path)
        sources = {k: info.source for k, info in document.state.objects.items()}
        assert sources == {0: 0, 2: 2, 3: 3, 4: 2}
        for k, source in ((1, 1), *sources.items()):
            mine, its = after.language_owners == k, owners == source
            assert np.array_equal(after.language.packed[mine], before.packed[its])
        document.apply("", lambda state: rename(state, 0, f"{state.objects[0].name}!"))


def test_a_name_is_as_sure_as_it_was_until_somebody_gives_another(balls) -> None:
    run = Run.open(balls.path)
    table = [replace(row, name="mug", name_confidence=0.5) for row in run.objects]
    run.save(Edits(object_ids=run.object_ids, objects=table, marks=run.marks, came_from=[*range(len(table))]))
    document = edited(balls.path)
    document.apply("", lambda state: rename(state, 0, "my mug"))
    save(document)
    rows = Run.open(balls.path).objects
    assert rows[0].name_confidence is None
    assert [row.name_confidence for row in rows if row.name == "mug"] == [0.5] * sum(row.name == "mug" for row in rows)
    assert [row.name_confidence for row in rows if row.id >= len(table)] == [None] * (len(rows) - len(table))


def test_language_vectors_follow_their_objects(balls) -> None:
    add_compressed(balls.path, language=True)
    before = read_scene(balls.path / "scene.gsseg").language
    document = edited(balls.path)
    nobody = int(np.flatnonzero(document.state.owner == -1)[0])
    document.apply("", lambda state: move(state, [nobody], None))
    for _ in range(2):
        save(document)
        after = read_scene(balls.path / "scene.gsseg").language
        sources = {k: info.source for k, info in document.state.objects.items()}
        assert sources == {0: 0, 2: 2, 3: 3, 4: 2, 5: None}
        for k, source in [(1, 1), *((k, source) for k, source in sources.items() if source is not None)]:
            assert after.packed[k].tobytes() == before.packed[source].tobytes()
            for name in ("lower", "upper", "additional", "component_sum"):
                assert getattr(after, name)[k] == getattr(before, name)[source]
        document.apply("", lambda state: rename(state, 0, f"{state.objects[0].name}!"))
    middle = after.centroid + after.lower[5] + after.steps()[5] * after.components()[5]
    assert np.array_equal(middle, after.centroid), "of what was never an object nothing is known"
    assert after.additional[5] == pytest.approx(after.centroid @ after.centroid)


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
    assert contents(alone / "earlier" / "original") == {"room.gsseg": checksum(balls.path / "scene.gsseg")}
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
