"""Compares the objective on masks with the published one on pixels, on one scene with ground truth.

    python scripts/2_objectives.py OUT SCENE

Prints the object IoU of the fine codes taken as objects (no grouping), and of the objects.
"""

import json
import subprocess
import sys
from pathlib import Path

import gsseg
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.evaluate.metrics import object_iou
from gsseg.evaluate.visibility import total_visibility

RUNS = {
    "default": [],
    "default, 64 x 10 codes": ["--preset", "lerf"],
    "opengaussian, 64 x 10 codes": ["--preset", "opengaussian"],
    "opengaussian, 64 x 5 codes": ["--preset", "opengaussian", "--config.codebook.fine", "5"],
}


def main() -> None:
    """Trains each variant and prints a row for it."""
    out, path = Path(sys.argv[1]), Path(sys.argv[2])
    scene = gsseg.load_scene(path)
    instances = read_ground_truth(path / "gt", len(scene.gaussians)).instances
    assert instances is not None, "the scene has no truth for each Gaussian"
    visibility = total_visibility(scene)
    print("| features, codes | codes as objects | objects | stage 1 | total |")
    print("|---|---|---|---|---|")
    for number, (name, options) in enumerate(RUNS.items()):
        folder = out / f"objective_{number}"
        command = [sys.executable, "-m", "gsseg", "train", "-s", str(path), "-m", str(folder), "--quiet", *options]
        subprocess.run(command, check=True)
        run = gsseg.Run.open(folder)
        codes, objects = (object_iou(ids, instances, visibility)[0] for ids in (run.code_fine, run.object_ids))
        seconds = json.loads((folder / "metrics.json").read_text())["seconds"]
        print(
            f"| {name} | {codes:.3f} | {objects:.3f} | {seconds['features']:.0f} s | {seconds['total']:.0f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
