"""Peak memory of learning splats at a size: python scripts/25_learning_memory.py [GAUSSIANS] [PHOTOS] [STEPS]

Without numbers a million Gaussians, 100 photos of a megapixel and 12 steps, which go through all sizes of photos and
look four times at where Gaussians are missing; then the PLY, a checkpoint and the score of eight photos.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from gsseg.bench.scene import bench_scene
from gsseg.io.ply import write_splats
from gsseg.io.splat_format import inria_columns
from gsseg.memory import peak_memory_mb
from gsseg.scene import View
from gsseg.splats import SplatConfig, SplatTrainer
from gsseg.splats.checkpoint import save_checkpoint
from gsseg.splats.initial import Points
from gsseg.splats.score import score_views

SIZE = (1220, 820)


def main(gaussians: int, photos: int, steps: int, folder: Path) -> None:
    scene, rng = bench_scene(gaussians), np.random.default_rng(0)
    views = []
    for number in range(photos):
        path = folder / f"{number}.jpg"
        Image.fromarray(rng.integers(0, 255, (82, 122, 3), np.uint8)).resize(SIZE).save(path)
        camera = scene.cameras[number % len(scene.cameras)].resized(1220, 915)
        pose = camera.T_camera_world.copy()
        pose[:3, 3] += rng.normal(0.0, 0.05, 3)
        views.append(View(str(number), replace(camera, height=SIZE[1], cy=410.0, T_camera_world=pose), photo=path))
    points = Points(scene.gaussians.means.numpy().astype(np.float64), rng.random((gaussians, 3)).astype(np.float32))
    config = SplatConfig(
        iterations=steps, max_gaussians=gaussians, refine_every=max(1, steps // 6),
        quarter_until=0.1, half_until=0.2, harmonics_from=0.3,
    )  # fmt: skip
    trainer = SplatTrainer(config, views, points)
    for index in range(photos):  # fills the cache
        trainer.photos.read(index, 1)
    print(f"begun: {peak_memory_mb():.0f} MB")
    trainer.run(lambda at: print(f"step {at.steps}: {peak_memory_mb():.0f} MB, {at.seconds:.0f} s", flush=True))
    write_splats(folder / "splats.ply", inria_columns(trainer.gaussians))
    save_checkpoint(folder / "checkpoint.safetensors", trainer, "")
    score_views(trainer.gaussians, views[:8])
    print(f"done: {peak_memory_mb():.0f} MB")


if __name__ == "__main__":
    sizes = [int(each) for each in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as temporary:
        gaussians, photos, steps = sizes + [1_000_000, 100, 12][len(sizes) :]
        main(gaussians, photos, steps, Path(temporary))
