"""Exported splat files: nothing of the input changes, nothing is left half done."""

import json
from pathlib import Path

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.export import ply
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run, RunLayout
from gsseg.run.marks import Marks, marks_json
from gsseg.segmentation.segmented_ply import ADDED_COLUMNS, FEATURE_COLUMNS, write_segmented


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_segmented_is_the_input_and_more(run) -> None:
    before, after = read_splats(run.input), run.run.file
    names = before.columns.dtype.names or ()
    assert after.columns.dtype.names == (*names, *ADDED_COLUMNS)
    for name in names:
        assert after.columns[name].tobytes() == before.columns[name].tobytes()
    assert after.comments == ("from a test",)
    assert [after.columns.dtype[name].str for name in ADDED_COLUMNS] == ["<f4"] * 6 + ["<u2"] * 2 + ["<i4"]
    assert np.array_equal(after.columns["object_id"], run.object_ids)
    assert (after.columns["code_fine"] == 65535).all()
    expected = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    assert np.array_equal(np.stack([after.columns[name] for name in FEATURE_COLUMNS], 1), expected)


def test_segmenting_again_replaces_the_columns(run, tmp_path: Path, make_segmentation) -> None:
    ids = np.zeros(60, np.int32)
    write_segmented(tmp_path / "again.ply", run.run.file, make_segmentation(ids, (ids, ids), np.ones((60, 6))))
    again = read_splats(tmp_path / "again.ply")
    assert again.columns.dtype == run.run.file.columns.dtype
    assert not again.columns["object_id"].any()
    for wrong in (ids - 2, ids + 65535):
        with pytest.raises(ValueError, match="16 bits"):
            write_segmented(tmp_path / "x.ply", run.run.file, make_segmentation(ids, (ids, wrong)))
    assert not (tmp_path / "x.ply").exists()


def test_objects_and_the_rest_are_the_scene(run, tmp_path: Path) -> None:
    manifest = run.export(tmp_path / "out", drop=[0, 1, 2])
    assert sorted(contents(tmp_path / "out")) == sorted(
        ["manifest.json", "segmented.ply", "scene.ply", *(f"object_00{k}.ply" for k in range(3))]
    )
    before = read_splats(run.input)
    parts = []
    for row in manifest["objects"]:
        part = read_splats(tmp_path / "out" / row["file"])
        assert part.columns.dtype == before.columns.dtype, "the input's columns and no others"
        assert part.comments == before.comments
        assert np.array_equal(part.columns, before.columns[run.object_ids == row["id"]])
        assert row["gaussians"] == len(part.columns)
        assert np.allclose(part.gaussians.means.numpy().min(0), row["bbox_min"])
        parts.append(part.columns)
    rest = read_splats(tmp_path / "out" / "scene.ply").columns
    assert len(rest) == manifest["scene"]["gaussians"] == (run.object_ids == -1).sum()
    together = np.sort(np.concatenate([*parts, rest])["red"])
    assert np.array_equal(together, np.arange(60)), "every Gaussian once"
    assert (tmp_path / "out" / "segmented.ply").read_bytes() == run.run.file.path.read_bytes()
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == manifest


def test_some_objects_and_a_scene_without_others(run, tmp_path: Path) -> None:
    manifest = run.export(tmp_path / "a" / "b", objects=[2, 2], drop=[1])
    assert sorted(contents(tmp_path / "a" / "b")) == ["manifest.json", "object_002.ply", "scene.ply", "segmented.ply"]
    assert [row["id"] for row in manifest["objects"]] == [2]
    before = read_splats(run.input).columns
    scene = read_splats(tmp_path / "a" / "b" / "scene.ply").columns
    assert np.array_equal(scene, before[run.object_ids != 1])


def marked(object_ids: np.ndarray, hidden: int = -9, deleted: int = -9) -> Marks:
    """Whole objects hidden and deleted."""
    return Marks(object_ids == hidden, np.zeros(len(object_ids), bool), object_ids == deleted)


def test_parts_that_were_deleted_are_left_out_row_by_row(run, tmp_path: Path) -> None:
    """Of an object a third, of no object a half; each file holds the other rows, byte for byte."""
    deleted = np.zeros(60, bool)
    deleted[[*np.flatnonzero(run.object_ids == 0)[::3], *np.flatnonzero(run.object_ids == -1)[::2]]] = True
    none = np.zeros(60, bool)
    RunLayout(run.path).marks.write_text(marks_json(Marks(none, none, deleted), run.object_ids))
    assert np.array_equal(Run.open(run.path).marks.deleted, deleted)
    manifest = run.export(tmp_path / "out")
    before = read_splats(run.input).columns
    assert manifest["scene"] == {"file": "scene.ply", "gaussians": int((~deleted).sum()), "dropped": []}
    assert read_splats(tmp_path / "out" / "scene.ply").columns.tobytes() == before[~deleted].tobytes()
    for row in manifest["objects"]:
        kept = (run.object_ids == row["id"]) & ~deleted
        part = read_splats(tmp_path / "out" / row["file"])
        assert part.columns.tobytes() == before[kept].tobytes()
        assert row["gaussians"] == kept.sum()
        assert np.allclose(part.gaussians.means.numpy().max(0), row["bbox_max"])


