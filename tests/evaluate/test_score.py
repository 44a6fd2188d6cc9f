"""Ground truth folders, read and scored; and what is wrong with some."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.evaluate import check_truth, evaluate, read_ground_truth, score_run
from gsseg.evaluate.score import lost_in_run
from gsseg.evaluate.view_iou import silhouette
from gsseg.evaluate.visibility import total_visibility
from gsseg.render import blend_weights


@pytest.fixture
def folder(two_balls, tmp_path: Path) -> Path:
    """SCENE/gt of the two balls; ``front`` is held out."""
    gt = tmp_path / "gt"
    (gt / "ids").mkdir(parents=True)
    np.save(gt / "gaussian_instance.npy", two_balls.instances)
    for view in two_balls.scene.views:
        ids = np.zeros((48, 64), np.uint16)
        for instance in (0, 1):
            rows = np.flatnonzero(two_balls.instances == instance)
            ids[silhouette(two_balls.scene.gaussians, rows, view.camera)] = instance + 1
        Image.fromarray(ids).save(gt / "ids" / f"{view.name}.png")
    (gt / "test_views.json").write_text('["front"]')
    (gt / "names.json").write_text('{"0": "left ball"}')
    return gt


def test_the_truth_scores_one_in_everything(two_balls, folder: Path) -> None:
    assert list(read_ground_truth(folder, 600).maps) == ["front"]
    scores = evaluate(two_balls.scene, two_balls.instances, folder)
    assert scores["object_iou"].value == pytest.approx(1.0)
    assert scores["view_iou"].value == pytest.approx(1.0)
    summary = json.loads(json.dumps(scores.summary()))
    assert summary["objects"] == summary["instances"] == 2
    assert summary["by_instance"][0] == pytest.approx(
        {"instance": 0, "name": "left ball", "object_iou": 1.0, "view_iou": 1.0}
    )
    assert ("object IoU", "1.000") in scores.rows()
    assert any("left ball" in label for label, _ in scores.rows())


def test_either_half_of_the_truth_will_do(two_balls, folder: Path) -> None:
    (folder / "gaussian_instance.npy").rename(folder / "away.npy")
    capture = evaluate(two_balls.scene, two_balls.instances, folder)
    assert capture["object_iou"].value is None
    assert capture["view_iou"].value == pytest.approx(1.0)
    (folder / "away.npy").rename(folder / "gaussian_instance.npy")
    for file in (folder / "ids").iterdir():
        file.unlink()
    (folder / "ids").rmdir()
    made = evaluate(two_balls.scene, two_balls.instances, folder)
    assert made["view_iou"].value is None
    assert "view_iou" not in made.summary()
    assert made["object_iou"].value == pytest.approx(1.0)


def test_maps_of_another_size_than_the_scene_was_loaded_with(two_balls, folder: Path) -> None:
    views = [replace(view, camera=view.camera.resized(32, 24)) for view in two_balls.scene.views]
    small = replace(two_balls.scene, views=views)
    assert evaluate(small, two_balls.instances, folder)["view_iou"].value == pytest.approx(1.0)


def test_visibility_is_that_of_all_views(two_balls) -> None:
    scene = two_balls.scene
    expected = sum(blend_weights(scene.gaussians, view).to_dense().sum(0).numpy() for view in scene.views)
    assert np.allclose(total_visibility(scene), expected, rtol=1e-4, atol=1e-5)


def test_a_run_is_scored_where_its_scene_holds_truth(two_balls, folder: Path) -> None:
    objects = two_balls.instances
    assert score_run(replace(two_balls.scene, path=folder.parent / "other"), objects) == {}
    scene = replace(two_balls.scene, path=folder.parent)
    assert score_run(scene, objects)["object_iou"] == pytest.approx(1.0)
    np.save(folder / "gaussian_instance.npy", np.zeros(3, np.int32))
    assert "3 rows" in score_run(scene, objects)["unusable"]


def test_truth_of_another_protocol_is_no_reason_to_refuse_a_scene(two_balls, tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "gt" / "prompts.json").write_text("[]")
    scene = replace(two_balls.scene, path=tmp_path)
    check_truth(scene)
    assert score_run(scene, two_balls.instances) == {}


def _pickled(folder: Path) -> None:
    np.save(folder / "gaussian_instance.npy", np.array([{}] * 600, object), allow_pickle=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: np.save(f / "gaussian_instance.npy", np.zeros(599, np.int32)), "599 rows"),
        (lambda f: np.save(f / "gaussian_instance.npy", np.zeros(600)), "integers"),
        (lambda f: np.save(f / "gaussian_instance.npy", np.zeros((600, 1), np.int32)), "integers"),
        (lambda f: (f / "gaussian_instance.npy").write_bytes(b""), "cannot|can be read"),
        (lambda f: (f / "gaussian_instance.npy").write_bytes(b"no array"), "can be read"),
        (_pickled, "can be read"),
        (lambda f: (f / "test_views.json").write_text('["nowhere"]'), "nowhere.png"),
        (lambda f: (f / "test_views.json").write_text("{"), "not valid JSON"),
        (lambda f: (f / "test_views.json").write_text("[1]"), "list of names"),
        (lambda f: (f / "names.json").write_text("[]"), "no object"),
        (lambda f: (f / "names.json").write_text('{"a": "b"}'), "table"),
        (lambda f: (f / "ids" / "front.png").write_bytes(b"x"), "picture"),
        (lambda f: np.save(f / "gaussian_instance.npy", np.full(600, -1, np.int32)), "no view sees"),
        (lambda f: Image.new("L", (64, 48)).save(f / "ids" / "front.png"), "no view shows"),
        (lambda f: Image.new("L", (64, 64)).save(f / "ids" / "front.png"), "another shape"),
        (lambda f: (f / "test_views.json").unlink() or (f / "ids/front.png").rename(f / "ids/x.png"), "no view 'x'"),
    ],
)
def test_truth_that_cannot_be_used_is_named(two_balls, folder: Path, spoil, words: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=words):
        evaluate(two_balls.scene, two_balls.instances, folder)


def test_no_truth_at_all(two_balls, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_ground_truth(tmp_path / "none", 600)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no ground truth"):
        read_ground_truth(tmp_path / "empty", 600)
    with pytest.raises(InputError, match="600 Gaussians, the run 5"):
        evaluate(two_balls.scene, np.zeros(5, np.int32), folder)


def test_what_a_run_lost(two_balls, folder: Path, evidence_of) -> None:
    scene = replace(two_balls.scene, path=folder.parent)
    evidence = evidence_of(np.stack([two_balls.instances + 1] * 2))
    whole = lost_in_run(scene, two_balls.instances, evidence)
    assert whole is not None
    assert (whole.losses, whole.count, whole.names) == ([], 2, {0: "left ball"})
    one = lost_in_run(scene, np.where(np.arange(600) < 450, 0, -1).astype(np.int32), evidence)
    assert one is not None
    assert [(loss.instance, loss.cause) for loss in one.losses] == [(1, "merged")]
    (folder / "gaussian_instance.npy").unlink()
    assert lost_in_run(scene, two_balls.instances, evidence) is None, "pixels alone do not tell"
    (folder / "names.json").write_text("broken")
    assert lost_in_run(scene, two_balls.instances, evidence) is None
    assert lost_in_run(two_balls.scene, two_balls.instances, evidence) is None
