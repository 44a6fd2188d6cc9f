"""What preparing a scan costs: a made scan of 2,000 frames of ScanNet's size and a mesh of some 81 thousand vertices.

    python scripts/21_prepare.py FOLDER [FRAMES]

Writes about 1.5 GB into FOLDER/raw (again only where it is not there) and prints, for each way to prepare it, frames a
second of wall clock, processor seconds and peak memory. Twenty different photos and depths take turns.
"""

import io
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

NAME = "scene0000_00"
WIDTH, HEIGHT, VERTICES = 1296, 968, 81_000
DIFFERENT = 20
WAYS = ([], ["--depth"], ["--downscale", "2"], ["--frames", "200"])


def main() -> None:
    """Makes the scan and prepares it in each of the ways."""
    folder, frames = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    raw = folder / "raw" / NAME
    if not raw.is_dir():
        # A process passes its peak memory on to those it starts: what makes the scan must not be their parent.
        making = multiprocessing.get_context("spawn").Process(target=make_scan, args=(raw, frames))
        making.start()
        making.join()
        if making.exitcode:
            raise SystemExit("the scan could not be made")
    size = sum(file.stat().st_size for file in raw.iterdir()) / 1e6
    print(f"{frames} frames, {size:.0f} MB\n{'':16}{'frames/s':>10}{'processor s':>13}{'peak MB':>9}")
    for way in WAYS:
        shutil.rmtree(folder / "out", ignore_errors=True)
        words = [sys.executable, "-m", "gsseg", "prepare", "scannet", str(raw), str(folder / "out"), "--every", "1"]
        started = time.perf_counter()
        process = subprocess.Popen([*words, *way, "--quiet"])
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            raise RuntimeError(f"{way}: status {status}")
        processor, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        print(f"{' '.join(way) or 'copied':16}{frames / seconds:10.0f}{processor:13.1f}{peak:9.0f}")


def make_scan(raw: Path, frames: int) -> None:
    """A scan of a made flat at ScanNet's sizes; its mesh and its poses, less its photos."""
    from gsseg.sample import preset
    from gsseg.sample.cast import look
    from gsseg.sample.raw_scan import DEPTH_SIZE, write_mesh_files
    from gsseg.sample.scanned_mesh import scanned_mesh
    from gsseg.sample.scannet_files import SensHeader, sens_frame
    from gsseg.sample.shading import measure_gloom
    from gsseg.sample.world import make_world
    from gsseg.sample.write import furnished

    config = replace(preset("scan")[0], views=frames, test_views=0, width=WIDTH, height=HEIGHT)
    home, cameras = furnished(config)
    world, (width, height) = make_world(home), DEPTH_SIZE
    seen = [look(world, camera.resized(width // 2, height // 2)) for camera in cameras[:: max(1, frames // 80)]]
    mesh = scanned_mesh(world, measure_gloom(world, np.random.default_rng(0)), seen, VERTICES)
    photos = [photo(seed) for seed in range(DIFFERENT)]
    rng = np.random.default_rng(0)
    slope = np.add.outer(np.arange(height), np.arange(width)) + 1000
    depths = [zlib.compress((slope + rng.integers(0, 20, slope.shape)).astype("<u2").tobytes()) for _ in photos]
    raw.mkdir(parents=True)
    write_mesh_files(raw, mesh, [item.name for item in home.items])
    with (raw / f"{raw.name}.sens").open("wb") as stream:
        stream.write(SensHeader(cameras[0], width, height, frames).pack())
        for frame, camera in enumerate(cameras):
            k = frame % DIFFERENT
            stream.write(sens_frame(np.linalg.inv(camera.T_camera_world), photos[k], depths[k]))
    print(f"{len(mesh.vertices)} vertices")


def photo(seed: int) -> bytes:
    """Smooth colours with some noise: as many bytes as a photo of a room."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (121, 162, 3), np.uint8))
    noisy = np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) + rng.integers(
        -6, 6, (HEIGHT, WIDTH, 3)
    )
    content = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(content, "JPEG", quality=88)
    return content.getvalue()


if __name__ == "__main__":
    main()
