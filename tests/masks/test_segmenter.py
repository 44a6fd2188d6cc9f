"""Models of every class: the same masks as transformers' own path gives, in the picture's own coordinates."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.errors import InputError
from gsseg.masks.segmenter import IMAGENET_MEAN, IMAGENET_STD, Segmenter
from tests.masks.conftest import MODELS, SIDE


@pytest.fixture(params=MODELS)
def segmenter(request, model_folders):
    """Each model, in float32."""
    return Segmenter.open(model_folders[request.param], precision="float32")


@pytest.fixture
def picture():
    """Wider than high."""
    pixels = np.random.default_rng(3).integers(0, 255, (12, 20, 3), np.uint8)
    return Image.fromarray(pixels).resize((100, 60), Image.Resampling.BICUBIC)


def test_proposals_cover_the_picture_and_not_the_padding(segmenter, picture):
    points = np.array([[10.0, 10.0], [90.0, 50.0], [50.0, 30.0]])
    said = segmenter.look(picture).propose(points)
    rows, columns = said.logits.shape[2:]
    assert said.logits.shape[:2] == said.scores.shape == (3, 3)
    padded = segmenter.family.startswith(("sam2", "edgetam")) is False
    assert columns / rows == pytest.approx(100 / 60 if padded else 1, rel=0.1)
    assert torch.isfinite(said.logits).all()


def test_points_are_asked_in_any_batch(segmenter, picture, monkeypatch):
    points = np.random.default_rng(0).uniform(0, 60, (7, 2))
    look = segmenter.look(picture)
    whole = look.propose(points)
    monkeypatch.setattr("gsseg.masks.segmenter.POINTS_AT_ONCE", 2)
    parts = look.propose(points)
    torch.testing.assert_close(parts.logits, whole.logits, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(parts.scores, whole.scores, rtol=1e-3, atol=1e-4)


def test_a_look_is_what_the_whole_model_would_do(segmenter, picture):
    """Image and points through the model in one call, prepared here in other words."""
    point = np.array([[33.0, 21.0]])
    said = segmenter.look(picture).propose(point)
    square = segmenter.family.startswith(("sam2", "edgetam"))
    inner = (SIDE, SIDE) if square else (SIDE, round(60 * SIDE / 100))
    values = np.asarray(picture.resize(inner, Image.Resampling.BILINEAR, reducing_gap=3.0), np.float64) / 255
    values = ((values - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1)
    pixels = np.zeros((1, 3, SIDE, SIDE), np.float32)
    pixels[0, :, : inner[1], : inner[0]] = values
    where = torch.tensor([[[[33.0 * inner[0] / 100, 21.0 * inner[1] / 60]]]])
    with torch.inference_mode():
        expected = segmenter.network(pixel_values=torch.from_numpy(pixels), input_points=where)
    masks = expected["pred_masks"][0][..., : said.logits.shape[2], : said.logits.shape[3]]
    torch.testing.assert_close(said.logits, masks, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(said.scores, expected["iou_scores"][0], rtol=1e-3, atol=1e-3)


def test_bfloat16_is_near(model_folders, picture):
    points = np.array([[33.0, 21.0]])
    exact, half = (
        Segmenter.open(model_folders["sam2"], precision=precision).look(picture).propose(points)
        for precision in ("float32", "bfloat16")
    )
    torch.testing.assert_close(half.scores, exact.scores, rtol=0.1, atol=0.1)
    assert half.logits.dtype == torch.float32


def test_fingerprints_tell_models_apart(model_folders):
    prints = {Segmenter.open(folder, precision="float32").fingerprint for folder in model_folders.values()}
    assert len(prints) == len(MODELS)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), "model of type 'bert'"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"123"), "cannot be read as a segmenter"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path, spoil, problem):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "sam"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    spoil(tmp_path)
    with pytest.raises(InputError, match=problem):
        Segmenter.open(tmp_path)


def test_a_folder_that_is_not_there_says_where_to_get_one(tmp_path):
    with pytest.raises(InputError, match=r"does not exist.*sam2\.1-hiera-tiny"):
        Segmenter.open(tmp_path / "absent")


def test_an_edgetam_without_its_encoders_library_says_so(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr("gsseg.masks.segmenter.find_spec", lambda name: None)
    for vision in ({}, {"vision_config": {"backbone_config": {"model_type": "timm_wrapper"}}}):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": "edgetam", **vision}))
        with pytest.raises(InputError, match="comes from the library timm, which is not installed; pip install timm"):
            Segmenter.open(tmp_path)


def test_missing_weights_are_not_drawn_at_random(model_folders, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = load_file(model_folders["sam2"] / "model.safetensors")
    lost = next(name for name in weights if "mask_decoder" in name)
    save_file({name: value for name, value in weights.items() if name != lost}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((model_folders["sam2"] / "config.json").read_bytes())
    with pytest.raises(InputError, match="lacks the weights"):
        Segmenter.open(tmp_path)
