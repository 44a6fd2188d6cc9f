"""A CLIP model in a folder says what transformers says, offline and silently; bad folders are refused."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.errors import InputError
from gsseg.language.clip import ClipModel
from gsseg.language.pixels import FILE_NAME, Pixels

TEXTS = ["red mug", "a chair", "LAMP, lamp & ünïcode ☕", "table " * 50]


@pytest.fixture(scope="module")
def model(clip_folder) -> ClipModel:
    return ClipModel.open(clip_folder)


@pytest.fixture
def copied(clip_folder, tmp_path) -> Path:
    """A copy of the model's folder, to be spoilt."""
    return Path(shutil.copytree(clip_folder, tmp_path / "model"))


def pictures(count: int = 20) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 90, (count, 2))
    return [Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)) for size in sizes]


def features_of(output) -> np.ndarray:
    rows = output if isinstance(output, torch.Tensor) else output.pooler_output
    return torch.nn.functional.normalize(rows, dim=1).numpy()


def test_texts_agree_with_transformers(model, clip_folder):
    from transformers import CLIPModel, CLIPTokenizer

    vectors = model.encode_text(TEXTS)
    assert vectors.shape == (len(TEXTS), model.dim)
    assert vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6
    network, tokenizer = CLIPModel.from_pretrained(clip_folder), CLIPTokenizer.from_pretrained(clip_folder)
    for text, vector in zip(TEXTS, vectors, strict=True):
        tokens = tokenizer([text], return_tensors="pt", truncation=True, max_length=12)
        with torch.inference_mode():
            assert np.abs(features_of(network.get_text_features(**tokens))[0] - vector).max() < 1e-5
    assert (vectors @ vectors.T)[0, 1] < 0.99  # different texts are told apart


def test_pictures_agree_with_transformers(model, clip_folder):
    from transformers import CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    images = pictures()
    vectors = model.encode_images(images)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    with torch.inference_mode():
        given = processor(images, return_tensors="pt")
        expected = features_of(CLIPModel.from_pretrained(clip_folder).get_image_features(**given))
    assert vectors.shape == expected.shape
    assert np.abs(vectors - expected).max() < 1e-5
    assert (vectors @ vectors.T).min() < 0.99


def plainly(image: Image.Image, size: tuple[int, int], resample: int, mean: float, std: float) -> np.ndarray:
    """The definition: resize to (width, height), take the middle 32 x 32, bytes to 0..1, subtract, divide."""
    image = image.convert("RGB").resize(size, Image.Resampling(resample))
    top, left = (size[1] - 32) // 2, (size[0] - 32) // 2
    pixels = np.asarray(image, np.float64)[top : top + 32, left : left + 32] / 255
    return ((pixels - mean) / std).transpose(2, 0, 1)


@pytest.mark.parametrize(
    ("settings", "size", "resample"),
    [
        ({"size": 48, "crop_size": 32, "resample": 2}, None, 2),
        ({"size": {"shortest_edge": 48}, "crop_size": {"height": 32, "width": 32}}, None, 3),
        ({"size": {"height": 40, "width": 36}, "crop_size": 32}, (36, 40), 3),
        ({"size": {"height": 32, "width": 32}, "do_center_crop": False}, (32, 32), 3),
    ],
)
def test_pixels_are_prepared_as_the_file_says(tmp_path, settings, size, resample):
    from transformers import CLIPImageProcessorPil

    settings |= {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "processor_class": "CLIPProcessor"}
    (tmp_path / FILE_NAME).write_text(json.dumps(settings))
    prepare = Pixels.read(CLIPImageProcessorPil, tmp_path, 32)
    for image in [*pictures(6), Image.new("L", (50, 70), 90), Image.new("RGBA", (33, 21), (10, 200, 90, 255))]:
        short = min(image.size)
        whole = size or (48 * image.width // short, 48 * image.height // short)
        numbers = prepare(image)
        assert numbers.dtype == np.float32
        assert np.abs(numbers - plainly(image, whole, resample, 0.5, 0.25)).max() < 1e-6


def test_without_a_file_pixels_are_prepared_as_openai_did(tmp_path):
    from transformers import CLIPImageProcessorPil

    grey = Pixels.read(CLIPImageProcessorPil, tmp_path, 32)(Image.new("RGB", (64, 48), (123, 117, 104)))
    assert grey.shape == (3, 32, 32)
    assert np.abs(grey).max() < 1e-2  # the mean of the pictures that CLIP was trained on


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{", "is not valid JSON"),
        ("[]", "no object in braces"),
        ('{"size": "x"}', "size"),
        ('{"size": {"height": -3, "width": 2}}', "size is -3, must be 1 to 4096"),
        ('{"size": {"shortest_edge": 1000000}}', "size is 1000000, must be 1 to 4096"),
        ('{"crop_size": {"height": 100000, "width": 100000}}', "crop_size is 100000, must be 1 to 4096"),
        ('{"crop_size": {"height": 20, "width": 32}}', "looks at 32 x 32 pixels, and pictures become 20 x 32"),
        ('{"do_center_crop": false}', "looks at 32 x 32 pixels, and pictures become 32 x 42"),
        ('{"resample": 99}', "resampling"),
        ('{"image_mean": [1]}', "mean"),
        ('{"image_std": [0, 1, 1]}', "numbers that are not finite"),
        ('{"rescale_factor": "a"}', "ufunc"),
    ],
)
def test_settings_of_pixels_that_are_refused(tmp_path, settings, said):
    from transformers import CLIPImageProcessorPil

    (tmp_path / FILE_NAME).write_text(settings)
    with pytest.raises(InputError, match=said) as caught:
        Pixels.read(CLIPImageProcessorPil, tmp_path, 32)
    assert caught.value.path == str(tmp_path / FILE_NAME)
    assert "\n" not in str(caught.value)


