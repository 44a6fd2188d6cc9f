"""The rasterizer's settings go wherever the splats go: nothing draws a run otherwise than it was trained."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gsseg_viewer.panels.views import drawn_from

import gsseg
from gsseg.cli import main
from gsseg.compressed import read_scene
from gsseg.export.report import ReportData, view_pictures
from gsseg.language.crops import best_shots
from gsseg.render_config import GSPLAT_RENDER, RenderConfig

SMOOTH = RenderConfig(antialiased=True)
FEW = ["--config.codebook.coarse", "4", "--config.codebook.fine", "3", "--config.features.steps", "20"]


@pytest.fixture(scope="module")
def run_path(make_small_scene, tmp_path_factory) -> Path:
    """A run of antialiased splats with ground truth of each Gaussian, and its scene beside it."""
    folder = tmp_path_factory.mktemp("antialiased")
    scene = make_small_scene(folder / "scene")
    (scene / "gt").mkdir()
    np.save(scene / "gt" / "gaussian_instance.npy", (np.arange(40) % 3).astype(np.int32))
    train = ["train", "-s", str(scene), "-m", str(folder / "run"), "--quiet", "--config.render.antialiased", *FEW]
    assert main(train) == 0
    return folder / "run"


@pytest.fixture
def run(run_path: Path) -> gsseg.Run:
    return gsseg.Run.open(run_path)


def test_a_run_knows_how_its_splats_are_drawn(run, run_path, capsys, tmp_path) -> None:
    assert run.render == run.gaussians.render == SMOOTH
    assert run.gaussians.to("cpu").subset(torch.arange(3)).render == SMOOTH
    assert main(["compress", "-m", str(run_path), "--quiet"]) == 0
    assert read_scene(run_path / "scene.gsseg").render == SMOOTH
    for name in ("scene.gsseg", "segmented.ply"):
        (tmp_path / name).write_bytes((run_path / name).read_bytes())
    assert gsseg.Run.open(tmp_path / "scene.gsseg").render == SMOOTH, "away from its folder too"
    (run_path / "scene.gsseg").unlink()


def test_the_settings_change_what_is_drawn(run, run_path) -> None:
    """Else the tests below would compare like with like."""
    scene = gsseg.load_scene(run_path.parent / "scene")
    assert scene.render == GSPLAT_RENDER
    weights = [gsseg.blend_weights(replace(run.gaussians, render=each), scene.views[0]).alpha for each in
               (SMOOTH, GSPLAT_RENDER)]  # fmt: skip
    assert (weights[0] - weights[1]).abs().max() > 0.01


def test_a_run_is_scored_as_gsseg_eval_scores_it(run_path, capsys) -> None:
    scored = json.loads((run_path / "metrics.json").read_text())["scores"]
    capsys.readouterr()
    assert main(["eval", "-m", str(run_path), "--gt", str(run_path.parent / "scene" / "gt"), "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert scored["object_iou"] == told["object_iou"]
    assert scored["by_instance"] == told["by_instance"]


def test_report_crops_and_views_draw_it_as_trained(run, run_path) -> None:
    scene = gsseg.load_scene(run_path.parent / "scene", render=SMOOTH)
    views = [replace(view, photo=None) for view in scene.views]

    def report(gaussians: gsseg.Gaussians) -> np.ndarray:
        data = ReportData(
            scene=replace(scene, gaussians=gaussians, views=views), segmentation=run.columns, losses={}, metrics={},
            config={}, notes=[],
        )  # fmt: skip
        picture = view_pictures(data, 0)["Splats"]
        assert picture is not None
        return picture

    def crops(gaussians: gsseg.Gaussians) -> list[np.ndarray]:
        ids = np.zeros(len(gaussians), np.int32)
        return [shot.alpha for shot in best_shots(gaussians, ids, 1, views, 2)[0]]

    def panel(gaussians: gsseg.Gaussians) -> np.ndarray:
        return drawn_from(gaussians, np.ones(len(gaussians), bool), views[0])

    others = replace(run.gaussians, render=GSPLAT_RENDER)
    for drawn in (report, panel):
        assert np.array_equal(drawn(run.gaussians), drawn(scene.gaussians))
        assert not np.array_equal(drawn(run.gaussians), drawn(others))
    mine, theirs = crops(run.gaussians), crops(others)
    assert [a.shape for a in mine] != [b.shape for b in theirs] or any(
        not np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True)
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [("near_plane: -1.0", "near_plane: is -1.0"), ("dilation: .nan", "dilation"), ("antialiased: 1", "render"),
     ("speed: 3", "render")],
)  # fmt: skip
def test_settings_that_mean_nothing(run_path, tmp_path, written, said) -> None:
    (tmp_path / "config.yaml").write_text(f"scene: a\nsplats: b\nrender:\n  {written}\n")
    for name in ("segmented.ply", "objects.json"):
        (tmp_path / name).write_bytes((run_path / name).read_bytes())
    with pytest.raises(gsseg.InputError, match=rf"config\.yaml: .*{said}"):
        _ = gsseg.Run.open(tmp_path).gaussians
