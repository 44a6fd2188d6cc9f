"""Runs the benchmarks: every figure of one size is measured in turn, several times over.

Interleaving spreads whatever else the machine does over all figures alike, so their ratios hold where single
figures do not; the least of several times is the one that the others disturbed.
"""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from gsseg.bench.binary import measure_binary
from gsseg.bench.compressed import measure_compressed
from gsseg.bench.residual import measure_residual
from gsseg.bench.rqvae import measure_rqvae
from gsseg.bench.scene import BenchScene, bench_scene, surface_labels
from gsseg.bench.steps import DIM, Pooled, Steps
from gsseg.memory import peak_memory_mb
from gsseg.objects.select import pick
from gsseg.render import blend_weights
from gsseg.render.projection import project
from gsseg.threads import one_torch_thread, thread_count
from gsseg.version import __version__

SIZES = (100_000, 1_000_000)
REPEATS = {100_000: 9, 1_000_000: 5}

RATIOS = {
    "pixel step: rasterizer / W": ("rasterizer pixel step", "pixel step"),
    "mask step: rasterizer / pooled W": ("rasterizer mask step", "pooled step"),
    "pixel step / pooled step": ("pixel step", "pooled step"),
    "pixel step: rasterizer without projection / W": ("rasterizer pixel step, projected", "pixel step"),
    "mask step: rasterizer without projection / pooled W": ("rasterizer mask step, projected", "pooled step"),
}
"""Name of the ratio: slower and faster figure."""

QUANTIZERS = {
    "residual k-means": measure_residual,
    "RQ-VAE": measure_rqvae,
    "binary quantizer": measure_binary,
    "scene.gsseg": measure_compressed,
}

Part = Literal["weights", "quantizers"]


def run_bench(
    quick: bool = False,
    parts: Sequence[Part] = ("weights", "quantizers"),
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict:
    """Measures on the built-in room at 100 thousand and (unless ``quick``) a million Gaussians, 640 x 480 pixels, and
    the quantizers on as many vectors.

    Returns a dict for json: ``machine``; ``sizes`` and ``quantizers``, each with ``counts``, ``seconds`` ({"min",
    "median"} of each figure), ``ratios`` and, of quantizers, ``quality``; ``peak_memory_mb`` of the process.
    ``progress`` is told what is measured, rounds done and rounds.
    """
    sizes = () if "weights" not in parts else SIZES[:1] if quick else SIZES
    with one_torch_thread():  # as in training
        measured = {str(size): measure(bench_scene(size), REPEATS[size], progress) for size in sizes}
    quantizers = QUANTIZERS if "quantizers" in parts else {}
    return {
        "machine": {
            "cores": thread_count(),
            "processor": platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "gsseg": __version__,
        },
        "sizes": measured,
        "quantizers": {name: each(quick, progress) for name, each in quantizers.items()},
        "peak_memory_mb": peak_memory_mb(),
    }


def measure(scene: BenchScene, repeats: int, progress: Callable[[str, int, int], None]) -> dict:
    """Counts, seconds and ratios of one scene."""
    steps = prepare(scene)
    projected = project(scene.gaussians, scene.camera)
    origin, direction = scene.camera.ray(320.0, 240.0)
    figures: dict[str, Callable[[], object]] = {
        "W of a view": lambda: blend_weights(scene.gaussians, scene.camera),
        "packing W": lambda: replace(steps.weights, packing=None).packed(),
        "pooling W": lambda: steps.weights.pool(steps.labels),
        "pixel step": steps.pixels_by_weights,
        "rasterizer pixel step": steps.pixels_by_rasterizer,
        "rasterizer pixel step, projected": lambda: steps.pixels_by_rasterizer(projected),
        "pooled step": steps.masks_by_pooled,
        "rasterizer mask step": steps.masks_by_rasterizer,
        "rasterizer mask step, projected": lambda: steps.masks_by_rasterizer(projected),
        "pick": lambda: pick(scene.gaussians, origin, direction),
    }
    times: dict[str, list[float]] = {name: [] for name in figures}
    for run in figures.values():
        run()  # compiles, and fills the caches
    for done in range(repeats):
        progress(f"{len(scene.gaussians)} Gaussians", done, repeats)
        for name, run in figures.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    progress(f"{len(scene.gaussians)} Gaussians", repeats, repeats)
    least = {name: min(values) for name, values in times.items()}
    return {
        "counts": {
            "gaussians": len(scene.gaussians),
            "visible": len(projected.rows),
            "pixels": steps.weights.rows,
            "masks": len(steps.pooled.mass),
            "entries_per_pixel": round(len(steps.weights.indices) / steps.weights.rows, 1),
            "pooled_entries": len(steps.pooled.forward[1]),
        },
        "seconds": {name: {"min": least[name], "median": float(np.median(times[name]))} for name in figures},
        "ratios": {name: least[slow] / least[fast] for name, (slow, fast) in RATIOS.items()},
    }


def prepare(scene: BenchScene) -> Steps:
    """The scene's view with W, its masks and random features."""
    weights = blend_weights(scene.gaussians, scene.camera)
    labels = surface_labels(scene, weights) - 1
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(len(scene.gaussians), DIM, generator=generator), dim=1)
    target = torch.randn(weights.rows, DIM, generator=generator)
    return Steps(scene, weights.packed(), Pooled.of(weights.pool(labels)), labels, target, features)
