"""``gsseg compress --clip`` and ``--language FOLDER``, then ``gsseg query --text``: from end to end."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.cli import device as device_option
from gsseg.cli import main
from gsseg.compressed.language import has_vector
from gsseg.io.label_png import read_label_png
from gsseg.language.clip import ClipModel
from gsseg.quantize.binary.quantizer import BinaryQuantizer
from gsseg.run import Run
from gsseg.scene import Gaussians


@pytest.fixture
def scene(two_things, tmp_path) -> Path:
    """A copy of its scene."""
    return Path(shutil.copytree(two_things, tmp_path / "scene"))


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
def test_words_find_the_object_whose_masks_have_their_vector(run, scene, clip_folder, capfd, inner, answer):
    texts = ClipModel.open(clip_folder).encode_text(["red mug", "lamp"])
    write_language_features(scene, texts)
    summary = answer("compress", "-m", run, "--language", scene / inner)
    assert summary["described"] == 2
    instances = np.load(scene / "gt" / "gaussian_instance.npy")
    opened = Run.open(run)
    for instance, words in enumerate(("red mug", "lamp")):
        found = answer("query", "-m", run, "--text", words, "--clip", clip_folder)
        own = np.bincount(opened.object_ids[(instances == instance) & (opened.object_ids >= 0)]).argmax()
        assert sorted(each["id"] for each in found) == [0, 1]
        assert found[0]["relevancy"] >= found[1]["relevancy"]
        nearest = max(found, key=lambda each: each["cosine"])
        assert (nearest["id"], nearest["name"]) == (own, opened.objects[own].name)
        assert nearest["cosine"] > 0.99
    assert len(answer("query", "-m", run, "--text", "lamp", "--clip", clip_folder, "--best", 1)) == 1
    assert main(["query", "-m", str(run), "--text", "lamp", "--clip", str(clip_folder)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "relevancy", "cosine", "name"]
    assert lines[1].split()[0] == str(found[0]["id"])


def test_vectors_are_made_from_the_photos(run, clip_folder, capfd, answer):
    summary = answer("compress", "-m", run, "--clip", clip_folder)
    assert summary["described"] == 2
    codes = Run.open(run).compressed.language
    assert (codes.size, codes.dimension) == (2, ClipModel.open(clip_folder).dim)
    assert has_vector(codes).all()
    answer("compress", "-m", run)  # which keeps them, and whose they are
    assert Run.open(run).compressed.language_model == ClipModel.open(clip_folder).fingerprint
    answer("compress", "-m", run, "--clip", clip_folder)
    again = Run.open(run).compressed.language
    assert np.array_equal(again.packed, codes.packed)
    assert np.array_equal(again.lower, codes.lower)
    found = answer("query", "-m", run, "--text", "mug", "--clip", clip_folder)
    assert sorted(each["id"] for each in found) == [0, 1]
    assert all(-1 <= each["cosine"] <= 1 and 0 <= each["relevancy"] <= 1 for each in found)
    assert main(["info", str(run / "scene.gsseg")]) == 0
    assert "language vectors" in capfd.readouterr().out


@pytest.mark.parametrize("damage", ["none there", "unreadable", "of other photos"])
def test_photos_are_enough(run, scene, clip_folder, answer, damage):
    """With --clip the scene's masks are not read: without them, or with useless ones, the vectors are the same."""
    answer("compress", "-m", run, "--clip", clip_folder, "-s", scene)
    before = Run.open(run).compressed.language
    for path in list((scene / "masks").iterdir()):
        if damage == "unreadable":
            path.write_bytes(b"no picture")
        else:
            path.rename(path.with_name("other_" + path.name))
    if damage == "none there":
        shutil.rmtree(scene / "masks")
    (run / "scene.gsseg").unlink()
    answer("compress", "-m", run, "--clip", clip_folder, "-s", scene)
    after = Run.open(run).compressed.language
    assert np.array_equal(after.packed, before.packed)
    assert np.array_equal(after.lower, before.lower)


