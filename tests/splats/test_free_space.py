"""Nothing is learnt where photos look through; what no photo knows stays."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from gsseg.scene import Camera
from gsseg.splats import SplatConfig, SplatTrainer, on_gpu
from gsseg.splats.free_space import FreeSpace
from gsseg.splats.on_gpu import GpuLearner
from gsseg.splats.scene import load_splat_scene
from gsseg.threads import one_torch_thread
from tests.splats.gsplat_stand_in import stand_in

QUICK = SplatConfig(
    iterations=60,
    grow_until=0.5,
    max_gaussians=90,
    refine_every=10,
    quarter_until=0.0,
    half_until=0.0,
    clear_space=True,
)


def looking(depth: float, half: bool = True) -> FreeSpace:
    """What a camera at the origin, along z, sees in its left half or all over."""
    depths = np.full((4, 6), depth, np.float32)
    depths[:, 3 if half else 6 :] = np.nan
    return FreeSpace([Camera(60, 40, 50.0, 50.0, 30.0, 20.0, np.eye(4))], [depths])


def test_empty_is_what_more_photos_look_through_than_see():
    places = np.array([[-0.1, 0, 1.0], [-0.2, 0, 2.0], [-0.3, 0, 3.0], [0.1, 0, 1.0], [0, 0, -1.0], [-9.0, 0, 1.0]])
    assert looking(2.0).empty(places).tolist() == [True, False, False, False, False, False]
    both = FreeSpace(looking(2.0).cameras * 2, [*looking(2.0).depths, *looking(1.0).depths])
    assert not both.empty(places).any()  # one sees something there, one looks through
    assert both.empty(0.5 * places).tolist() == [True, False, True, False, False, False]


def test_a_scaled_world_has_the_same_empty_places():
    places = np.random.default_rng(0).normal(size=(200, 3)) * [1, 1, 3]
    assert np.array_equal(looking(2.0).empty(places), looking(20.0).empty(10 * places))


@pytest.fixture
def train(ball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that trains with half of what the first camera shows declared empty, and counts what is left there."""
    stand_in(monkeypatch)

    class OnProcessor(GpuLearner):
        def __init__(self, *given):
            super().__init__(*given, device="cpu")

    monkeypatch.setattr(on_gpu, "GpuLearner", OnProcessor)
    found = load_splat_scene(ball, tmp_path / "splats.ply", 2, None, 4, None, 0)
    camera = found.train[0].camera

    def left(config: SplatConfig, device: Literal["cpu", "cuda"], share: float) -> tuple[int, int]:
        """Gaussians that draw in the empty part, and all that draw."""
        depths = np.full((camera.height, camera.width), 100.0, np.float32)
        depths[:, round(share * camera.width) :] = np.nan
        free = FreeSpace([camera], [depths])
        trainer = SplatTrainer(config, found.train, replace(found.points, free=free), device)
        with one_torch_thread():
            trainer.run(lambda _: None)
        draws = trainer.gaussians.opacity_logits.numpy() > -5.5  # above 1 / 255
        empty = free.empty(trainer.gaussians.means.numpy().astype(np.float64))
        return int((empty & draws).sum()), int(draws.sum())

    return left


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_hangs_there_is_taken_away_but_frozen_points_stay(train, device):
    inside, all_of_them = train(QUICK, device, 0.5)
    assert inside == 0
    assert all_of_them > 20
    for kept in (replace(QUICK, freeze_points=True), replace(QUICK, clear_space=False)):
        assert train(kept, device, 0.5)[0] > 10


def test_depths_that_leave_nothing_are_not_believed(train):
    assert train(QUICK, "cpu", 1.0)[1] > 20
