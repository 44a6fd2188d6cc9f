"""The parts of a step of learning splats are measured, and the whole holds its parts."""

from gsseg.bench.splats import measure_splats
from gsseg.bench.timing import no_progress


def test_parts_of_a_step(small_scene, quick_rounds):
    part = measure_splats(small_scene(300), 3, no_progress, (80, 60))
    seconds = {figure.name: figure.minimum for figure in part.figures}
    assert set(seconds) == {
        "forward", "forward and backward", "L1 and SSIM with gradient", "Adam", "whole step",
    }  # fmt: skip
    assert 0 < seconds["forward"] < seconds["whole step"]
    assert part.quality["visible Gaussians"] > 100
