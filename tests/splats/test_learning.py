"""Colours, Adam, growth, and the loop as a whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gsseg.errors import InputError
from gsseg.scene import Gaussians
from gsseg.scene.sh import seen_colors
from gsseg.splats import SplatConfig, SplatTrainer, harmonics
from gsseg.splats.adam import paces, step_rows
from gsseg.splats.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from gsseg.splats.exposure import NONE, Exposures, as_they_are
from gsseg.splats.model import Model
from gsseg.splats.on_cpu import CpuLearner
from gsseg.splats.refine import refined
from gsseg.splats.scene import load_splat_scene
from gsseg.splats.score import score_views

QUICK = SplatConfig(iterations=240, max_gaussians=150, refine_every=30)


def model(rows: int = 20, degree: int = 3) -> Model:
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(rows, width)).astype(np.float32) for width in (3, 3, 4, 1, 3 * (degree + 1) ** 2)]
    parts[2] /= np.linalg.norm(parts[2], axis=1, keepdims=True)
    return Model.new(parts[0], parts[1], parts[2], parts[3], parts[4])


def loaded(scene: Path, out: Path, test_every: int = 4):
    return load_splat_scene(scene, out / "splats.ply", None, None, test_every, None, 0)


def trainer(scene: Path, out: Path, config: SplatConfig = QUICK) -> SplatTrainer:
    found = loaded(scene, out)
    return SplatTrainer(config, found.train, found.points)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_colors_and_their_gradient_are_the_oracles(degree: int):
    mine = model(degree=degree)
    position = np.array([0.3, -2.0, 1.0])
    rows = np.arange(len(mine), dtype=np.int32)
    seen = harmonics.colors(mine.sh, mine.means, rows, position, degree)
    leaves = replace(mine.gaussians, means=torch.tensor(mine.means, requires_grad=True))
    leaves = replace(leaves, sh=torch.tensor(mine.sh.reshape(len(mine), -1, 3), requires_grad=True))
    exact = seen_colors(leaves, position)
    assert np.allclose(seen, exact.detach().numpy(), atol=1e-5)
    slopes = np.random.default_rng(1).normal(size=seen.shape).astype(np.float32)
    exact.backward(torch.tensor(slopes))
    gradients = np.zeros((len(mine), 11 + mine.sh.shape[1]), np.float32)
    harmonics.colors_gradient(mine.sh, mine.means, rows, position, degree, seen, slopes, gradients)
    assert np.allclose(gradients[:, 11:], torch.as_tensor(leaves.sh.grad).reshape(len(mine), -1).numpy(), atol=1e-4)
    if degree:
        assert np.allclose(gradients[:, :3], torch.as_tensor(leaves.means.grad).numpy(), atol=1e-4)


def test_adam_is_torchs_for_the_rows_that_are_seen():
    values = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    start, moments, ages = values.copy(), np.zeros((2, 6, 3), np.float32), np.zeros(6, np.int32)
    rows = np.array([0, 2, 5], np.int32)
    leaf = torch.tensor(values[rows], requires_grad=True)
    optimizer = torch.optim.Adam([leaf], lr=0.01, eps=1e-15)
    for step in range(5):
        gradients = np.random.default_rng(step).normal(size=(3, 3)).astype(np.float32)
        ages[rows] += 1
        step_rows(values, 0, moments, 0, 3, rows, paces(ages[rows]), gradients, 0.01)
        leaf.grad = torch.tensor(gradients)
        optimizer.step()
    assert np.allclose(values[rows], leaf.detach().numpy(), atol=1e-5)
    assert np.array_equal(values[[1, 3, 4]], start[[1, 3, 4]])


def test_growth_splits_where_the_error_is_and_uses_the_faded_again():
    before = model(100, 0)
    before.logits[:] = 1.0
    before.logits[:10] = -9.0
    score = np.zeros(100)
    score[50:60] = 1.0
    means = before.means.copy()
    after = refined(before, score, 95, 0.005, np.random.default_rng(0))
    assert len(after) == 95
    assert (after.logits > -9).all()
    moved = np.abs(after.means[:90] - means[10:]).max(1) > 0
    assert moved.sum() == 5
    assert set(np.flatnonzero(moved)) <= set(range(40, 50))
    # A split keeps the middle of what was split.
    assert np.allclose((after.means[:90][moved] + after.means[90:]) / 2, means[10:][moved], atol=1e-5)


def test_a_scene_is_learnt(ball: Path, tmp_path: Path):
    learner = trainer(ball, tmp_path, replace(QUICK, iterations=600))
    found = loaded(ball, tmp_path)

    def psnr(views: list) -> float:
        return float(np.mean([score.psnr for score in score_views(learner.gaussians, views)]))

    first = psnr(found.test)
    learner.run(lambda _: None)
    assert 60 < len(learner) <= QUICK.max_gaussians
    assert psnr(found.train) > 25
    assert psnr(found.test) > first + 6  # three photos, 40 degrees away from the nearest of six others


def same(one: Gaussians, other: Gaussians) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.tensors().values(), other.tensors().values(), strict=True))


def test_the_same_seed_gives_the_same_bits_and_resuming_too(ball: Path, tmp_path: Path):
    config = replace(QUICK, iterations=60, refine_every=20)
    found = loaded(ball, tmp_path)
    whole = SplatTrainer(config, found.train, found.points)
    whole.run(lambda _: None)
    stopped = SplatTrainer(config, found.train, found.points)
    key = fingerprint(stopped, found.points)
    for _ in range(31):
        stopped.step()
    save_checkpoint(tmp_path / "stopped", stopped, key)
    resumed = SplatTrainer(config, found.train, found.points)
    load_checkpoint(tmp_path / "stopped", resumed, key)
    resumed.run(lambda _: None)
    assert same(whole.gaussians, resumed.gaussians)
    assert whole.history == resumed.history


@pytest.mark.parametrize("damage", ["other", "cut", "text"])
def test_a_checkpoint_of_something_else_is_refused(ball: Path, tmp_path: Path, damage: str):
    learner, path = trainer(ball, tmp_path), tmp_path / "stopped"
    save_checkpoint(path, learner, "key")
    if damage != "other":
        path.write_bytes(path.read_bytes()[:200] if damage == "cut" else b"no checkpoint at all")
    with pytest.raises(InputError):
        load_checkpoint(path, learner, "another" if damage == "other" else "key")


def test_points_beyond_the_most_are_left_out_by_chance(ball: Path, tmp_path: Path):
    learner = trainer(ball, tmp_path, replace(QUICK, iterations=40, refine_every=10, max_gaussians=20))
    assert len(learner) == 20
    learner.run(lambda _: None)
    assert len(learner) <= 20
    assert len(trainer(ball, tmp_path, replace(QUICK, max_gaussians=20, freeze_points=True))) == 60


def test_frozen_points_stay(ball: Path, tmp_path: Path):
    learner = trainer(ball, tmp_path, replace(QUICK, iterations=40, refine_every=10, freeze_points=True))
    before = learner.gaussians.means.numpy().copy()
    opacities = learner.gaussians.opacity_logits.numpy().copy()
    learner.run(lambda _: None)
    assert np.array_equal(learner.gaussians.means.numpy(), before)
    assert not np.array_equal(learner.gaussians.opacity_logits.numpy(), opacities)


def test_exposures_keep_their_mean_and_find_the_dark_photo(ball: Path, tmp_path: Path):
    from PIL import Image

    path = ball / "images" / "05.png"
    Image.fromarray(np.uint8(np.asarray(Image.open(path)) * 0.7)).save(path)
    learner = trainer(ball, tmp_path, replace(QUICK, exposure_rate=0.01, exposure_cost=0.01))
    learner.run(lambda _: None)
    assert isinstance(learner.learner, CpuLearner)
    exposures = learner.learner.exposures.values
    gains = exposures[:, 0].mean(1)
    dark = [view.name for view in learner.views].index("05")
    assert exposures.mean(0) == pytest.approx(np.array([[1.0] * 3, [0.0] * 3]), abs=1e-5)
    assert gains.argmin() == dark
    assert gains[dark] < 0.95


def test_exposures_fade_and_are_not_learnt_meanwhile():
    exposures = Exposures(SplatConfig(exposure_until=0.5), as_they_are(2))
    slope = np.ones((2, 3), np.float32)
    exposures.learn(0, slope, 0.4)
    learnt = exposures.values.copy()
    assert (exposures.at(0, 0.5) == learnt[0]).all()
    assert (exposures.at(0, 0.675) - NONE) == pytest.approx(0.5 * (learnt[0] - NONE), abs=1e-6)
    assert (exposures.at(0, 0.9) == NONE).all()
    exposures.learn(0, slope, 0.6)
    assert (exposures.values == learnt).all()
    kept = Exposures(SplatConfig(exposure_until=1.0), as_they_are(2))
    kept.learn(0, slope, 0.99)
    assert (kept.at(0, 1.0) == kept.values[0]).all()


def test_a_time_budget_shortens_every_phase(ball: Path, tmp_path: Path):
    learner = trainer(ball, tmp_path)
    learner.seconds = 5.0
    assert learner.share(10.0) == 0.5
    assert learner.share(5.0) == 1.0
    learner.run(lambda _: None, 5.0)
    assert learner.steps == 0


def test_training_ends_when_nothing_is_gained(ball: Path, tmp_path: Path):
    config = replace(QUICK, settled_db=100.0)  # nothing ever gains as much
    learner = trainer(ball, tmp_path, config)
    learner.run(lambda _: None)
    assert learner.steps < config.iterations


@pytest.mark.parametrize("wrong", [{"iterations": 0}, {"sh_degree": 4}, {"ssim_share": 1.5}, {"seed": -1}])
def test_wrong_configurations_are_refused(wrong: dict):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SplatConfig(**wrong)
