"""``gsseg compress`` and what reads scene.gsseg: the answers are those of the float columns."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from gsseg.cli import main
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run


def test_compress_tells_what_each_part_costs(run, capfd, answer):
    summary = answer("compress", "-m", run, "--codebook-size", 16, "--levels", 2)
    assert Path(summary["file"]) == run / "scene.gsseg"
    assert summary["bytes"] == (run / "scene.gsseg").stat().st_size
    assert summary["parts"]["feature residuals"] == 2 * 120 * 4 // 8
    assert summary["feature_error"] < 0.05
    assert main(["info", str(run / "scene.gsseg")]) == 0
    out = capfd.readouterr().out
    assert "bytes a Gaussian" in out
    assert "residuals: 2 levels of 16 codes" in out
    assert "as float columns 56" in out


def test_everything_reads_the_compressed_scene_alike(run, answer):
    before = Run.open(run)
    ids, coarse, fine, features = before.object_ids, before.code_coarse, before.code_fine, before.features.numpy()
    learnt = before.learnt_features.numpy()
    answer("compress", "-m", run)
    for opened in (Run.open(run), Run.open(run / "scene.gsseg")):
        assert opened.compressed is not None
        assert np.array_equal(opened.object_ids, ids)
        assert np.array_equal(opened.code_coarse, coarse)
        assert np.array_equal(opened.code_fine, fine)
        assert np.array_equal(opened.features.numpy(), features)
        assert opened.objects == before.objects
        seen = learnt.any(axis=1)
        assert np.abs(opened.learnt_features.numpy() - learnt)[seen].max() < 0.2


def test_query_needs_only_the_compressed_scene_and_its_splats(run, two_things, tmp_path, answer, refusal):
    place = ["--point", -0.9, 0.0, 0.0]
    view = ["--view", "view_0", "--pixel", 31, 20, "-s", two_things]
    expected = [answer("query", "-m", run, *where) for where in (place, view)]
    answer("compress", "-m", run)
    alone = tmp_path / "alone"
    alone.mkdir()
    (run / "scene.gsseg").rename(alone / "scene.gsseg")
    assert "has no splats beside it" in refusal("query", "-m", alone / "scene.gsseg", *place)
    given = answer("query", "-m", alone / "scene.gsseg", "--splats", two_things / "splats.ply", *place)
    shutil.copy(two_things / "splats.ply", alone)
    assert given == expected[0]
    assert [answer("query", "-m", alone / "scene.gsseg", *where) for where in (place, view)] == expected


def test_export_from_a_compressed_scene_writes_the_same_columns(run, two_things, tmp_path, answer):
    answer("compress", "-m", run)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(run / "scene.gsseg", alone)
    shutil.copy(two_things / "splats.ply", alone)
    answer("export", "-m", alone / "scene.gsseg", "--out", tmp_path / "out")
    made, trained = (read_splats(path / "segmented.ply").columns for path in (tmp_path / "out", run))
    assert made.dtype == trained.dtype
    assert made.tobytes() == trained.tobytes()


def test_language_vectors_are_kept_in_bits(run, tmp_path, answer):
    objects = len(Run.open(run).objects)
    vectors = np.random.default_rng(0).normal(size=(objects, 128)).astype(np.float32)
    np.save(tmp_path / "words.npy", vectors)
    summary = answer("compress", "-m", run, "--language", tmp_path / "words.npy")
    assert summary["parts"]["language vectors"] == objects * (8 * 128 // 8 + 16) + 4 * 128
    assert summary["described"] == objects
    codes = Run.open(run).compressed.language
    assert codes.size == objects
    assert answer("compress", "-m", run, "--levels", "2")["described"] == objects, "kept from before"
    assert Run.open(run).compressed.language.packed.tobytes() == codes.packed.tobytes()


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones((1, 8), np.float32), "has 1 rows"),
        (np.ones((2, 8), np.int64), "is no array of floats"),
        (np.array([[1.0, 2.0], [0.0, 0.0]]), "row 1 is zero or not finite"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "row 0 is zero or not finite"),
        (np.array([{}, {}], object), "is no array of numbers"),
    ],
)
def test_wrong_language_vectors(run, tmp_path, refusal, array, said):
    assert len(Run.open(run).objects) == 2
    np.save(tmp_path / "words.npy", array, allow_pickle=True)
    assert said in refusal("compress", "-m", run, "--language", tmp_path / "words.npy")
    assert not (run / "scene.gsseg").exists()


def test_wrong_options_and_folders(run, tmp_path, refusal):
    assert "--levels 17: is out of range" in refusal("compress", "-m", run, "--levels", 17)
    assert "--codebook-size 1: " in refusal("compress", "-m", run, "--codebook-size", 1)
    assert "no such file or folder" in refusal("compress", "-m", tmp_path / "nothing")
    (run / "features.safetensors").write_bytes(b"x" * 20)
    assert "features.safetensors: cannot be read" in refusal("compress", "-m", run)
    assert not (run / "scene.gsseg").exists()


def test_a_compressed_scene_of_other_splats_is_refused(run, two_things, tmp_path, answer, refusal):
    answer("compress", "-m", run)
    columns = np.array(read_splats(two_things / "splats.ply").columns)
    for name, rows in (("fewer", columns[:-1]), ("reversed", columns[::-1].copy())):
        write_splats(tmp_path / f"{name}.ply", rows)
        place = ["--splats", tmp_path / f"{name}.ply", "--point", 0, 0, 0]
        err = refusal("query", "-m", run / "scene.gsseg", *place)
        assert "of 120 Gaussians" in err or "belongs to other splats" in err


def test_a_compressed_scene_of_an_earlier_state_is_refused(run, answer, refusal):
    answer("compress", "-m", run)
    columns = np.array(read_splats(run / "segmented.ply").columns)
    columns["object_id"] = 1 - columns["object_id"]
    write_splats(run / "segmented.ply", columns)
    assert "holds other objects than" in refusal("query", "-m", run, "--point", 0, 0, 0)


def test_training_again_removes_the_compressed_scene(run, two_things, few_steps, answer):
    answer("compress", "-m", run)
    assert main(["train", "-s", str(two_things), "-m", str(run), "--quiet", *few_steps]) == 0
    assert not (run / "scene.gsseg").exists()


def test_a_damaged_compressed_scene_is_made_again(run, tmp_path, answer):
    np.save(tmp_path / "words.npy", np.eye(2, 64, dtype=np.float32) + 1)
    answer("compress", "-m", run)
    (run / "scene.gsseg").write_bytes(b"damaged")
    answer("compress", "-m", run, "--language", tmp_path / "words.npy")
    assert Run.open(run).compressed.language.size == 2
