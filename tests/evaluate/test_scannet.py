"""ScanNet's classes and instances: the truth scores one, numbering means nothing, and a second program agrees."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gsseg.errors import InputError
from gsseg.evaluate import PROTOCOLS, ClassIds, ObjectNames, Prediction, evaluate
from gsseg.evaluate.instances import (
    THRESHOLDS,
    average_precision,
    best_match_iou,
    mean_average_precision,
    overlaps,
)
from gsseg.evaluate.nyu40 import CLASSES_10, CLASSES_15, CLASSES_19, INSTANCE_CLASSES, NYU40
from gsseg.evaluate.semantics import class_scores

VERTICES = 6000
SEMANTIC, INSTANCE = PROTOCOLS["scannet"], PROTOCOLS["scannet-instance"]


def patches(seed: int, count: int, none: float = 0.2) -> np.ndarray:
    """Ids of runs of vertices, as neighbours on a mesh share them; some are none."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, VERTICES, count - 1))
    ids = np.searchsorted(cuts, np.arange(VERTICES), side="right")
    ids = rng.permutation(count)[ids]
    return np.where(np.isin(ids, np.flatnonzero(rng.random(count) < none)), -1, ids).astype(np.int32)


def noisy(ids: np.ndarray, seed: int, share: float = 0.25) -> np.ndarray:
    """The same with some objects split, some merged and some vertices lost."""
    rng = np.random.default_rng(seed)
    split = np.where(
        (rng.random(ids.max() + 1) < 0.4)[ids] & (np.arange(len(ids)) % 5 < 2) & (ids >= 0), ids + 100, ids
    )
    merged = np.where((ids >= 0) & (split % 7 == 3), 1, split)
    return np.where(rng.random(len(ids)) < share, rng.integers(-1, 12, len(ids)), merged).astype(np.int32)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """A folder of truth of instances, each of one class; walls and unlabelled vertices among them."""
    instances = patches(0, 25)
    classes = np.array([5, 1, 7, 2, 33, 4, 39, 38, 11, 3])[instances % 10]
    np.save(tmp_path / "gaussian_instance.npy", instances)
    np.save(tmp_path / "gaussian_semantic.npy", np.where(instances >= 0, classes, 0).astype(np.int32))
    (tmp_path / "names.json").write_text('{"0": "office chair"}')
    return tmp_path


def script_ap(pred: np.ndarray, gt: np.ndarray, th: float) -> float:
    """The benchmark's ``evaluate_matches`` for one class, in plain Python; every confidence is 1."""
    preds = [np.flatnonzero(pred == i) for i in np.unique(pred[pred >= 0])]
    preds = [p for p in preds if len(p) >= 100]
    gts = [np.flatnonzero(gt == i) for i in np.unique(gt[gt >= 0])]

    def iou(a: np.ndarray, b: np.ndarray) -> float:
        common = len(np.intersect1d(a, b))
        return common / (len(a) + len(b) - common)

    visited, trues, scores, missed = set(), [], [], 0
    for g in (g for g in gts if len(g) >= 100):
        matched = False
        for k in sorted(range(len(preds)), key=lambda k: -iou(preds[k], g)):
            if k in visited or iou(preds[k], g) <= th:
                continue
            if matched:
                trues.append(0)
            else:
                trues.append(1)
                visited.add(k)
                matched = True
            scores.append(1.0)
        missed += not matched
    for p in preds:
        if all(iou(p, g) <= th for g in gts):
            ignored = (gt[p] < 0).sum() + sum(len(np.intersect1d(p, g)) for g in gts if len(g) < 100)
            if ignored / len(p) <= th:
                trues.append(0)
                scores.append(1.0)
    if not preds or not trues:
        return 0.0
    order = np.argsort(scores)
    sorted_true, cumulated = np.array(trues)[order], np.append(np.cumsum(np.array(trues)[order]), 0)
    precision, recall = [], []
    for first in np.unique(np.array(scores)[order], return_index=True)[1]:
        tp = sorted_true.sum() - cumulated[first - 1]
        fp = len(trues) - first - tp
        precision.append(tp / (tp + fp))
        recall.append(tp / (tp + cumulated[first - 1] + missed))
    precision, recall = np.array([*precision, 1.0]), np.array([*recall, 0.0])
    around = np.concatenate([[recall[0]], recall, [0.0]])
    return float(precision @ np.convolve(around, [-0.5, 0, 0.5], "valid"))


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_is_the_scripts(seed: int) -> None:
    gt = patches(seed, 30)
    pred = noisy(gt, seed + 100) if seed % 2 else noisy(patches(seed, 30, 0.0), seed, 0.05)
    found = overlaps(pred, gt)
    for threshold in (*THRESHOLDS, 0.25):
        assert average_precision(found, threshold) == pytest.approx(script_ap(pred, gt, threshold))
    assert mean_average_precision(found) == pytest.approx(np.mean([script_ap(pred, gt, t) for t in THRESHOLDS]))


