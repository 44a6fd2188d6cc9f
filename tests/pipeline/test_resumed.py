"""Interrupted, damaged, or of another configuration: a training ends in the run that it would have made at once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import gsseg
from gsseg.features.fit import FeatureConfig
from gsseg.features.opengaussian import OpenGaussianConfig
from gsseg.run import write
from gsseg.run.stages import run_key
from gsseg.scene import RenderConfig
from tests.pipeline.small_runs import CONFIG, STAGES, assert_same, contents, interrupt_at


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
