"""LERF-Mask: boundaries of masks, and where a text's objects are seen."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.errors import InputError
from gsseg.evaluate import PROTOCOLS, ObjectNames, evaluate
from gsseg.evaluate.boundary import boundary, boundary_iou
from gsseg.evaluate.prompt_truth import write_queries
from gsseg.evaluate.protocols.lerf_mask import seen_objects
from gsseg.render import blend_weights
from gsseg.scene import Camera, View

LERF_MASK = PROTOCOLS["lerf-mask"]
NAMES = ObjectNames.of("here", [(0, "left ball"), (1, "right ball")], 2)


def _boundary_pixels(mask: np.ndarray) -> set[tuple[int, int]]:
    """A second program: pixels that see one outside the mask, or the end of the picture, within a square."""
    height, width = mask.shape
    steps = max(1, round(0.02 * (height**2 + width**2) ** 0.5))
    outside = {(y, x) for y in range(height) for x in range(width) if not mask[y, x]}
    outside |= {(y, x) for y in range(-1, height + 1) for x in (-1, width)}
    outside |= {(y, x) for x in range(-1, width + 1) for y in (-1, height)}
    return {
        (y, x) for y, x in np.argwhere(mask).tolist() if any(max(abs(y - v), abs(x - u)) <= steps for v, u in outside)
    }


def _blob(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    centre, radius = rng.random(2) * (height, width), rng.uniform(0.2, 0.6) * min(height, width)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2


@pytest.mark.parametrize(("height", "width"), [(12, 20), (60, 44), (90, 120)])
def test_boundaries_are_those_of_single_pixels(height: int, width: int) -> None:
    rng = np.random.default_rng(height)
    one, other = _blob(rng, height, width), _blob(rng, height, width)
    other[rng.integers(0, height, 5), rng.integers(0, width, 5)] ^= True
    a, b = _boundary_pixels(one), _boundary_pixels(other)
    assert set(map(tuple, np.argwhere(boundary(one)).tolist())) == a
    assert boundary_iou(one, other) == boundary_iou(other, one) == len(a & b) / len(a | b)
    assert boundary_iou(one, one) == 1.0
    assert boundary_iou(one[::-1, ::-1], other[::-1, ::-1]) == boundary_iou(one, other)


def test_boundaries_by_hand() -> None:
    mask = np.zeros((10, 10), bool)  # a diagonal of 14 pixels: one step
    mask[2:6, 2:6] = True
    inside = np.zeros_like(mask)
    inside[3:5, 3:5] = True
    assert np.array_equal(boundary(mask), mask & ~inside)
    # The picture's border is one of the mask, and a hole reaches its diagonal neighbours.
    mask[:] = True
    mask[5, 5] = False
    inside[:] = False
    inside[1:9, 1:9] = True
    inside[4:7, 4:7] = False
    assert np.array_equal(boundary(mask), mask & ~inside)
    # 12 of 16 pixels of a square are its boundary; of two that overlap by half, 4 are of both.
    one, other = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    one[2:6, 2:6], other[2:6, 4:8] = True, True
    assert boundary_iou(one, other) == 4 / 20
    # Thin things are all boundary.
    line = np.zeros((300, 400), bool)
    line[100:110, 50:90] = True
    assert np.array_equal(boundary(line), line)
    assert boundary(np.ones((300, 400), bool)).sum() == 300 * 400 - 280 * 380
    with pytest.raises(ValueError, match="empty"):
        boundary_iou(np.zeros((3, 3), bool), np.zeros((3, 3), bool))


@pytest.fixture
def truth(two_balls, tmp_path: Path) -> Path:
    """Each ball asked for where it is seen, the right one in the front view only."""
    found = []
    for view, names in zip(two_balls.scene.views, (("left ball", "right ball"), ("left ball",)), strict=True):
        weights = blend_weights(two_balls.scene.gaussians, view).to_dense().numpy()
        for row, name in enumerate(names):
            share = weights[:, two_balls.instances == row].sum(1)
            found.append((view.name, name, share.reshape(48, 64) > 0.5))
    write_queries(tmp_path, found)
    return tmp_path


def test_the_truth_scores_one(two_balls, truth: Path) -> None:
    scores = evaluate(two_balls.scene, two_balls.instances, truth, LERF_MASK, words=NAMES)
    assert [metric.value for metric in scores.metrics] == [1.0, 1.0]
    summary = json.loads(json.dumps(scores.summary()))
    assert summary["texts"] == 2
    assert summary["by_text"][1] == {"text": 1, "name": "right ball", "miou": 1.0, "mbiou": 1.0}
    assert summary["rules"]["boundary_dilation_ratio"] == 0.02
    assert summary["rules"]["mean_over"] == "views of a text, then texts"


def test_scores_are_those_of_pixels_one_by_one(two_balls, truth: Path) -> None:
    """A second program: dense weights, sets of pixels, and the means written out."""
    rng = np.random.default_rng(0)
    ids = np.where(rng.random(600) < 0.4, 2, two_balls.instances).astype(np.int32)
    names = ObjectNames.of("here", [(0, "left ball"), (2, "left ball")], 3)  # nothing for the right one
    iou, boundaries = {"left ball": [], "right ball": []}, {"left ball": [], "right ball": []}
    for query in json.loads((truth / "prompts.json").read_text()):
        dense = blend_weights(two_balls.scene.gaussians, two_balls.scene.view(query["view"])).to_dense().numpy()
        wanted = ids != 1 if query["prompt"] == "left ball" else np.zeros(600, bool)
        mine = dense[:, wanted].sum(1).reshape(48, 64) > 0.5
        meant = np.asarray(Image.open(truth / query["mask"])) > 0
        iou[query["prompt"]].append(len(_pixels(mine) & _pixels(meant)) / len(_pixels(mine) | _pixels(meant)))
        a, b = _boundary_pixels(mine), _boundary_pixels(meant)
        boundaries[query["prompt"]].append(len(a & b) / len(a | b))
    assert [len(each) for each in iou.values()] == [2, 1]
    scores = evaluate(two_balls.scene, ids, truth, LERF_MASK, words=names)
    for name, found in (("miou", iou), ("mbiou", boundaries)):
        expected = [sum(each) / len(each) for each in found.values()]
        assert list(scores[name].by_instance.values()) == pytest.approx(expected)
        assert scores[name].value == pytest.approx(sum(expected) / 2)  # not a third: texts count, not pictures
        assert expected[1] == 0.0
        assert 0.2 < expected[0] < 0.95


def _pixels(mask: np.ndarray) -> set[int]:
    return set(np.flatnonzero(mask).tolist())


def test_what_stands_before_an_object_hides_it(two_balls, tmp_path: Path) -> None:
    pose = np.eye(4)
    pose[:3, :3] = [[0, 0, -1], [0, 1, 0], [1, 0, 0]]  # looks along x, the left ball before the right one
    pose[:3, 3] = pose[:3, :3] @ -np.array([-3.0, 0, 3.0])
    scene = replace(two_balls.scene, views=[View("line", Camera(64, 48, 60.0, 60.0, 32.0, 24.0, pose))])
    weights = blend_weights(scene.gaussians, scene.views[0])
    near, far = (seen_objects(weights, two_balls.instances, np.array([k])) for k in (0, 1))
    assert near.sum() > 100
    assert far.sum() < 0.1 * near.sum()
    alone = blend_weights(scene.gaussians.subset(torch.arange(300, 600)), scene.views[0]).alpha.numpy() > 0.5
    assert alone.sum() > 0.3 * near.sum()
    write_queries(tmp_path, [("line", "right ball", alone.reshape(48, 64))])
    scores = evaluate(scene, two_balls.instances, tmp_path, LERF_MASK, words=NAMES)
    lerf = evaluate(scene, two_balls.instances, tmp_path, PROTOCOLS["lerf"], words=NAMES)
    assert scores["miou"].value < 0.1
    assert lerf["miou"].value > 0.7


def test_order_numbers_and_size_mean_nothing(two_balls, truth: Path) -> None:
    order = torch.randperm(600, generator=torch.Generator().manual_seed(0))
    ids = (7 - two_balls.instances[order.numpy()]).astype(np.int32)
    names = ObjectNames.of("here", [(7, "left ball"), (6, "right ball")], 8)
    assert evaluate(two_balls.reordered(order), ids, truth, LERF_MASK, words=names)["mbiou"].value > 0.97
    for file in truth.rglob("*.png"):
        Image.open(file).resize((128, 96), Image.Resampling.NEAREST).save(file)
    assert evaluate(two_balls.scene, two_balls.instances, truth, LERF_MASK, words=NAMES)["miou"].value > 0.9


def test_what_cannot_be_scored_is_named(two_balls, truth: Path) -> None:
    with pytest.raises(InputError, match="draws the splats"):
        evaluate(None, two_balls.instances, truth, LERF_MASK, words=NAMES)
    with pytest.raises(InputError, match="what the objects are"):
        evaluate(two_balls.scene, two_balls.instances, truth, LERF_MASK)
    with pytest.raises(InputError, match="none selects an object"):
        evaluate(two_balls.scene, two_balls.instances, truth, LERF_MASK, words=ObjectNames.of("", [(0, "cup")], 2))
    (truth / "prompts.json").write_text((truth / "prompts.json").read_text().replace('"side', '"no'))
    with pytest.raises(InputError, match="'no'"):
        evaluate(two_balls.scene, two_balls.instances, truth, LERF_MASK, words=NAMES)
