"""``gsseg compress --clip`` and ``--language FOLDER``, then ``gsseg query --text``: from end to end."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.cli import main
from gsseg.compressed.language import has_vector
from gsseg.io.label_png import read_label_png
from gsseg.language.clip import ClipModel
from gsseg.run import Run


@pytest.fixture
def run(finished_run, tmp_path) -> Path:
    """A copy of the finished run of two things."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def scene(two_things, tmp_path) -> Path:
    """A copy of its scene."""
    return Path(shutil.copytree(two_things, tmp_path / "scene"))


def answer(capsys, *args: object):
    assert main([*map(str, args), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out.splitlines()[-1])


def refusal(capsys, *args: object) -> str:
    assert main(list(map(str, args))) == 2
    _, err = capsys.readouterr()
    assert err.startswith("gsseg: error: ")
    assert err.count("\n") == 1
    return err


def write_language_features(scene: Path, texts: np.ndarray, views: int = 5) -> Path:
    """Exact masks at the first level and all of it as one mask at the last; vector i is that of instance i."""
    folder = scene / "language_features"
    folder.mkdir()
    for i in range(views):
        ids = read_label_png(scene / "gt" / "ids" / f"view_{i}.png").astype(np.float32) - 1
        stack = np.stack([ids, np.full_like(ids, -1), np.full_like(ids, -1), np.where(ids >= 0, 2, -1)])
        np.save(folder / f"view_{i}_s.npy", stack.astype(np.float32))
        np.save(folder / f"view_{i}_f.npy", np.stack([*texts, texts.sum(0)]))
    return folder


@pytest.mark.parametrize("inner", ["", "language_features"])
def test_words_find_the_object_whose_masks_have_their_vector(run, scene, clip_folder, capsys, inner):
    texts = ClipModel.open(clip_folder).encode_text(["red mug", "lamp"])
    write_language_features(scene, texts)
    summary = answer(capsys, "compress", "-m", run, "--language", scene / inner)
    assert summary["described"] == 2
    instances = np.load(scene / "gt" / "gaussian_instance.npy")
    opened = Run.open(run)
    for instance, words in enumerate(("red mug", "lamp")):
        found = answer(capsys, "query", "-m", run, "--text", words, "--clip", clip_folder)
        own = np.bincount(opened.object_ids[(instances == instance) & (opened.object_ids >= 0)]).argmax()
        assert sorted(each["id"] for each in found) == [0, 1]
        assert found[0]["relevancy"] >= found[1]["relevancy"]
        nearest = max(found, key=lambda each: each["cosine"])
        assert (nearest["id"], nearest["name"]) == (own, opened.objects[own].name)
        assert nearest["cosine"] > 0.99
    assert len(answer(capsys, "query", "-m", run, "--text", "lamp", "--clip", clip_folder, "--best", 1)) == 1
    assert main(["query", "-m", str(run), "--text", "lamp", "--clip", str(clip_folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "relevancy", "cosine", "name"]
    assert lines[1].split()[0] == str(found[0]["id"])


def test_vectors_are_made_from_the_photos(run, clip_folder, capsys):
    summary = answer(capsys, "compress", "-m", run, "--clip", clip_folder)
    assert summary["described"] == 2
    codes = Run.open(run).compressed.language
    assert (codes.size, codes.dimension) == (2, ClipModel.open(clip_folder).dim)
    assert has_vector(codes).all()
    answer(capsys, "compress", "-m", run)  # which keeps them, and whose they are
    assert Run.open(run).compressed.language_model == ClipModel.open(clip_folder).fingerprint
    answer(capsys, "compress", "-m", run, "--clip", clip_folder)
    again = Run.open(run).compressed.language
    assert np.array_equal(again.packed, codes.packed)
    assert np.array_equal(again.lower, codes.lower)
    found = answer(capsys, "query", "-m", run, "--text", "mug", "--clip", clip_folder)
    assert sorted(each["id"] for each in found) == [0, 1]
    assert all(-1 <= each["cosine"] <= 1 and 0 <= each["relevancy"] <= 1 for each in found)
    assert main(["info", str(run / "scene.gsseg")]) == 0
    assert "language vectors" in capsys.readouterr().out


def test_another_scene_may_be_named(run, scene, clip_folder, capsys):
    first = answer(capsys, "compress", "-m", run, "--clip", clip_folder)
    before = Run.open(run).compressed.language
    for photo in (scene / "images").iterdir():
        Image.new("RGB", (64, 48), (250, 10, 10)).save(photo)
    (run / "config.yaml").unlink()
    assert "config.yaml: cannot be read" in refusal(capsys, "compress", "-m", run, "--clip", clip_folder)
    assert answer(capsys, "compress", "-m", run, "--clip", clip_folder, "-s", scene)["described"] == first["described"]
    assert not np.array_equal(Run.open(run).compressed.language.packed, before.packed)


def test_objects_without_a_vector_are_not_named(run, clip_folder, tmp_path, capsys):
    vectors = ClipModel.open(clip_folder).encode_text(["mug", "lamp"])
    vectors[0] = np.nan
    np.save(tmp_path / "words.npy", vectors)
    assert answer(capsys, "compress", "-m", run, "--language", tmp_path / "words.npy")["described"] == 1
    found = answer(capsys, "query", "-m", run, "--text", "mug", "--clip", clip_folder)
    assert [each["id"] for each in found] == [1]


def test_compress_refuses_early_and_writes_nothing(run, scene, clip_folder, tmp_path, capsys):
    def refused(*args: object) -> str:
        said = refusal(capsys, "compress", "-m", run, *args)
        assert not (run / "scene.gsseg").exists()
        return said

    assert "both make language vectors" in refused("--clip", clip_folder, "--language", scene)
    assert "no such folder" in refused("--clip", tmp_path / "nothing")
    assert "has no config.json" in refused("--clip", scene)
    assert "holds no masks with vectors" in refused("--language", scene)
    assert "does not exist" in refused("--language", tmp_path / "nothing.npy")
    assert "does not exist" in refused("--clip", clip_folder, "-s", tmp_path / "nothing")
    shutil.rmtree(scene / "images")
    assert "has no photos" in refused("--clip", clip_folder, "-s", scene)
    folder = write_language_features(scene, np.zeros((2, 8), np.float32))
    assert "shows none of the run's objects" in refused("--language", folder, "-s", scene)
    (folder / "view_3_f.npy").write_bytes(b"")
    assert "view_3_f.npy: is empty" in refused("--language", folder, "-s", scene)


def test_query_refuses_with_one_line(run, clip_folder, tmp_path, capsys):
    text = ["query", "-m", run, "--text", "mug"]
    assert "has no language vectors to find objects by; make them: gsseg compress" in refusal(capsys, *text)
    np.save(tmp_path / "words.npy", np.eye(2, 9, dtype=np.float32))
    answer(capsys, "compress", "-m", run, "--language", tmp_path / "words.npy")
    assert "give the one that the vectors were made with: --clip MODEL" in refusal(capsys, *text)
    assert "those of the objects have 9; they were made with another model" in refusal(
        capsys, *text, "--clip", clip_folder
    )
    for place in (["--point", 0, 0, 0], ["--view", "view_0", "--pixel", 1, 1], ["--pixel", 1, 1]):
        assert "needs one place, or words" in refusal(capsys, *text, *place)
    assert "needs one place, or words" in refusal(capsys, "query", "-m", run)
    assert "--best: is 0" in refusal(capsys, *text, "--best", 0)
