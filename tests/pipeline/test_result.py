"""The main job end to end: what a run folder holds, and that nothing but the input and the configuration decides it."""

import json
import re
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from plyfile import PlyData
from safetensors.numpy import load_file

import gsseg
from gsseg.features.opengaussian import OpenGaussianConfig
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.segmentation import NO_CODE
from tests.pipeline.small_runs import CONFIG, STAGES, assert_same, contents, interrupt_at

ADDED = ["ins_feat_r", "ins_feat_g", "ins_feat_b", "ins_feat_r2", "ins_feat_g2", "ins_feat_b2",
         "code_coarse", "code_fine", "object_id"]  # fmt: skip
FILES = {"segmented.ply", "objects.json", "confidence.json", "features.safetensors", "codebook.safetensors",
         "metrics.json", "config.yaml", "log.txt", "report.html"}  # fmt: skip


def test_the_folder_holds_what_the_contract_names(whole):
    assert {path.name for path in whole.path.iterdir()} == FILES | {"cache", "thumbnails"}
    assert not [path for path in whole.path.rglob("*") if path.name.endswith(".part")]
    objects = json.loads((whole.path / "objects.json").read_text())
    names = ["id", "name", "gaussians", "codes", "bbox_min", "bbox_max", "centroid", "color", "views", "agreement"]
    names += ["oriented_box", "thumbnail"]
    assert objects, "the toy has objects"
    assert all(list(row) == names for row in objects)
    metrics = json.loads((whole.path / "metrics.json").read_text())
    assert set(metrics["seconds"]) == {"weights", "features", "codebook", "objects", "write", "total"}
    parts = [value for name, value in metrics["seconds"].items() if name != "total"]
    assert metrics["seconds"]["total"] == pytest.approx(sum(parts), abs=0.01)
    assert metrics["peak_rss_mb"] > 50
    assert metrics["counts"]["gaussians"] == 40
    assert metrics["counts"]["views"] == 4
    assert metrics["counts"]["views_with_masks"] == 3
    assert metrics["counts"]["masks"] == 3 * 2
    assert metrics["counts"]["objects"] == len(objects)
    assert metrics["losses"]["codebook_fine_after"] <= metrics["losses"]["codebook_fine_before"]
    report = (whole.path / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", report), "the report is self-contained"


def test_the_configuration_is_written_whole(whole, scene):
    settings = yaml.safe_load((whole.path / "config.yaml").read_text())
    for name in (field.name for field in fields(CONFIG)):
        assert settings[name] == asdict(CONFIG)[name], name
    assert settings["gsseg"] == gsseg.__version__
    assert Path(settings["splats"]) == scene.splats.path.resolve()
    assert {"python", "torch", "numpy"} <= set(settings["versions"])


def test_rows_and_columns_of_the_input_are_unchanged(whole, scene):
    before, after = (PlyData.read(path)["vertex"].data for path in (scene.splats.path, whole.path / "segmented.ply"))
    assert list(after.dtype.names) == [*before.dtype.names, *ADDED]
    for name in before.dtype.names:
        assert after[name].tobytes() == before[name].tobytes()
    kinds = {name: after.dtype[name].str for name in ADDED}
    assert kinds == {**dict.fromkeys(ADDED[:6], "<f4"), "code_coarse": "<u2", "code_fine": "<u2", "object_id": "<i4"}


def test_columns_codes_and_table_tell_one_story(whole):
    ids, fine, coarse = whole.object_ids, whole.code_fine, whole.code_coarse
    counts = [int((ids == row.id).sum()) for row in whole.objects]
    assert [row.gaussians for row in whole.objects] == counts == sorted(counts, reverse=True)
    assert sorted(set(ids[ids >= 0].tolist())) == [row.id for row in whole.objects] == list(range(len(counts)))
    for row in whole.objects:
        assert sorted(set(fine[ids == row.id].tolist())) == row.codes
    codes = [code for row in whole.objects for code in row.codes]
    assert len(codes) == len(set(codes))
    assert NO_CODE not in codes
    assert np.array_equal(fine == NO_CODE, coarse == NO_CODE)
    assert np.array_equal(fine[fine != NO_CODE] // 3, coarse[fine != NO_CODE])
    features = whole.features.numpy()
    assert not features[fine == NO_CODE].any()
    assert np.array_equal(whole.codebook.features().numpy(), features)
    assert np.array_equal(whole.codebook.fine.numpy(), fine)
    assert np.array_equal(whole.codebook.coarse.numpy(), coarse)
    learnt = load_file(whole.path / "features.safetensors")
    lengths = np.linalg.norm(learnt["features"], axis=1)
    assert np.allclose(lengths, learnt["seen"], atol=1e-5)


def test_a_run_can_be_opened_again_and_asked(whole, scene):
    again = gsseg.Run.open(whole.path)
    assert np.array_equal(again.object_ids, whole.object_ids)
    gaussian = int(np.flatnonzero(again.object_ids == 0)[0])
    target = scene.gaussians.means[gaussian].double().numpy()
    hits = [again.select(view.camera.position, target - view.camera.position) for view in scene.views]
    assert any(hit is not None for hit in hits)
    assert all(hit is None or 0 <= hit.object_id < len(again.objects) for hit in hits)


def test_one_seed_one_result(whole, scene, tmp_path):
    assert_same(gsseg.train(scene, CONFIG, tmp_path / "again"), whole)
    other = gsseg.train(scene, replace(CONFIG, seed=1), tmp_path / "other")
    assert not np.array_equal(other.features.numpy(), whole.features.numpy())


def test_memory_decides_nothing(whole, scene, tmp_path):
    """With no memory for weights every one of them is read from its file again and again."""
    assert_same(gsseg.train(scene, replace(CONFIG, memory_budget_mb=0), tmp_path / "run"), whole)


def test_progress_is_told_and_nothing_is_printed(scene, tmp_path, capfd):
    told = []
    gsseg.train(scene, CONFIG, tmp_path / "run", progress=lambda *step: told.append(step))
    assert capfd.readouterr() == ("", "")
    assert tuple(dict.fromkeys(name for name, _, _ in told)) == STAGES
    for stage in STAGES:
        done = [at for name, at, _ in told if name == stage]
        totals = {total for name, _, total in told if name == stage}
        assert done == sorted(done)
        assert {done[-1]} == totals


def test_the_scene_is_only_read(make_small_scene, tmp_path):
    folder = make_small_scene(tmp_path / "scene")
    before = contents(folder)
    gsseg.train(gsseg.load_scene(folder), CONFIG, tmp_path / "run")
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("no masks", "has no masks"), ("looks away", "no view with masks sees any Gaussian"),
     ("masks elsewhere", "no mask lies on a Gaussian")],
)  # fmt: skip
def test_what_cannot_be_trained_leaves_nothing(scene, tmp_path, wrong, message):
    away = np.diag([1.0, 1.0, 1.0, 1.0])
    away[2, 3] = -100.0
    views = []
    for view in scene.views:
        if wrong == "no masks":
            views.append(replace(view, labels=None))
        elif wrong == "looks away":
            views.append(replace(view, camera=replace(view.camera, T_camera_world=away)))
        else:
            corner = np.zeros_like(view.labels if view.labels is not None else scene.views[0].labels)
            corner[0, 0] = 5
            views.append(replace(view, labels=corner))
    with pytest.raises(gsseg.InputError, match=message):
        gsseg.train(replace(scene, views=views), CONFIG, tmp_path / "new" / "run")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine.txt").write_text("mine")
    with pytest.raises(gsseg.InputError, match=message):
        gsseg.train(replace(scene, views=views), CONFIG, tmp_path / "kept")
    assert (tmp_path / "kept" / "mine.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made(scene, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(gsseg.InputError, match="cannot be made"):
        gsseg.train(scene, CONFIG, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "not a folder"


def test_rows_that_cannot_be_drawn_and_foreign_columns_come_through(make_small_scene, tmp_path):
    folder = make_small_scene(tmp_path / "scene")
    columns = read_splats(folder / "splats.ply").columns.copy()
    columns["x"][3], columns["opacity"][4], columns["rot_0"][5] = np.nan, np.inf, np.nan
    write_splats(folder / "splats.ply", columns, {"mine": np.arange(40, dtype=np.uint8)})
    run = gsseg.train(gsseg.load_scene(folder), CONFIG, tmp_path / "run")
    after = PlyData.read(run.path / "segmented.ply")["vertex"].data
    assert np.array_equal(after["mine"], np.arange(40))
    for name in columns.dtype.names:
        assert after[name].tobytes() == columns[name].tobytes()
    assert run.object_ids[[3, 5]].tolist() == [-1, -1]
    assert run.code_fine[[3, 5]].tolist() == [NO_CODE, NO_CODE]


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, objective="pixels", opengaussian=OpenGaussianConfig(passes=2)),
        replace(CONFIG, codebook=replace(CONFIG.codebook, coarse=1, fine=9)),
        replace(CONFIG, codebook=replace(CONFIG.codebook, target="mask_mean")),
        replace(CONFIG, pixels_per_view=0),
    ],
    ids=["pixels", "one level", "mask means", "all pixels"],
)
def test_other_ways_to_train_end_well(scene, tmp_path, config):
    with pytest.raises(KeyboardInterrupt):
        gsseg.train(scene, config, tmp_path / "part", progress=interrupt_at("codebook", 2))
    run = gsseg.train(scene, config, tmp_path / "run")
    assert_same(gsseg.train(scene, config, tmp_path / "part", resume=True), run)
    assert run.objects
    assert len(np.unique(run.code_fine)) > 3


def test_masks_too_few_for_an_object(make_small_scene, tmp_path):
    """A mask in one view of four that see the whole scene unmasked: no object is an answer."""
    folder = make_small_scene(tmp_path / "scene")
    scene = gsseg.load_scene(folder)
    views = [replace(view, labels=np.zeros((24, 32), np.uint16)) for view in scene.views]
    views[0].labels[8:12, 8:14] = 3
    run = gsseg.train(replace(scene, views=views), CONFIG, tmp_path / "run")
    assert (run.object_ids < len(run.objects)).all()
    assert (run.object_ids >= 0).sum() < 20, "one mask does not claim what it does not show"


def test_presets_have_the_published_sizes():
    sizes = {name: (c.codebook.coarse, c.codebook.fine, c.objective) for name in ("scannet", "lerf", "opengaussian")
             for c in [gsseg.preset(name)]}  # fmt: skip
    assert sizes == {"scannet": (64, 5, "masks"), "lerf": (64, 10, "masks"), "opengaussian": (64, 10, "pixels")}
    assert gsseg.preset("default") == gsseg.TrainConfig()
