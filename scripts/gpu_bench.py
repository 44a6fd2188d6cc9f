"""What the checks of `gpu_checks.py` stand on: where the work is done, scenes and cameras, and how W is compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from gsseg.bench.scene import ROOM, BenchScene, bench_scene
from gsseg.bench.timing import seconds_of
from gsseg.render import BlendWeights
from gsseg.render.products_on_device import rows_of
from gsseg.render.renderers import weight_strips
from gsseg.scene import Camera, Gaussians, RenderConfig, View


class Failed(Exception):
    """What was measured is not what it has to be."""


@dataclass(frozen=True)
class Bench:
    """Where and how large."""

    on: torch.device
    small: bool
    so_far: Callable[[dict], None] = lambda measured: None
    """Told what was measured before a long step that may not end in time."""

    def size(self, large: int, small: int) -> int:
        """One number for a GPU and one for trying the checks."""
        return small if self.small else large

    def seconds(self, work: Callable[[], object], repeats: int = 3) -> float:
        """Of one call, the least of some: by events on a GPU."""
        work()
        return min(seconds_of(work, self.on) for _ in range(1 if self.small else repeats))

    def peak(self) -> int:
        """Most bytes that tensors took on the GPU since `fresh`."""
        return torch.cuda.max_memory_allocated() if self.on.type == "cuda" else 0

    def fresh(self) -> None:
        """Counts memory anew."""
        if self.on.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def demand(holds: bool, what: str) -> None:
    """Raises `Failed` where it does not hold."""
    if not holds:
        raise Failed(what)


def ring(count: int, width: int, height: int) -> list[Camera]:
    """Cameras along the walls of the benchmark's room, each looking across it."""
    made = []
    for angle in np.linspace(0.0, 2.0 * np.pi, count, endpoint=False):
        around = np.array([np.cos(angle), np.sin(angle)])
        position = np.array([ROOM[0] / 2 + 2.3 * around[0], ROOM[1] / 2 + 1.9 * around[1], 1.5])
        forward = np.array([ROOM[0] / 2 - 0.9 * around[1], ROOM[1] / 2 + 0.9 * around[0], 0.9]) - position
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
        pose[:3, 3] = -pose[:3, :3] @ position
        made.append(Camera(width, height, 0.66 * width, 0.66 * width, width / 2, height / 2, pose))
    return made


def views_of(scene: BenchScene, cameras: list[Camera], there: Gaussians) -> list[View]:
    """Views with a mask a surface: each pixel belongs to the surface of the Gaussian that weighs most in it."""
    surfaces, views = scene.surfaces.to(there.means.device), []
    for number, camera in enumerate(cameras):
        best = np.full(camera.width * camera.height, -1)
        for strip in weight_strips(there, camera):
            assert strip.pixels is not None
            row = rows_of(strip.indptr, len(strip.indices))
            most = strip.values.new_zeros(strip.rows).scatter_reduce(0, row, strip.values, "amax")
            heaviest = strip.values == most[row]
            pixels = strip.pixels[row[heaviest]].cpu().numpy()
            best[pixels] = surfaces[strip.indices[heaviest]].cpu().numpy()
        labels = np.unique(best, return_inverse=True)[1].reshape(camera.height, camera.width) + 1
        views.append(View(f"view {number}", camera, labels.astype(np.uint16)))
    return views


def kinds(count: int) -> Iterator[tuple[str, Gaussians, Camera]]:
    """Scenes that are hard in different ways."""
    base, camera = bench_scene(count).gaussians, ring(3, 331, 217)[1]
    yield "plain", base, camera
    stretched = base.log_scales.clone()
    stretched[:, 0] += float(np.log(30.0))
    yield "needles", replace(base, log_scales=stretched), camera
    yield "tiny", replace(base, log_scales=base.log_scales - 2.5), camera
    tiny = replace(base, log_scales=base.log_scales - 1.5)
    yield "antialiased", replace(tiny, render=RenderConfig(antialiased=True)), camera
    flat = base.means.clone()
    flat[:, 0] = 3.0 + 1e-7 * flat[:, 0]
    yield "near-equal depths", replace(base, means=flat), camera
    pose, shift = camera.T_camera_world.copy(), np.array([4000.0, -3000.0, 1000.0])
    pose[:3, 3] -= pose[:3, :3] @ shift
    away = replace(base, means=base.means + torch.from_numpy(shift.astype(np.float32)))
    yield "far from the origin", away, replace(camera, T_camera_world=pose)
    broken = base.means.clone()
    broken[::7] = float("nan")
    yield "rows that cannot be drawn", replace(base, means=broken, drawable=~torch.isnan(broken[:, 0])), camera
    yield "one row of pixels", base, ring(3, 17, 1)[1]
    yield "no Gaussian", base.subset(torch.zeros(0, dtype=torch.int64)), camera


def compared(found: BlendWeights, expected: BlendWeights) -> dict[str, float]:
    """How far W is from the processor's: shares of pixels."""
    counts, others = (each.indptr[1:] - each.indptr[:-1] for each in (found, expected))
    rows = torch.nonzero(counts == others)[:, 0]
    a, b = found.sampled(rows), expected.sampled(rows)
    pixel = torch.repeat_interleave(torch.arange(len(rows)), a.indptr[1:] - a.indptr[:-1])
    other, difference = torch.zeros(len(rows), dtype=torch.bool), torch.zeros(len(rows))
    other[pixel[a.indices != b.indices]] = True
    difference.index_reduce_(0, pixel, (a.values - b.values).abs() * (a.indices == b.indices), "amax")
    return {
        "entries": len(expected.values),
        "pixels of another number of Gaussians": float((counts != others).float().mean()),
        "pixels of another order": float(other.float().mean()),
        "pixels beyond 1e-4": float((difference > 1e-4).float().mean()),
        "largest difference": float(difference.max()) if len(rows) else 0.0,
    }