@pytest.mark.parametrize(("device", "moved"), [(None, 2), ("auto", 2), ("cpu", 0), ("cuda", 2)])
def test_device_says_where_the_model_and_the_splats_are(run, clip_folder, answer, monkeypatch, device, moved):
    asked, opened = [], ClipModel.open
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(device_option, "gsplat_problem", lambda: None)
    monkeypatch.setattr(ClipModel, "open", lambda folder, device="cpu": asked.append(device) or opened(folder))
    monkeypatch.setattr(Gaussians, "to", lambda self, device: asked.append(device) or self)
    answer("compress", "-m", run, "--clip", clip_folder, *([] if device is None else ["--device", device]))
    assert asked.count("cuda") == moved


def test_cuda_where_there_is_none(run, clip_folder, refusal, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for more in ([], ["--clip", clip_folder]):
        said = refusal("compress", "-m", run, "--device", "cuda", *more)
        assert said.startswith("gsseg: error: --device cuda: PyTorch finds no CUDA GPU; ")
    assert not (run / "scene.gsseg").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")
def test_a_gpu_gives_the_same_vectors(run, clip_folder, answer):
    decoded = []
    for device in ("cpu", "cuda"):
        answer("compress", "-m", run, "--clip", clip_folder, "--device", device)
        codes = Run.open(run).compressed.language
        decoded.append(BinaryQuantizer.of(codes).decode(codes))
    np.testing.assert_allclose(*decoded, atol=0.02)


def test_another_scene_may_be_named(run, scene, clip_folder, answer, refusal):
    first = answer("compress", "-m", run, "--clip", clip_folder)
    before = Run.open(run).compressed.language
    for photo in (scene / "images").iterdir():
        Image.new("RGB", (64, 48), (250, 10, 10)).save(photo)
    (run / "config.yaml").unlink()
    assert "config.yaml: does not exist" in refusal("compress", "-m", run, "--clip", clip_folder)
    assert answer("compress", "-m", run, "--clip", clip_folder, "-s", scene)["described"] == first["described"]
    assert not np.array_equal(Run.open(run).compressed.language.packed, before.packed)


def test_objects_without_a_vector_are_not_named(run, clip_folder, tmp_path, answer):
    vectors = ClipModel.open(clip_folder).encode_text(["mug", "lamp"])
    vectors[0] = np.nan
    np.save(tmp_path / "words.npy", vectors)
    assert answer("compress", "-m", run, "--language", tmp_path / "words.npy")["described"] == 1
    found = answer("query", "-m", run, "--text", "mug", "--clip", clip_folder)
    assert [each["id"] for each in found] == [1]


def test_compress_refuses_early_and_writes_nothing(run, scene, clip_folder, tmp_path, refusal):
    def refused(*args: object) -> str:
        said = refusal("compress", "-m", run, *args)
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


def test_query_refuses_with_one_line(run, clip_folder, tmp_path, capfd, answer, refusal):
    text = ["query", "-m", run, "--text", "mug"]
    assert "has no language vectors to find objects by; make them: gsseg compress" in refusal(*text)
    np.save(tmp_path / "words.npy", np.eye(2, 9, dtype=np.float32))
    answer("compress", "-m", run, "--language", tmp_path / "words.npy")
    assert "give the one that the vectors were made with: --clip MODEL" in refusal(*text)
    assert "those of the objects have 9; they were made with another model" in refusal(*text, "--clip", clip_folder)
    for place in (["--point", 0, 0, 0], ["--view", "view_0", "--pixel", 1, 1], ["--pixel", 1, 1]):
        assert "needs one place, or words" in refusal(*text, *place)
    assert "needs one place, or words" in refusal("query", "-m", run)
    assert "--best: is 0" in refusal(*text, "--best", 0)
