"""The viewer at a million Gaussians: seconds until it answers, memory, and what a click costs.

    python scripts/8_viewer.py OUT RUN

Lays copies of RUN's splats in a square in OUT until there are a million, with the objects of each copy as objects of
their own, compresses that, starts ``gsseg view OUT/scene.gsseg`` and waits for its page.
"""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
from gsseg_viewer import colors
from gsseg_viewer.document import Document
from gsseg_viewer.selection import PieceSelection, click
from gsseg_viewer.splats import SplatNodes

import gsseg
from gsseg.compressed import compress, write_scene
from gsseg.io.ply import write_splats
from gsseg.segmentation import NO_CODE, Segmentation
from gsseg.segmentation.codes_on_disk import NO_CODE_ON_DISK
from gsseg.segmentation.describe import default_colors, default_name, describe_objects

GAUSSIANS = 1_000_000
CLICKS = 50


def enlarge(run: gsseg.Run, out: Path) -> None:
    """Writes OUT/splats.ply and OUT/scene.gsseg."""
    columns = run.file.columns
    copies = -(-GAUSSIANS // len(columns))
    width, depth = np.ptp(run.gaussians.means.numpy()[:, :2], axis=0) + 1.0
    side = int(np.ceil(np.sqrt(copies)))
    tiles, ids, fine = [], [], []
    codes = int(run.code_fine[run.code_fine != NO_CODE].max()) + 1
    for copy in range(copies):
        tile = np.array(columns)
        tile["x"] += copy % side * width
        tile["y"] += copy // side * depth
        tiles.append(tile)
        ids.append(np.where(run.object_ids < 0, -1, run.object_ids + copy * len(run.objects)))
        fine.append(
            np.where(run.code_fine == NO_CODE, NO_CODE, np.minimum(run.code_fine + copy * codes, NO_CODE_ON_DISK - 1))
        )
    rows = slice(0, GAUSSIANS)
    splats = np.concatenate(tiles)[rows]
    object_ids, code_fine = (np.concatenate(parts)[rows].astype(np.int32) for parts in (ids, fine))
    _, object_ids = np.unique(object_ids, return_inverse=True)
    object_ids = (object_ids - 1).astype(np.int32)
    objects = int(object_ids.max()) + 1
    names = [name for name in splats.dtype.names or () if not name.startswith(("ins_feat", "code_", "object_id"))]
    write_splats(out / "splats.ply", splats[names])
    means = np.stack([splats[axis] for axis in "xyz"], 1).astype(np.float32)
    table = describe_objects(
        object_ids, code_fine, means, [default_name(k) for k in range(objects)], default_colors(objects),
        [1] * objects, [0.9] * objects,
    )  # fmt: skip
    discrete, learnt = (
        np.concatenate([features.numpy()] * copies)[rows] for features in (run.features, run.learnt_features)
    )
    coarse = np.where(code_fine == NO_CODE, NO_CODE, code_fine // 10).astype(np.int32)
    segmentation = Segmentation(
        object_ids=object_ids, code_coarse=coarse, code_fine=code_fine, discrete=discrete, learnt=learnt, objects=table
    )
    write_scene(out / "scene.gsseg", compress(segmentation, "splats.ply", means))


def answered(out: Path) -> tuple[float, float]:
    """Seconds from the start of the process until its page is there, and its peak memory in MB."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "gsseg", "view", "-m", str(out / "scene.gsseg"), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = next(json.loads(line)["url"] for line in process.stdout if line.startswith("{"))
        urllib.request.urlopen(url, timeout=30).read()
        seconds = time.perf_counter() - started
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.terminate()
    return seconds, int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Prints the figures."""
    out = Path(sys.argv[1])
    if not (out / "scene.gsseg").exists():
        enlarge(gsseg.Run.open(sys.argv[2]), out)
    seconds, memory = answered(out)
    print(f"ready after {seconds:.1f} s, {memory:.0f} MB at most", flush=True)
    document = Document.open(out / "scene.gsseg")
    nodes = SplatNodes.of(document)
    means = document.gaussians.means.numpy()
    rng = np.random.default_rng(0)
    eye = np.quantile(means, 0.5, axis=0)
    document.pick(eye, np.ones(3))  # the first one reads compiled code from disk
    picks, paints = [], []
    state, table = document.state, document.table_of(document.state)
    for row in rng.integers(0, len(means), CLICKS):
        started = time.perf_counter()
        hit = document.pick(eye, means[row] - eye)
        picks.append(time.perf_counter() - started)
        chosen = click(PieceSelection(), state, table, None if hit is None else hit.piece, "set")
        started = time.perf_counter()
        colors.colors(document, document.state, "photo", chosen)
        paints.append(time.perf_counter() - started)
    print(f"{len(document.gaussians)} Gaussians, {len(document.state.objects)} objects, {len(nodes.scales)} nodes")
    for name, times in (("pick", picks), ("paint", paints)):
        print(f"{name}: median {1e3 * np.median(times):.1f} ms, most {1e3 * max(times):.1f} ms")


if __name__ == "__main__":
    main()
