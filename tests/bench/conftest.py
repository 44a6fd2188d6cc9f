"""The benchmark's room, small enough to test on."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gsseg.bench import timing
from gsseg.bench.scene import BenchScene, bench_scene


@pytest.fixture(scope="session")
def small_scene() -> Callable[[int], BenchScene]:
    """The room on 80 x 60 pixels, with so many Gaussians."""

    def make(count: int) -> BenchScene:
        scene = bench_scene(count)
        return replace(scene, cameras=tuple(camera.resized(80, 60) for camera in scene.cameras))

    return make


@pytest.fixture
def quick_rounds(monkeypatch) -> None:
    """One call a round is enough to see what is measured."""
    monkeypatch.setattr(timing, "SPAN", 0.0)