def test_several_objects_in_one_file(run, tmp_path: Path) -> None:
    manifest = run.export(tmp_path / "out", objects=[2, 0], together=True)
    assert manifest["together"] == {"file": "objects.ply", "gaussians": int(np.isin(run.object_ids, [0, 2]).sum())}
    before = read_splats(run.input).columns
    together = read_splats(tmp_path / "out" / "objects.ply").columns
    assert together.tobytes() == before[np.isin(run.object_ids, [0, 2])].tobytes(), "in the order of the rows"
    assert "objects.ply" not in contents(tmp_path / "out") or run.export(tmp_path / "out", objects=[1])
    assert sorted(contents(tmp_path / "out")) == ["manifest.json", "object_001.ply", "segmented.ply"]


def test_what_was_deleted_in_the_viewer_is_left_out(run, tmp_path: Path) -> None:
    RunLayout(run.path).marks.write_text(marks_json(marked(run.object_ids, hidden=0, deleted=1), run.object_ids))
    manifest = run.export(tmp_path / "out")
    assert [row["id"] for row in manifest["objects"]] == [0, 2], "hiding is for the eyes alone"
    assert manifest["scene"]["dropped"] == [1]
    scene = read_splats(tmp_path / "out" / "scene.ply").columns
    assert np.array_equal(scene, read_splats(run.input).columns[run.object_ids != 1])
    assert [row["id"] for row in run.export(tmp_path / "named", objects=[1])["objects"]] == [1]
    assert run.export(tmp_path / "more", objects=[0], drop=[1, 2])["scene"]["dropped"] == [1, 2]
    others = np.roll(run.object_ids, 1)
    RunLayout(run.path).marks.write_text(marks_json(marked(others, deleted=1), others))
    assert "scene" not in run.export(tmp_path / "others"), "marks of other objects"
    RunLayout(run.path).marks.write_text("{}")
    with pytest.raises(InputError, match=r"viewer\.json: cannot be read"):
        run.export(tmp_path / "damaged")
    assert not (tmp_path / "damaged").exists()


def test_the_confidence_is_one_more_column_of_the_whole_and_of_nothing_else(run, tmp_path: Path) -> None:
    sure = np.linspace(0, 1, 60, dtype=np.float32)
    run.export(tmp_path / "out", objects=[0], confidence=sure)
    whole, before = (read_splats(folder / "segmented.ply").columns for folder in (tmp_path / "out", run.path))
    assert whole.dtype.names == (*before.dtype.names, "confidence")
    assert np.array_equal(whole["confidence"], sure)
    assert np.array_equal(whole[list(before.dtype.names)], before)
    part = read_splats(tmp_path / "out" / "object_000.ply").columns
    assert part.dtype.names == read_splats(run.input).columns.dtype.names


def test_an_earlier_export_is_replaced_whole(run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    run.export(out, drop=[1])
    run.export(out, objects=[0])
    assert sorted(contents(out)) == ["manifest.json", "object_000.ply", "segmented.ply"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "run"], "nothing beside it"


@pytest.mark.parametrize(("objects", "drop"), [([3], []), ([-1], []), (None, [7]), ([0, 99], [1])])
def test_an_unknown_object_stops_everything(run, tmp_path: Path, objects, drop) -> None:
    with pytest.raises(InputError, match=r"has no object (3|-1|7|99); its objects are 0 to 2"):
        run.export(tmp_path / "out", objects=objects, drop=drop)
    assert not (tmp_path / "out").exists()


def test_folders_of_others_are_left_alone(run, tmp_path: Path) -> None:
    before = contents(tmp_path)
    with pytest.raises(InputError, match="no earlier export"):
        run.export(tmp_path / "run")
    with pytest.raises(InputError, match="not a folder"):
        run.export(run.input)
    assert contents(tmp_path) == before
    run.export(tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"notes\.txt"):
        run.export(tmp_path / "out", objects=[0])
    assert contents(tmp_path) == before


def test_a_failure_leaves_the_earlier_export(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    run.export(out)
    before = contents(tmp_path)
    write = ply.write_splats

    def full_disk(path, *rest, **more) -> None:
        if path.name == "object_001.ply":
            raise InputError(path, "cannot be written (No space left on device)", "free some")
        write(path, *rest, **more)

    monkeypatch.setattr(ply, "write_splats", full_disk)
    with pytest.raises(InputError) as caught:
        run.export(out, drop=[1])
    assert str(caught.value).startswith(str(out / "object_001.ply") + ": cannot be written")
    assert contents(tmp_path) == before
    with pytest.raises(InputError):
        run.export(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert contents(tmp_path) == before


def test_nothing_left_of_the_scene(run, tmp_path: Path, make_segmentation) -> None:
    everything = np.maximum(run.object_ids, 0)
    write_segmented(run.path / "segmented.ply", read_splats(run.input), make_segmentation(everything))
    with pytest.raises(InputError, match="every Gaussian is dropped"):
        run.export(tmp_path / "out", drop=[0, 1, 2])
    assert not (tmp_path / "out").exists()
