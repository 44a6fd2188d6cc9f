"""``gsseg update``: a run after its splats were edited elsewhere, against what was edited, row by row."""

from pathlib import Path

import numpy as np
import pytest

from gsseg.io.ply import write_splats
from gsseg.io.splat_format import inria_dtype
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run, RunLayout
from gsseg.run.matching import match_centres, same_centre


@pytest.fixture
def edit(run, tmp_path):
    """A function that writes what an editor saves: some rows, in some order, with some columns."""

    def write(rows, names=None, **changed) -> Path:
        columns = read_splats(RunLayout(run).segmented).columns
        columns = columns if names is None else columns[list(names)]
        write_splats(tmp_path / "edited.ply", columns[rows], changed)
        return tmp_path / "edited.ply"

    return write


def test_what_an_editor_deletes_is_deleted(run, edit, answer):
    """Half of it, shuffled, with the standard columns only."""
    before = Run.open(run).object_ids.copy()
    kept = np.random.default_rng(0).permutation(len(before))[: len(before) // 2]
    told = answer("update", "-m", run, edit(kept, inria_dtype(0).names))
    after = Run.open(run)
    expected = ~np.isin(np.arange(len(before)), kept)
    assert np.array_equal(after.marks.deleted, expected)
    assert np.array_equal(after.object_ids, before)
    assert told["deleted"] == expected.sum()
    assert (told["moved"], told["foreign"], told["by_row"]) == (0, 0, False)
    assert (RunLayout(run).earlier / "original" / "segmented.ply").is_file()
    again = answer("update", "-m", run, edit(kept, inria_dtype(0).names))
    assert (again["deleted"], again["moved"]) == (0, 0)
    assert not (RunLayout(run).earlier / "1").exists(), "nothing was written a second time"


@pytest.mark.parametrize("shuffled", [False, True])
def test_objects_that_were_changed_elsewhere(run, edit, answer, shuffled):
    before = Run.open(run)
    ids, count = before.object_ids.copy(), len(before.objects)
    ids[:5], ids[5:9], ids[9:11] = -1, count + 40, count + 7
    order = np.random.default_rng(1).permutation(len(ids)) if shuffled else np.arange(len(ids))
    told = answer("update", "-m", run, edit(order, object_id=ids[order]))
    after = Run.open(run)
    expected = ids.copy()
    expected[5:9], expected[9:11] = count + 1, count
    assert np.array_equal(after.object_ids, expected)
    assert told["by_row"] is not shuffled
    assert (told["moved"], told["new_objects"]) == (int((expected != before.object_ids).sum()), 2)
    assert [row.gaussians for row in after.objects] == [(expected == k).sum() for k in range(count + 2)]
    assert after.objects[count].name == f"object {count}"
    for row in before.objects:
        same = np.array_equal(before.object_ids == row.id, expected == row.id)
        assert after.objects[row.id].name == row.name
        assert after.objects[row.id].edited is not same


def test_a_compressed_run_says_the_same(run, edit, answer):
    answer("compress", "-m", run)
    ids = Run.open(run).object_ids.copy()
    ids[:20] = 1 - np.maximum(ids[:20], 0)
    answer("update", "-m", run, edit(np.arange(len(ids)), object_id=ids))
    after = Run.open(run)
    assert after.compressed is not None
    assert np.array_equal(after.compressed.object_ids, ids)
    assert np.array_equal(after.object_ids, ids)


def test_what_is_refused_changes_nothing(run, edit, refusal, tmp_path):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}
    count = len(Run.open(run).object_ids)
    half = np.arange(count // 2)
    assert "leave --match out" in refusal("update", "-m", run, edit(half), "--match", "row")
    moved = read_splats(RunLayout(run).segmented).columns["x"] + 50
    assert "was moved: 0 of its" in refusal("update", "-m", run, edit(np.arange(count), x=moved))
    wrong = np.full(count, 0.5, np.float32)
    assert "no ids of objects" in refusal("update", "-m", run, edit(np.arange(count), object_id=wrong))
    assert "no ids of objects" in refusal("update", "-m", run, edit(half, object_id=np.full(len(half), -2, np.int32)))
    assert "does not exist" in refusal("update", "-m", run, tmp_path / "none.ply")
    assert "is no RUN folder" in refusal("update", "-m", tmp_path / "none", edit(half))
    RunLayout(run).unsaved.write_text("{}")
    assert "not saved" in refusal("update", "-m", run, edit(half))
    RunLayout(run).unsaved.unlink()
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before


def test_centres_find_their_gaussians_once_each():
    """Against all pairs, with several Gaussians in one place and rows that are nobody's."""
    rng = np.random.default_rng(4)
    known = rng.normal(size=(300, 3)).astype(np.float32)
    known[100:103] = known[100]
    within = same_centre(known)
    kept = rng.permutation(300)[:200]
    kept = np.unique(np.concatenate([kept, [100, 101]]))
    noise = rng.normal(size=(len(kept), 3)) * within / 20
    rows = np.concatenate([known[kept] + noise, rng.normal(size=(30, 3)) + 50]).astype(np.float32)
    found = match_centres(known, rows, within)
    assert (found[len(kept) :] == -1).all()
    distances = np.linalg.norm(known[None].astype(np.float64) - rows[: len(kept), None], axis=2)
    assert np.allclose(distances[np.arange(len(kept)), found[: len(kept)]], distances.min(1), atol=within / 2)
    assert len(set(found[: len(kept)].tolist())) == len(kept), "no Gaussian is two rows"
    assert np.array_equal(match_centres(known, known, within), np.arange(300))
    assert match_centres(known[:1], known[:2], same_centre(known[:1])).tolist() in ([0, -1], [-1, 0])
