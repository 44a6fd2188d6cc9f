"""What preparing a scan costs: a made scan of 2,000 frames of ScanNet's size and a mesh of 81 thousand vertices.

    python scripts/21_prepare.py FOLDER [FRAMES]

Writes about 1.5 GB into FOLDER/raw (again only where it is not there) and prints, for each way to prepare it, frames a
second of wall clock, processor seconds and peak memory. Twenty different photos and depths take turns.
"""

import io
import os
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # the writer of raw scans is that of the tests
from tests.prepare import raw_scan

DIFFERENT = 20
WAYS = ([], ["--depth"], ["--downscale", "2"], ["--frames", "200"])


def main() -> None:
    """Makes the scan and prepares it in each of the ways."""
    folder, frames = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    raw = folder / "raw" / "scene0000_00"
    if not raw.is_dir():
        make_scan(raw, frames)
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
    """A scan of the tests' room at ScanNet's sizes."""
    raw_scan.WIDTH, raw_scan.HEIGHT, raw_scan.FOCAL = 1296, 968, 1170.0
    raw_scan.DEPTH_WIDTH, raw_scan.DEPTH_HEIGHT = 640, 480
    made = raw_scan.write_scan(raw, frames=1, side=66, lost=())
    photos = [photo(seed) for seed in range(DIFFERENT)]
    rng = np.random.default_rng(0)
    slope = np.add.outer(np.arange(480), np.arange(640)) + 1000
    depths = [zlib.compress((slope + rng.integers(0, 20, (480, 640))).astype("<u2").tobytes()) for _ in photos]
    with made.sens.open("wb") as stream:
        stream.write(raw_scan.sens_header(frames))
        for frame, pose in enumerate(raw_scan.orbit(frames)):
            k = frame % DIFFERENT
            stream.write(raw_scan.sens_frame(pose, photos[k], depths[k]))
    print(f"{len(made.points)} vertices")


def photo(seed: int) -> bytes:
    """Smooth colours with some noise: as many bytes as a photo of a room."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (121, 162, 3), np.uint8))
    noisy = np.asarray(small.resize((1296, 968), Image.Resampling.BICUBIC)) + rng.integers(-6, 6, (968, 1296, 3))
    content = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(content, "JPEG", quality=88)
    return content.getvalue()


if __name__ == "__main__":
    main()
