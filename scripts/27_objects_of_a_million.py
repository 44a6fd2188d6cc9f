"""The object stage on a large scene: seconds and memory of grouping, assignment and joining.

    python scripts/27_objects_of_a_million.py FOLDER [GAUSSIANS VIEWS]

Makes a flat of a million Gaussians and 200 views (or of so many) into FOLDER where it is not there, gathers the
evidence of its masks in a process of its own, and in another finds the objects. Prints seconds of each step, how far
peak memory rises above what the evidence itself takes, and the objects' score.
"""

import multiprocessing
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import gsseg
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.evaluate.metrics import object_iou
from gsseg.features.evidence import MaskEvidence, gather_evidence
from gsseg.objects.build import ObjectConfig, find_objects, nearest
from gsseg.render.cache import SampledWeights
from gsseg.sample import holds_room, preset, write_room
from gsseg.scene.sh import base_colors
from gsseg.threads import one_torch_thread


def gather(folder: Path, gaussians: int, views: int) -> None:
    """Makes the scene, and writes the evidence and what the object stage needs beside it."""
    config, noise = preset("flat", 4)
    config = replace(config, gaussians=gaussians, views=views)
    if not holds_room(folder / "scene", config, noise):
        write_room(folder / "scene", config, noise)
    training = gsseg.TrainConfig(seed=0)
    with one_torch_thread():
        scene = gsseg.load_scene(folder / "scene")
        weights = SampledWeights(
            scene.gaussians, scene.views, None, training.pixels_per_view, 0, training.memory_budget_mb << 20
        )
        found = gather_evidence(scene.gaussians, weights.full_views())
    truth = read_ground_truth(folder / "scene" / "gt", len(scene.gaussians)).instances
    assert truth is not None, "made scenes have truth"
    np.savez(
        folder / "evidence.npz",
        data=found.matrix.data, indices=found.matrix.indices, indptr=found.matrix.indptr, row_view=found.row_view,
        row_label=found.row_label, central=found.central, visibility=found.visibility, eyes=found.eyes,
        means=scene.gaussians.means.numpy(), colors=base_colors(scene.gaussians).numpy(), truth=truth,
    )  # fmt: skip


def find(folder: Path) -> None:
    """Finds the objects and prints what that costs."""
    with np.load(folder / "evidence.npz") as file:
        held = {name: file[name] for name in file.files}
    shape = (len(held["row_view"]), len(held["central"]))
    matrix = sp.csr_array((held["data"], held["indices"], held["indptr"]), shape=shape)
    matrix.indices, matrix.indptr = held["indices"], held["indptr"]
    about = (held[name] for name in ("row_view", "row_label", "central", "visibility", "eyes"))
    evidence, config = MaskEvidence(matrix, *about), ObjectConfig()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    near = nearest(held["means"], config)
    searched = time.perf_counter()
    ids = find_objects(evidence, held["means"], held["colors"], near, config)
    ended = time.perf_counter()
    rise = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    score = object_iou(ids, held["truth"], held["visibility"])[0]
    print(f"{shape[1]:,} Gaussians, {evidence.views} views, {matrix.nnz:,} entries of the evidence")
    print(f"neighbours {searched - started:.1f} s, objects {ended - searched:.1f} s, {rise / 1024:,.0f} MB more")
    print(f"{ids.max() + 1} objects, object IoU {score:.3f}")


def main() -> None:
    """Both, each in a process of its own, since peak memory is a process's."""
    folder = Path(sys.argv[1])
    gaussians, views = (int(word) for word in sys.argv[2:4]) if len(sys.argv) > 3 else (1_000_000, 200)
    folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    for work, given in ((gather, (folder, gaussians, views)), (find, (folder,))):
        process = context.Process(target=work, args=given)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{work.__name__}: status {process.exitcode}")


if __name__ == "__main__":
    main()
