"""A scan through the whole chain: raw files, prepare, splats, train, score; what each costs, and what comes out.

    python scripts/26_scan_chain.py FOLDER [SEED] [OPTION OF gsseg splats ...]

Makes a scan into FOLDER/made where it is not there (80 frames of 648 x 484, a mesh of some 80 thousand vertices, masks
that fail as Segment Anything's do) and runs each stage as a process of its own. Prints seconds of wall clock and of
processor, and peak memory, of each with its start-up, and the score; then train and score again with true masks.
"""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

FRAMES, WIDTH, HEIGHT, VERTICES = 80, 648, 484, 80_000
SHOWN = ("frames", "vertices", "psnr", "object_iou", "objects", "instances", "ap", "ap50", "ap25", "best_match_iou")


def main(folder: Path, seed: int, splat_options: list[str]) -> None:
    """Makes the scan, and takes it from the raw files to a score."""
    made, scene, run = (folder / name for name in ("made", "scene", "run"))
    if not made.is_dir():
        # A process passes its peak memory on to those it starts: what makes the scan must not be their parent.
        making = multiprocessing.get_context("spawn").Process(target=make_scan, args=(made, seed))
        making.start()
        making.join()
        if making.exitcode:
            raise SystemExit("the scan could not be made")
    (raw,) = (made / "raw").iterdir()
    gt = ["--gt", str(scene / "gt"), "--protocol", "scannet-instance"]
    chain = {
        "prepare": ["scannet", str(raw), str(scene), "--every", "1"],
        "splats": ["-s", str(scene), "--freeze-points", *splat_options],
        "train": ["-s", str(scene), "-m", str(run), "--masks", str(made / "masks")],
        "eval": ["-m", str(run), *gt],
    }
    true = folder / "true_run"
    control = {
        "train": ["-s", str(scene), "-m", str(true), "--masks", str(made / "true_masks")],
        "eval": ["-m", str(true), *gt],
    }
    for earlier in (scene, run, true):
        shutil.rmtree(earlier, ignore_errors=True)
    table(chain)
    print("\nThe same splats with masks without faults")
    table(control)


def make_scan(made: Path, seed: int) -> None:
    """Raw files, masks and true masks."""
    from gsseg.sample import ScanNoise, preset
    from gsseg.sample.raw_scan import write_raw_scan

    config, noise = preset("scan", seed)
    assert isinstance(noise, ScanNoise)
    config = replace(config, views=FRAMES, test_views=0, width=WIDTH, height=HEIGHT)
    write_raw_scan(made, config, noise, VERTICES)


def table(stages: dict[str, list[str]]) -> None:
    """Runs stages one after the other; prints what each costs and what it says."""
    print(f"{'':10}{'wall s':>8}{'processor s':>13}{'peak MB':>9}", flush=True)
    costs, said = [], {}
    for stage, words in stages.items():
        *cost, said[stage] = measured([stage, *words, "--quiet", "--json"])
        costs.append(cost)
        print(f"{stage:10}{cost[0]:8.1f}{cost[1]:13.1f}{cost[2]:9.0f}", flush=True)
    walls, processors, peaks = zip(*costs, strict=True)
    print(f"{'together':10}{sum(walls):8.1f}{sum(processors):13.1f}{max(peaks):9.0f}")
    for stage, found in said.items():
        found = {**found.get("scores", {}), **found}
        print(stage, {key: found[key] for key in SHOWN if key in found})


def measured(words: list[str]) -> tuple[float, float, float, dict]:
    """Wall seconds, processor seconds, peak memory in MB of one command, and what it says."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "gsseg", *words], stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            raise SystemExit(f"{' '.join(words)}: status {process.returncode}")
        out.seek(0)
        found = json.loads(out.read().decode().splitlines()[-1])
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, found


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, sys.argv[3:])
