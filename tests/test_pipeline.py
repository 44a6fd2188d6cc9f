"""The main job end to end: what a run folder holds, and that nothing but the input and the configuration decides it."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from plyfile import PlyData
from safetensors.numpy import load_file

import gsseg
from gsseg.codebook.levels import CodebookConfig
from gsseg.features.fit import FeatureConfig
from gsseg.features.opengaussian import OpenGaussianConfig
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import write
from gsseg.run.stages import run_key
from gsseg.scene import RenderConfig
from gsseg.segmentation import NO_CODE

CONFIG = gsseg.TrainConfig(
    features=FeatureConfig(steps=20), codebook=CodebookConfig(coarse=4, fine=3, steps=3), pixels_per_view=256
)
"""Small enough to train in a fraction of a second."""

ADDED = ["ins_feat_r", "ins_feat_g", "ins_feat_b", "ins_feat_r2", "ins_feat_g2", "ins_feat_b2",
         "code_coarse", "code_fine", "object_id"]  # fmt: skip
FILES = {"segmented.ply", "objects.json", "confidence.json", "features.safetensors", "codebook.safetensors",
         "metrics.json", "config.yaml", "log.txt", "report.html"}  # fmt: skip
STAGES = ("weights", "features", "codebook", "objects", "write")


@pytest.fixture(scope="module")
def scene(make_small_scene, tmp_path_factory) -> gsseg.Scene:
    return gsseg.load_scene(make_small_scene(tmp_path_factory.mktemp("pipeline") / "scene"))


@pytest.fixture(scope="module")
def whole(scene, tmp_path_factory) -> gsseg.Run:
    """The run that every other must equal."""
    return gsseg.train(scene, CONFIG, tmp_path_factory.mktemp("whole") / "run")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def assert_same(run: gsseg.Run, other: gsseg.Run) -> None:
    for name in ("segmented.ply", "objects.json", "confidence.json", "features.safetensors", "codebook.safetensors"):
        assert (run.path / name).read_bytes() == (other.path / name).read_bytes(), name


def interrupt_at(stage: str, done: int) -> Callable[[str, int, int], None]:
    def progress(name: str, at: int, total: int) -> None:
        if name == stage and at >= done:
            raise KeyboardInterrupt

    return progress


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


@pytest.mark.parametrize(
    ("stage", "done"),
    [("weights", 1), ("weights", 3), ("features", 7), ("codebook", 2), ("codebook", 5), ("objects", 0), ("objects", 2),
     ("write", 0)],
)  # fmt: skip
def test_interrupted_and_resumed_is_as_uninterrupted(whole, scene, tmp_path, stage, done):
    with pytest.raises(KeyboardInterrupt):
        gsseg.train(scene, CONFIG, tmp_path / "run", progress=interrupt_at(stage, done))
    with pytest.raises(gsseg.InputError, match="--resume"):
        gsseg.Run.open(tmp_path / "run")
    told = []
    run = gsseg.train(scene, CONFIG, tmp_path / "run", resume=True, progress=lambda *step: told.append(step[0]))
    assert_same(run, whole)
    finished = STAGES[: STAGES.index(stage)]
    assert not set(finished) - {"objects"} & set(told), "what was finished is not done again"


def test_interrupted_while_a_file_is_written(whole, scene, tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gsseg.run.write, "write_report", interrupt)
        with pytest.raises(KeyboardInterrupt):
            gsseg.train(scene, CONFIG, tmp_path / "run")
    assert not list((tmp_path / "run").glob(".*"))
    with pytest.raises(gsseg.InputError):
        gsseg.Run.open(tmp_path / "run")
    assert_same(gsseg.train(scene, CONFIG, tmp_path / "run", resume=True), whole)


def without_cache(run: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(run).items() if not name.startswith("cache")}


def test_until_a_second_run_is_whole_the_folder_is_the_first(scene, tmp_path, monkeypatch):
    """The table of the first run must not stand beside the segmentation of the second."""

    def interrupt(*args):
        raise KeyboardInterrupt

    gsseg.train(scene, CONFIG, tmp_path / "run")
    before = without_cache(tmp_path / "run")
    monkeypatch.setattr(write, "write_report", interrupt)
    with pytest.raises(KeyboardInterrupt):
        gsseg.train(scene, replace(CONFIG, seed=1), tmp_path / "run")
    assert without_cache(tmp_path / "run") == before
    monkeypatch.undo()
    gsseg.train(scene, replace(CONFIG, seed=1), tmp_path / "run")
    assert without_cache(tmp_path / "run") != before


def test_without_a_folder_nothing_is_written_and_the_result_is_the_same(scene, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = gsseg.train(scene, CONFIG)
    assert list(tmp_path.iterdir()) == []
    assert np.array_equal(run.object_ids, whole.object_ids)
    assert np.array_equal(run.code_fine, whole.code_fine)
    assert np.array_equal(run.features, whole.features)
    assert np.array_equal(run.learnt_features, whole.learnt_features)
    assert run.objects == [replace(row, thumbnail=None) for row in whole.objects], "pictures are files"
    ray = scene.views[0].camera.ray(16.5, 12.5)
    mine, theirs = run.select(*ray), whole.select(*ray)
    assert (mine is None) == (theirs is None)
    with pytest.raises(ValueError, match="in memory alone"):
        _ = run.path


def halved(data: bytes) -> bytes:
    return data[: len(data) // 2]


def emptied(data: bytes) -> bytes:
    return b""


def garbled(data: bytes) -> bytes:
    return b"\xff" * len(data)


def zeroed_at_the_end(data: bytes) -> bytes:
    """A page that never reached the disk."""
    return data[:-40] + bytes(40) if data[-40:].strip(b"\0") else data[:-40] + b"\1" * 40


@pytest.mark.parametrize("damage", [halved, emptied, garbled, zeroed_at_the_end])
def test_damaged_stage_files_are_made_again(whole, scene, tmp_path, damage):
    with pytest.raises(KeyboardInterrupt):
        gsseg.train(scene, CONFIG, tmp_path / "run", progress=interrupt_at("objects", 0))
    files = sorted((tmp_path / "run" / "cache").iterdir())
    assert {"evidence.safetensors", "features.safetensors", "codes.safetensors"} <= {file.name for file in files}
    for file in files:
        file.write_bytes(damage(file.read_bytes()))
    assert_same(gsseg.train(scene, CONFIG, tmp_path / "run", resume=True), whole)


@pytest.mark.parametrize("stage", ["evidence", "features", "codes"])
def test_one_damaged_stage_file_is_made_again(whole, scene, tmp_path, stage):
    with pytest.raises(KeyboardInterrupt):
        gsseg.train(scene, CONFIG, tmp_path / "run", progress=interrupt_at("objects", 0))
    file = tmp_path / "run" / "cache" / f"{stage}.safetensors"
    before = load_file(file)
    file.write_bytes(zeroed_at_the_end(file.read_bytes()))
    assert_same(gsseg.train(scene, CONFIG, tmp_path / "run", resume=True), whole)
    after = load_file(file)
    assert all(after[name].tobytes() == before[name].tobytes() for name in before)


def test_the_cache_may_be_deleted(whole, scene, tmp_path):
    run = gsseg.train(scene, CONFIG, tmp_path / "run")
    for file in (run.path / "cache").iterdir():
        file.unlink()
    (run.path / "cache").rmdir()
    assert_same(gsseg.Run.open(run.path), whole)
    assert_same(gsseg.train(scene, CONFIG, tmp_path / "run", resume=True), whole)


def test_stages_of_another_configuration_are_not_taken(whole, scene, tmp_path):
    other = replace(CONFIG, features=replace(CONFIG.features, separation=3.0))
    with pytest.raises(KeyboardInterrupt):
        gsseg.train(scene, other, tmp_path / "run", progress=interrupt_at("write", 0))
    assert_same(gsseg.train(scene, CONFIG, tmp_path / "run", resume=True), whole)


def test_the_key_is_of_all_that_decides(scene):
    key = run_key(scene, CONFIG)
    assert run_key(scene, CONFIG) == key
    assert run_key(scene, replace(CONFIG, memory_budget_mb=1)) == key, "how much is kept decides nothing"
    configs = [
        replace(CONFIG, seed=1), replace(CONFIG, objective="pixels"), replace(CONFIG, pixels_per_view=0),
        replace(CONFIG, features=FeatureConfig(steps=21)),
        replace(CONFIG, codebook=replace(CONFIG.codebook, target="mask_mean")),
        replace(CONFIG, opengaussian=OpenGaussianConfig(passes=1)),
        replace(CONFIG, objects=replace(CONFIG.objects, grouping=replace(CONFIG.objects.grouping, apart=1.0))),
        replace(CONFIG, objects=replace(CONFIG.objects, assignment=replace(CONFIG.objects.assignment, rounds=1))),
    ]  # fmt: skip
    view, others = scene.views[0], scene.views[1:]
    labels = view.labels.copy()
    labels[0, 0] = 7
    pose = view.camera.T_camera_world.copy()
    pose[0, 3] += 1e-9
    gaussians = scene.gaussians
    scenes = [
        replace(scene, views=[replace(view, labels=labels), *others]),
        replace(scene, views=[replace(view, labels=None), *others]),
        replace(scene, views=[replace(view, camera=replace(view.camera, T_camera_world=pose)), *others]),
        replace(scene, views=[replace(view, camera=replace(view.camera, fx=30.5)), *others]),
        replace(scene, views=others),
        replace(scene, gaussians=replace(gaussians, means=gaussians.means + 1e-3)),
        replace(scene, gaussians=replace(gaussians, render=RenderConfig(antialiased=True))),
        replace(scene, gaussians=replace(gaussians, sh=gaussians.sh + 1e-3)),
        replace(scene, gaussians=replace(gaussians, opacity_logits=gaussians.opacity_logits.flip(0))),
    ]
    keys = [run_key(scene, config) for config in configs] + [run_key(other, CONFIG) for other in scenes]
    assert len({key, *keys}) == 1 + len(keys)


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
