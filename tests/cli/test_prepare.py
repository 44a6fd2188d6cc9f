"""From a raw scan to a score, by commands."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.cli import main
from gsseg.evaluate.prompt_truth import write_queries
from gsseg.evaluate.view_iou import silhouette
from gsseg.io.ply import write_splats
from gsseg.io.ply_header import read_header
from gsseg.io.ply_rows import read_rows
from gsseg.io.scene_folder import load_scene
from gsseg.render import blend_weights
from tests.prepare.raw_scan import write_scan


def put_a_splat_on_every_vertex(scene: Path, spacing: float) -> None:
    """What a trainer that freezes points would begin with."""
    points = read_rows(read_header(scene / "points3d.ply"), "vertex")
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2",
             "rot_0", "rot_1", "rot_2", "rot_3"]  # fmt: skip
    columns = np.zeros(len(points), [(name, "<f4") for name in names])
    for name in "xyz":
        columns[name] = points[name]
    for k, name in enumerate(("red", "green", "blue")):
        columns[f"f_dc_{k}"] = (points[name] / 255 - 0.5) / 0.2821
    columns["opacity"], columns["rot_0"] = 4.0, 1.0
    for k in range(3):
        columns[f"scale_{k}"] = np.log(spacing)
    write_splats(scene / "splats.ply", columns)


def draw_masks(scene: Path, part: np.ndarray) -> None:
    """Exact masks of the parts, numbered anew in every view."""
    (scene / "masks").mkdir()
    loaded = load_scene(scene)
    shares = torch.nn.functional.one_hot(torch.from_numpy(part).long()).float()
    for k, view in enumerate(loaded.views):
        drawn = blend_weights(loaded.gaussians, view).render(shares).numpy()
        ids = np.where(drawn.sum(1) > 0.5, (drawn.argmax(1) + k) % 4 + 1, 0).astype(np.uint8)
        Image.fromarray(ids.reshape(view.camera.height, view.camera.width)).save(scene / "masks" / f"{view.name}.png")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan of a floor and three cubes, prepared, with a splat a vertex, exact masks, and a run."""
    folder = tmp_path_factory.mktemp("scan")
    scan = write_scan(folder / "raw" / "scene0000_00", side=14)
    scene, run = folder / "scene", folder / "run"
    assert main(["prepare", "scannet", str(scan.folder), str(scene), "--every", "1", "--quiet"]) == 0
    put_a_splat_on_every_vertex(scene, 0.05)
    draw_masks(scene, np.where(scan.instances < 0, 3, scan.instances))
    assert main(["train", "-s", str(scene), "-m", str(run), "--quiet", "--config.features.steps", "150"]) == 0
    return folder


def test_from_a_raw_scan_to_its_scores(prepared: Path, answer) -> None:
    scene, run = prepared / "scene", prepared / "run"
    scores = answer("eval", "-m", run, "--gt", scene / "gt", "--protocol", "scannet-instance")
    assert scores["protocol"] == "scannet-instance"
    assert scores["rules"]["vertices"] == "all"
    assert scores["instances"] == 2  # the floor is no instance
    assert scores["best_match_iou"] > 0.9
    assert scores["ap50"] > 0.8
    assert {row["name"] for row in scores["by_instance"]} == {"office chair", "table"}


def test_classes_by_a_file_of_names(prepared: Path, tmp_path: Path, answer, refusal) -> None:
    scene, run = prepared / "scene", prepared / "run"
    words = ["eval", "-m", run, "--gt", scene / "gt", "--protocol", "scannet"]
    assert "no object that is called as a class" in refusal(*words)
    best = {}
    truth, ids = np.load(scene / "gt/gaussian_semantic.npy"), _object_ids(run)
    for name, number in (("floor", 2), ("chair", 5), ("table", 7)):
        best[name] = [int(np.bincount(ids[(truth == number) & (ids >= 0)]).argmax())]
    (tmp_path / "names.json").write_text(json.dumps(best))
    scores = answer(*words, "--names", tmp_path / "names.json")
    assert scores["miou19"] > 0.85
    assert {row["name"] for row in scores["by_class"]} == {"floor", "chair", "table"}
    assert scores["rules"]["opacity_below_is_left_out"] == 0.1