@pytest.mark.parametrize("seed", range(4))
def test_best_matches_are_those_of_a_dense_table(seed: int) -> None:
    gt, pred = patches(seed, 30), noisy(patches(seed, 30, 0.0), seed)
    expected = {
        int(g): max(
            ((pred == o) & (gt == g)).sum() / ((pred == o) | (gt == g)).sum() for o in np.unique(pred[pred >= 0])
        )
        for g in np.unique(gt[gt >= 0])
        if (gt == g).sum() >= 100
    }
    assert best_match_iou(overlaps(pred, gt)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
def test_class_scores_are_those_of_sets_of_vertices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gt = rng.integers(-1, 7, VERTICES)
    gt[gt == 3] = -1  # a class that is absent
    pred = np.where(rng.random(VERTICES) < 0.5, gt, rng.integers(-1, 7, VERTICES))
    ious, accuracies = {}, {}
    for k in range(7):
        a, b = {*np.flatnonzero((pred == k) & (gt >= 0))}, {*np.flatnonzero(gt == k)}
        if b:
            ious[k], accuracies[k] = len(a & b) / len(a | b), len(a & b) / len(b)
    scores = class_scores(pred, gt, 7)
    assert scores.iou == pytest.approx(ious)
    assert scores.accuracy == pytest.approx(accuracies)
    assert scores.mean_iou == pytest.approx(np.mean(list(ious.values())))
    assert scores.mean_accuracy == pytest.approx(np.mean(list(accuracies.values())))


def test_the_sets_of_classes_are_the_published_ones() -> None:
    assert [len(each) for each in (NYU40, CLASSES_19, CLASSES_15, CLASSES_10, INSTANCE_CLASSES)] == [40, 19, 15, 10, 18]
    assert set(CLASSES_10) < set(CLASSES_15) < set(CLASSES_19)
    assert set(INSTANCE_CLASSES) - set(CLASSES_19) == {39}
    assert set(CLASSES_19) - set(INSTANCE_CLASSES) == {1, 2}
    assert [NYU40[k] for k in (1, 16, 24, 28, 33, 36)] == [
        "wall", "curtain", "refrigerator", "shower curtain", "toilet", "bathtub",
    ]  # fmt: skip


def test_the_truth_scores_one(truth: Path) -> None:
    classes, instances = np.load(truth / "gaussian_semantic.npy"), np.load(truth / "gaussian_instance.npy")
    semantic = evaluate(None, classes, truth, SEMANTIC, words=ClassIds())
    assert [metric.value for metric in semantic.metrics] == pytest.approx([1.0] * 6)
    assert set(semantic["miou19"].by_instance) == set(classes) & set(CLASSES_19)
    assert set(semantic["miou10"].by_instance) == set(classes) & set(CLASSES_10)
    instance = evaluate(None, instances, truth, INSTANCE)
    assert [metric.value for metric in instance.metrics] == pytest.approx([1.0] * 4)
    counted = {int(i) for i in np.unique(instances) if i >= 0 and classes[instances == i][0] in INSTANCE_CLASSES}
    assert set(instance["best_match_iou"].by_instance) <= counted
    summary = json.loads(json.dumps({**semantic.summary(), "instance": instance.summary()}))
    assert summary["rules"]["classes"]["10"] == list(CLASSES_10)
    assert summary["instance"]["rules"]["vertices"] == "all"
    assert summary["by_class"][0]["name"] == "wall"


def test_neither_order_nor_numbers_of_objects_mean_anything(truth: Path, tmp_path: Path) -> None:
    instances, classes = np.load(truth / "gaussian_instance.npy"), np.load(truth / "gaussian_semantic.npy")
    ids = noisy(patches(0, 25, 0.0), 3)
    names = [(int(k), NYU40[CLASSES_19[k % 19]]) for k in np.unique(ids[ids >= 0])]
    order, numbers = np.random.default_rng(1).permutation(VERTICES), np.random.default_rng(2).permutation(500)
    other = tmp_path / "other"
    other.mkdir()
    np.save(other / "gaussian_instance.npy", instances[order])
    np.save(other / "gaussian_semantic.npy", classes[order])
    renumbered = np.where(ids >= 0, numbers[ids], -1).astype(np.int32)[order]
    words = ObjectNames.of("here", names, 500)
    renamed = ObjectNames.of("there", [(int(numbers[k]), name) for k, name in names], 500)
    for protocol in (SEMANTIC, INSTANCE):
        one = evaluate(None, ids, truth, protocol, words=words)
        two = evaluate(None, renumbered, other, protocol, words=renamed)
        assert [m.value for m in one.metrics] == pytest.approx([m.value for m in two.metrics])
        assert 0 < one.metrics[0].value < 1


def test_what_lies_on_unlabelled_vertices_costs_an_instance_and_no_class(truth: Path) -> None:
    classes, instances = np.load(truth / "gaussian_semantic.npy"), np.load(truth / "gaussian_instance.npy")
    chair = int(np.bincount(instances[classes == 5]).argmax())
    spilt = np.where(instances == -1, chair, instances).astype(np.int32)
    best = evaluate(None, spilt, truth, INSTANCE)["best_match_iou"].by_instance
    size = (instances == chair).sum()
    assert best[chair] == pytest.approx(size / (size + (instances == -1).sum()))
    everywhere = np.where(classes == 0, 5, classes).astype(np.int32)
    assert evaluate(None, everywhere, truth, SEMANTIC, words=ClassIds())["miou19"].value == pytest.approx(1.0)


def test_faint_gaussians_are_left_out_of_classes(two_balls, tmp_path: Path) -> None:
    classes = np.where(two_balls.instances == 0, 5, 7).astype(np.int32)
    np.save(tmp_path / "gaussian_semantic.npy", classes)
    wrong = classes.copy()
    wrong[:50] = 7
    assert evaluate(two_balls.scene, wrong, tmp_path, SEMANTIC, words=ClassIds())["macc10"].value < 1
    logits = two_balls.scene.gaussians.opacity_logits.clone()
    logits[:50] = float(torch.logit(torch.tensor(0.09)))
    faint = two_balls.faint(logits)
    assert evaluate(faint, wrong, tmp_path, SEMANTIC, words=ClassIds())["macc10"].value == 1.0


def test_objects_are_called_by_file(tmp_path: Path) -> None:
    file = tmp_path / "names.json"
    file.write_text('{"chair": [1, 3], "ShowerCurtain": [2]}')
    names = ObjectNames.read(file, 5)
    assert names.classify(["wall", "chair", "shower curtain"]).tolist() == [-1, 1, 2, 1]
    assert names.select("Chair").tolist() == [1, 3]
    assert names.select("sofa").tolist() == []
    file.write_text('{"1": "chair", "4": "other"}')
    assert ObjectNames.read(file, 5).classify(["chair"]).tolist() == [-1, 0, -1, -1, -1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "no object"),
        ('{"chair": 1}', "holds 'chair': 1"),
        ('{"chair": [-1]}', "is -1"),
        ('{"chair": [0.5]}', "is 0.5"),
        ('{"chair": [9]}', "object 9, the largest is 4"),
        ('{"a": "b"}', "holds 'a'"),
        ('{"chair": [1], "table": [1]}', "both 'chair' and 'table'"),
        ('{"cup": [1]}', "no object that is called as a class"),
    ],
)
def test_names_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "names.json").write_text(text)
    with pytest.raises(InputError, match=words):
        ObjectNames.read(tmp_path / "names.json", 5).classify(["chair", "table"])


