"""LERF-OVS: texts, what they select drawn alone, and what is wrong with a list of texts."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.errors import InputError
from gsseg.evaluate import PROTOCOLS, ObjectNames, Prediction, evaluate, write_query_pictures
from gsseg.evaluate.prompt_truth import read_queries, write_queries
from gsseg.evaluate.view_iou import silhouette
from gsseg.render import blend_weights

LERF = PROTOCOLS["lerf"]
NAMES = ObjectNames.of("here", [(0, "left ball"), (1, "right ball")], 2)


@pytest.fixture
def truth(two_balls, tmp_path: Path) -> Path:
    """Each ball asked for in both views, by its silhouette at 0.7."""
    found = []
    for view in two_balls.scene.views:
        for row, name in enumerate(("left ball", "right ball")):
            rows = np.flatnonzero(two_balls.instances == row)
            found.append((view.name, name, silhouette(two_balls.scene.gaussians, rows, view.camera, 0.7)))
    write_queries(tmp_path, found)
    return tmp_path


def test_the_truth_scores_one(two_balls, truth: Path) -> None:
    scores = evaluate(two_balls.scene, two_balls.instances, truth, LERF, words=NAMES)
    assert [metric.value for metric in scores.metrics] == pytest.approx([1.0] * 3)
    summary = json.loads(json.dumps(scores.summary()))
    assert summary["queries"] == 4
    assert summary["by_query"][1] == {"query": 1, "name": "front: right ball", "miou": 1.0}
    assert summary["rules"]["silhouette_alpha_above"] == 0.7
    assert summary["rules"]["selected"] == {"left ball": [0], "right ball": [1]}
    assert json.loads((truth / "test_views.json").read_text()) == ["front", "side"]


def test_scores_are_those_of_pixels_drawn_one_by_one(two_balls, truth: Path) -> None:
    """A second program: dense weights of what is selected, and sets of pixels."""
    rng = np.random.default_rng(0)
    ids = np.where(rng.random(600) < 0.4, 2, two_balls.instances).astype(np.int32)
    names = ObjectNames.of("here", [(0, "left ball")], 3)  # nothing for the right one
    expected = []
    for query in json.loads((truth / "prompts.json").read_text()):
        view = two_balls.scene.view(query["view"])
        rows = np.flatnonzero(ids == 0) if query["prompt"] == "left ball" else np.empty(0, int)
        drawn = set()
        if len(rows):
            alone = two_balls.scene.gaussians.subset(torch.from_numpy(rows))
            drawn = set(np.flatnonzero(blend_weights(alone, view).to_dense().sum(1).numpy() > 0.7))
        meant = set(np.flatnonzero(np.asarray(Image.open(truth / query["mask"])).reshape(-1)))
        expected.append(len(drawn & meant) / len(drawn | meant))
    scores = evaluate(two_balls.scene, ids, truth, LERF, words=names)
    assert list(scores["miou"].by_instance.values()) == pytest.approx(expected)
    assert scores["miou"].value == pytest.approx(np.mean(expected))
    assert scores["acc25"].value == np.mean(np.array(expected) > 0.25) == 0.5
    assert scores["acc50"].value == np.mean(np.array(expected) > 0.5)


def test_order_and_numbers_mean_nothing(two_balls, truth: Path) -> None:
    order = torch.randperm(600, generator=torch.Generator().manual_seed(0))
    shuffled = two_balls.reordered(order)
    ids = (7 - two_balls.instances[order.numpy()]).astype(np.int32)
    names = ObjectNames.of("here", [(7, "left ball"), (6, "right ball")], 8)
    scores = evaluate(shuffled, ids, truth, LERF, words=names)
    assert scores["miou"].value == pytest.approx(1.0, abs=0.01)


def test_masks_of_another_size(two_balls, truth: Path) -> None:
    for file in truth.rglob("*.png"):
        Image.open(file).resize((128, 96), Image.Resampling.NEAREST).save(file)
    scores = evaluate(two_balls.scene, two_balls.instances, truth, LERF, words=NAMES)
    assert scores["miou"].value > 0.9


def test_pictures_show_the_worst_texts_first(two_balls, truth: Path, tmp_path: Path) -> None:
    half = np.where(np.arange(600) % 300 < 150, two_balls.instances, -1).astype(np.int32)
    names = ObjectNames.of("here", [(0, "left ball")], 2)  # nothing for the right one
    scores = evaluate(two_balls.scene, half, truth, LERF, words=names)
    out = tmp_path / "pictures"
    files = write_query_pictures(out, two_balls.scene, Prediction(half), truth, scores)
    assert sorted(out.iterdir()) == sorted(files)
    assert [file.name for file in files[:2]] == ["00_0.00_front_right_ball.png", "01_0.00_side_right_ball.png"]
    for file, number in zip(files, (1, 3), strict=False):
        picture, meant = np.asarray(Image.open(file)).astype(int), read_queries(truth)[number].read()
        assert (picture[~meant] == 128).all()
        assert (picture[meant][:, 0] > 190).all()  # red: missed
        assert (picture[meant][:, 1] < 128).all()
    left, meant = np.asarray(Image.open(files[2])).astype(int), scores["miou"].by_instance
    right = (left[..., 1] > left[..., 0] + 40) & (left[..., 1] > left[..., 2] + 40)
    coloured = (left != 128).any(-1)
    assert right.sum() / coloured.sum() == pytest.approx(sorted(meant.values())[2])
    with pytest.raises(InputError, match="not an empty folder"):
        write_query_pictures(out, two_balls.scene, Prediction(half), truth, scores)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "prompts.json").unlink(), "holds no truth of texts"),
        (lambda f: (f / "prompts.json").write_text("{}"), "no list of texts"),
        (lambda f: (f / "prompts.json").write_text("[]"), "no list of texts"),
        (lambda f: (f / "prompts.json").write_text("[1]"), "entry 0 is 1"),
        (lambda f: (f / "prompts.json").write_text('[{"view": "a", "prompt": " ", "mask": "b"}]'), "entry 0"),
        (lambda f: (f / "prompts.json").write_text('[{"view": "a", "prompt": "b", "mask": "../c"}]'), "elsewhere"),
        (lambda f: (f / "prompts.json").write_text('[{"view": "a", "prompt": "b", "mask": "/c"}]'), "elsewhere"),
        (lambda f: (f / "prompts.json").write_text((f / "prompts.json").read_text().replace("side", "front")), "twice"),
        (lambda f: (f / "prompts/front/0.png").unlink(), "does not exist"),
        (lambda f: (f / "prompts/front/0.png").write_bytes(b"x"), "picture"),
        (lambda f: Image.new("L", (64, 48)).save(f / "prompts/front/0.png"), "marks no pixel"),
        (lambda f: Image.new("L", (64, 64), 255).save(f / "prompts/front/0.png"), "another shape"),
        (lambda f: (f / "prompts.json").write_text((f / "prompts.json").read_text().replace('"side', '"no')), "'no'"),
    ],
)
def test_truth_that_cannot_be_used_is_named(two_balls, truth: Path, spoil, words: str) -> None:
    spoil(truth)
    with pytest.raises(InputError, match=words):
        evaluate(two_balls.scene, two_balls.instances, truth, LERF, words=NAMES)


def test_texts_that_select_nothing_at_all_are_a_mistake(two_balls, truth: Path) -> None:
    with pytest.raises(InputError, match="none selects an object"):
        evaluate(two_balls.scene, two_balls.instances, truth, LERF, words=ObjectNames.of("here", [(0, "cup")], 2))
    with pytest.raises(InputError, match="what the objects are"):
        evaluate(two_balls.scene, two_balls.instances, truth, LERF)
    assert len(read_queries(truth)) == 4
