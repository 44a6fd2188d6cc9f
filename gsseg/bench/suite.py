"""Runs the benchmarks."""

import platform
from collections.abc import Callable, Sequence
from typing import Literal

import torch

from gsseg.bench.binary import measure_binary
from gsseg.bench.compressed import measure_compressed
from gsseg.bench.on_device import measure_on_device
from gsseg.bench.residual import measure_residual
from gsseg.bench.results import Machine, Part, Result
from gsseg.bench.rqvae import measure_rqvae
from gsseg.bench.scene import bench_scene
from gsseg.bench.splats import GAUSSIANS, measure_splats
from gsseg.bench.timing import CPU, Progress, no_progress
from gsseg.bench.training import measure_training
from gsseg.memory import peak_memory_mb
from gsseg.threads import one_torch_thread, thread_count
from gsseg.version import __version__

SIZES = (100_000, 1_000_000)
REPEATS = {100_000: 9, 1_000_000: 5}

QUANTIZERS: tuple[Callable[[bool, Progress], Part], ...] = (
    measure_residual,
    measure_rqvae,
    measure_binary,
    measure_compressed,
)

Group = Literal["weights", "quantizers", "splats"]
"""``weights``: the steps of training by W and by a rasterizer; ``quantizers``: those, and the compressed scene;
``splats``: a step of learning splats from photos."""


def run_bench(
    quick: bool = False,
    groups: Sequence[Group] = ("weights", "quantizers"),
    progress: Progress = no_progress,
    device: torch.device = CPU,
) -> Result:
    """Measures training on the built-in room at 100 thousand and (unless ``quick``) a million Gaussians, four views of
    640 x 480 pixels, and the quantizers on as many vectors. ``device``: another than the processor, where training is
    measured too."""
    parts: list[Part] = []
    if "weights" in groups:
        with one_torch_thread():  # as in training
            for size in SIZES[: 1 if quick else 2]:
                scene = bench_scene(size)
                parts.append(measure_training(scene, REPEATS[size], progress))
                if device.type != "cpu":
                    parts.append(measure_on_device(scene, device, REPEATS[size], progress))
    if "splats" in groups:
        parts.append(measure_splats(bench_scene(GAUSSIANS), REPEATS[100_000], progress))
    if "quantizers" in groups:
        parts += [measure(quick, progress) for measure in QUANTIZERS]
    machine = Machine(
        cores=thread_count(),
        processor=platform.machine(),
        python=platform.python_version(),
        torch=torch.__version__,
        gsseg=__version__,
        gpu=torch.cuda.get_device_name(device) if device.type == "cuda" else "",
    )
    return Result(machine, tuple(parts), peak_memory_mb())