@pytest.mark.parametrize("protocol", [SEMANTIC, INSTANCE], ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: np.save(f / "gaussian_semantic.npy", np.zeros(3, np.int32)), "3 rows"),
        (lambda f: np.save(f / "gaussian_semantic.npy", np.zeros(VERTICES)), "integers"),
        (lambda f: np.save(f / "gaussian_semantic.npy", np.full(VERTICES, 41)), "class 41"),
        (lambda f: np.save(f / "gaussian_semantic.npy", np.full(VERTICES, 0)), "no vertex|no instance"),
        (lambda f: np.save(f / "gaussian_instance.npy", np.zeros(3, np.int32)), "3 rows"),
        (lambda f: [(f / f"gaussian_{n}.npy").unlink() for n in ("semantic", "instance")], "no truth of vertices"),
        (lambda f: (f / "names.json").write_text("["), "not valid JSON"),
    ],
)
def test_truth_that_cannot_be_used_is_named(truth: Path, protocol, spoil, words: str) -> None:
    spoil(truth)
    with pytest.raises(InputError, match=words):
        evaluate(None, np.zeros(VERTICES, np.int32), truth, protocol, words=ClassIds())


def test_what_a_protocol_needs_is_named(truth: Path) -> None:
    with pytest.raises(InputError, match="what the objects are"):
        SEMANTIC.evaluate(None, Prediction(np.zeros(VERTICES, np.int32)), truth, lambda *_: None)
    (truth / "gaussian_instance.npy").unlink()
    with pytest.raises(InputError, match=r"has no gaussian_instance\.npy"):
        INSTANCE.evaluate(None, Prediction(np.zeros(VERTICES, np.int32)), truth, lambda *_: None)
    with pytest.raises(InputError, match="draws the splats"):
        PROTOCOLS["click"].evaluate(None, Prediction(np.zeros(VERTICES, np.int32)), truth, lambda *_: None)