def test_texts_and_pictures_of_the_worst(prepared: Path, tmp_path: Path, answer, refusal) -> None:
    scene, ids = load_scene(prepared / "scene"), _object_ids(prepared / "run")
    part = np.load(prepared / "scene/gt/gaussian_instance.npy")
    asked = [("office chair", 1), ("table", 2), ("unknown thing", 1)]
    found = [
        (view.name, text, silhouette(scene.gaussians, np.flatnonzero(part == k), view.camera, 0.7))
        for view in scene.views[:2]
        for text, k in asked
    ]
    (tmp_path / "gt").mkdir()
    write_queries(tmp_path / "gt", found)
    best = {text: [int(np.bincount(ids[(part == k) & (ids >= 0)]).argmax())] for text, k in asked[:2]}
    (tmp_path / "names.json").write_text(json.dumps(best))
    words = ["eval", "-m", prepared / "run", "--gt", tmp_path / "gt", "--names", tmp_path / "names.json"]
    scores = answer(*words, "--protocol", "lerf", "--pictures", tmp_path / "pictures")
    assert scores["queries"] == 6
    assert scores["acc50"] == pytest.approx(4 / 6)  # the text that nobody knows counts 0
    assert 0.55 < scores["miou"] <= 4 / 6
    assert len(list((tmp_path / "pictures").iterdir())) == 6
    masks = answer(*words, "--protocol", "lerf-mask")
    assert masks["texts"] == 3
    assert 0.5 < masks["miou"] <= 2 / 3  # drawn with what stands before, against silhouettes
    assert 0.3 < masks["mbiou"] < masks["miou"]
    assert masks["rules"]["boundary_dilation_ratio"] == 0.02
    assert "asks none" in refusal(*words, "--protocol", "scannet", "--pictures", tmp_path / "other")


def _object_ids(run: Path) -> np.ndarray:
    return np.array(read_rows(read_header(run / "segmented.ply"), "vertex")["object_id"])


def test_any_tools_ids_score_as_the_runs_own(prepared: Path, tmp_path: Path, answer) -> None:
    gt, ids = prepared / "scene/gt", _object_ids(prepared / "run")
    words = ["eval", "--gt", gt, "--protocol", "scannet-instance"]
    expected = answer(*words, "-m", prepared / "run")
    np.save(tmp_path / "ids.npy", ids)
    np.savetxt(tmp_path / "ids.txt", ids + 1, fmt="%d")
    given = (
        ["--prediction", tmp_path / "ids.npy"],
        ["--prediction", tmp_path / "ids.txt", "--none-id", "0"],
        ["--prediction", prepared / "run/segmented.ply"],
        ["--prediction", prepared / "run/segmented.ply", "--column", "object_id"],
    )
    for options in given:
        scores = answer(*words, *options)
        assert {**scores, "prediction": 0} == {**{k: v for k, v in expected.items() if k != "run"}, "prediction": 0}
    semantic = answer("eval", "--gt", gt, "--protocol", "scannet", "--prediction", gt / "gaussian_semantic.npy")
    assert semantic["miou19"] == semantic["macc10"] == 1.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "scores a run or a file of ids"),
        (["--prediction", "ids.npy", "-m", "R"], "scores a run or a file of ids"),
        (["--prediction", "none.npy"], "does not exist"),
        (["--prediction", "short.npy"], "holds 4 rows, the splats 3"),
        (["--prediction", "floats.npy"], "fractions"),
        (["--prediction", "words.txt"], "no list of whole numbers"),
        (["--prediction", "ids.npy", "--column", "x"], "no PLY"),
        (["--prediction", "ids.npy", "--names", "a", "--clip", "b"], "both say"),
        (["--prediction", "ids.npy", "--clip", "b"], "need a run"),
        (["--prediction", "ids.npy", "--protocol", "click"], "draws the splats"),
        (["--prediction", "ids.npy", "--protocol", "lerf"], "draws the splats"),
    ],
)
def test_predictions_that_cannot_be_scored(tmp_path: Path, monkeypatch, refusal, options, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("ids.npy", np.zeros(4, np.int64))
    np.save("short.npy", np.zeros(3, np.int64))
    np.save("floats.npy", np.array([0.5, 1]))
    Path("words.txt").write_text("1\ntwo\n")
    Path("gt").mkdir()
    np.save("gt/gaussian_instance.npy", np.zeros(4, np.int32))
    protocol = [] if "--protocol" in options else ["--protocol", "scannet-instance"]
    assert words in refusal("eval", "--gt", "gt", *protocol, *options)


def test_what_prepare_says(tmp_path: Path, answer, refusal, capfd) -> None:
    scan = write_scan(tmp_path / "raw" / "scene0001_00")
    made = answer("prepare", "scannet", scan.folder, tmp_path / "scene", "--every", "1", "--frames", "5")
    assert made["frames"] == 5
    assert made["notes"] == ["1 of 12 frames have no finite pose and are left out."]
    assert "not an empty folder" in refusal("prepare", "scannet", scan.folder, tmp_path / "scene")
    assert "--every: is 0" in refusal("prepare", "scannet", scan.folder, tmp_path / "other", "--every", "0")
    assert "no layout" in refusal("prepare", "kitti", scan.folder, tmp_path / "other")
    assert main(["prepare", "--help"]) == 0
    said = capfd.readouterr().out
    assert all(f"gsseg prepare {layout}" in said for layout in ("scannet", "lerf", "lerf-mask", "replica"))
