"""What a GPU would learn with gsplat, here with a stand-in for its kernels: the loop, the strategies, checkpoints."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

pytest.importorskip("gsplat", reason="gsplat is not installed here")

from gsseg.scene import Gaussians
from gsseg.splats import SplatConfig, SplatTrainer, on_gpu
from gsseg.splats.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from gsseg.splats.on_cpu import CpuLearner
from gsseg.splats.on_gpu import GpuLearner
from gsseg.splats.scene import load_splat_scene
from gsseg.splats.score import score_views
from gsseg.splats.ssim import photometric
from gsseg.splats.torch_loss import photometric_loss
from gsseg.threads import one_torch_thread
from tests.splats.gsplat_stand_in import stand_in

# gsplat's intervals are scaled to the steps: refining starts after 20 and comes every 4 of them.
QUICK = SplatConfig(
    iterations=1200, grow_until=0.03, max_gaussians=90, refine_every=10, quarter_until=0.0, half_until=0.0
)


@pytest.fixture
def make(ball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function (config) -> a trainer for a GPU that is none, and its points."""
    stand_in(monkeypatch)

    class OnProcessor(GpuLearner):
        def __init__(self, *given):
            super().__init__(*given, device="cpu")

    monkeypatch.setattr(on_gpu, "GpuLearner", OnProcessor)
    found = load_splat_scene(ball, tmp_path / "splats.ply", 2, None, 4, None, 0)  # 28 x 24 pixels

    def made(config: SplatConfig, device: Literal["cpu", "cuda"] = "cuda"):
        return SplatTrainer(config, found.train, found.points, device), found.points

    with one_torch_thread():
        yield made


def same(one: Gaussians, other: Gaussians) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.tensors().values(), other.tensors().values(), strict=True))


@pytest.mark.parametrize("degree", [0, 1])
def test_the_first_step_is_that_of_the_processor(make, degree: int):
    config = replace(QUICK, opacity_cost=0.0, scale_cost=0.0, sh_degree=degree, harmonics_from=0.0)
    (gpu, _), (cpu, _) = make(replace(config, freeze_points=True)), make(replace(config, freeze_points=True), "cpu")
    gpu.step()
    cpu.step()
    assert gpu.history == cpu.history
    assert gpu.square_error == pytest.approx(cpu.square_error, rel=1e-3)
    assert isinstance(cpu.learner, CpuLearner)
    seen = cpu.learner.model.ages > 0
    assert seen.sum() > 30
    others = cpu.gaussians.tensors()
    for name, values in gpu.gaussians.tensors().items():
        # Adam's first step is the sign of the gradient: it tells whether every one of them points the same way.
        apart = (values.float() - others[name].float()).abs()[seen]
        assert apart.gt(1e-3).float().mean() < 0.03, name


@pytest.mark.parametrize("strategy", ["mcmc", "default"])
def test_a_scene_is_learnt_within_the_most(make, strategy):
    trainer, _ = make(replace(QUICK, gpu_strategy=strategy, max_gaussians=70))

    def psnr() -> float:
        return float(np.mean([score.psnr for score in score_views(trainer.gaussians, trainer.views)]))

    first = psnr()
    for _ in range(60):
        trainer.step()
    assert psnr() > first + 2
    assert len(trainer) != 60
    assert len(trainer) <= 70
    assert all(torch.isfinite(values).all() for values in trainer.gaussians.tensors().values())
    assert trainer.gaussians.quats_wxyz.norm(dim=1).numpy() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("strategy", ["mcmc", "default"])
def test_going_on_gives_the_same(make, tmp_path: Path, strategy):
    config = replace(QUICK, gpu_strategy=strategy)
    (whole, points), (stopped, _), (resumed, _) = make(config), make(config), make(config)
    for _ in range(30):
        whole.step()
    for _ in range(23):
        stopped.step()
    key = fingerprint(stopped, points)
    save_checkpoint(tmp_path / "stopped", stopped, key)
    load_checkpoint(tmp_path / "stopped", resumed, key)
    for _ in range(7):
        resumed.step()
    assert same(whole.gaussians, resumed.gaussians)
    assert fingerprint(make(config, "cpu")[0], points) != key


def test_frozen_points_stay(make):
    trainer, points = make(replace(QUICK, iterations=6, freeze_points=True))
    trainer.run(lambda _: None)
    assert np.array_equal(trainer.gaussians.means.numpy(), points.positions.astype(np.float32))


@pytest.mark.parametrize("masked", [False, True])
def test_the_loss_is_that_of_the_processor(masked: bool):
    x, y = np.random.default_rng(0).random((2, 3, 17, 24)).astype(np.float32)
    seen = (np.random.default_rng(1).random((17, 24)) > 0.3).astype(np.float32) if masked else None
    leaf = torch.tensor(x, requires_grad=True)
    loss, error = photometric_loss(leaf, torch.tensor(y), 0.2, None if seen is None else torch.tensor(seen))
    loss.backward()
    exact, _, slope = photometric(x, y, 24, 0.2, seen)
    assert loss.item() == pytest.approx(exact, rel=1e-5)
    assert torch.as_tensor(leaf.grad).numpy() == pytest.approx(slope, abs=1e-7)
    shown = np.ones((17, 24)) if seen is None else seen
    assert float(error) == pytest.approx(float((((x - y) ** 2) * shown).sum() / (3 * shown.sum())), rel=1e-5)