def test_a_vector_does_not_depend_on_its_company(model):
    together = model.encode_text(TEXTS)
    assert np.abs(np.concatenate([model.encode_text([text]) for text in TEXTS]) - together).max() < 1e-6
    images = pictures()
    alone = np.concatenate([model.encode_images([image]) for image in images])
    assert np.abs(alone - model.encode_images(images)).max() < 1e-6
    assert model.encode_text([]).shape == model.encode_images([]).shape == (0, model.dim)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_empty_text(model, text):
    with pytest.raises(ValueError, match="a text without a word"):
        model.encode_text(["mug", text])


def test_sharded_and_half_precision_weights(clip_folder, model, copied):
    from transformers import CLIPModel

    (copied / "model.safetensors").unlink()
    CLIPModel.from_pretrained(clip_folder).save_pretrained(copied, max_shard_size="40KB")
    assert len(list(copied.glob("model-*.safetensors"))) > 1
    assert np.array_equal(ClipModel.open(copied).encode_text(TEXTS), model.encode_text(TEXTS))
    CLIPModel.from_pretrained(clip_folder).half().save_pretrained(copied)
    assert np.abs(ClipModel.open(copied).encode_text(TEXTS) - model.encode_text(TEXTS)).max() < 1e-2


def test_nothing_is_asked_of_the_network_and_nothing_is_said(copied, monkeypatch, capfd):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    ClipModel.open(copied).encode_text(["mug"])
    (copied / "model.safetensors").write_bytes(b"{")
    with pytest.raises(InputError):
        ClipModel.open(copied)
    assert capfd.readouterr() == ("", "")


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def only_pickled(folder: Path) -> None:
    without_weights(folder)
    torch.save({"x": torch.zeros(1)}, folder / "pytorch_model.bin")


def truncated(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def lacking_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["text_projection.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def without_tokenizer(folder: Path) -> None:
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (folder / name).unlink()


def damaged_tokenizer(folder: Path) -> None:
    (folder / "vocab.json").write_text("[[[")


def another_tokenizer(folder: Path) -> None:
    vocab = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**vocab, **{f"more{i}": len(vocab) + i for i in range(9)}}))


def another_kind(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def odd_pixels(folder: Path) -> None:
    (folder / FILE_NAME).write_text(json.dumps({"size": 48, "crop_size": 48}))


def damaged_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (shutil.rmtree, "no such folder"),
        (without_weights, "holds no weights and has no model.safetensors"),
        (only_pickled, r"pytorch_model.bin, which can run code, and has no model.safetensors; download"),
        (truncated, "cannot be read as a CLIP model"),
        (lacking_weights, "lacks the weights text_projection.weight"),
        (without_tokenizer, "has no tokenizer"),
        (damaged_tokenizer, "has a tokenizer that cannot be read"),
        (another_tokenizer, "has a tokenizer of 558 tokens, and its model knows 549"),
        (another_kind, "is of a model of type 'bert', not 'clip'"),
        (odd_pixels, "the model looks at 32 x 32 pixels, and pictures become 48 x 48"),
        (damaged_config, "config.json: is not valid JSON"),
    ],
)
def test_folders_that_are_refused(copied, spoil, said, capfd):
    spoil(copied)
    with pytest.raises(InputError, match=said) as caught:
        ClipModel.open(copied)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_other_paths_are_refused(copied, tmp_path):
    with pytest.raises(InputError, match="is a file"):
        ClipModel.open(copied / "config.json")
    with pytest.raises(InputError, match=r"has no config\.json"):
        ClipModel.open(tmp_path)


def test_what_needs_no_words_does_not_import_transformers(tmp_path):
    code = "import sys, gsseg, gsseg.compressed, gsseg.language.search\nfrom gsseg.cli import main\n"
    code += "main(['--help']); gsseg.Run; import gsseg.cli.query, gsseg.cli.compress\n"
    code += "assert 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)


def test_without_transformers_one_line_says_what_to_install(copied, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"needs the library transformers .*; install it: pip install 'gsseg\[clip\]'"):
        ClipModel.open(copied)
