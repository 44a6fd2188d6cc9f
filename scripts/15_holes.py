"""Holes of objects, before and after `gsseg.objects.holes.fill_holes`.

    python scripts/15_holes.py CACHE SCENE ... [--seeds 0]

Scenes and CACHE as for scripts/13_grouping.py. For every scene, without and with filling and as means over training
seeds: the share of all objects' silhouettes that is mostly drawn by Gaussians of no object, the share that objects
exported alone leave open, the share of their light that Gaussians of no object draw, the share of the light outside all
masks that objects draw (what they have swallowed), the score (as in scripts/13_grouping.py), and the median diagonal of
the boxes around all centres of an object.
"""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated
from unittest.mock import patch

import numpy as np
import tyro

import gsseg
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.evaluate.holes import find_holes
from gsseg.objects import build
from gsseg.scene.sh import base_colors
from gsseg.threads import one_torch_thread


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    cache: Annotated[Path, tyro.conf.Positional]
    """Folder for made scenes and finished stages."""
    scenes: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Folders, or PRESET:SEED."""
    seeds: tuple[int, ...] = (0,)
    """Training seeds."""


def measuring() -> ModuleType:
    """scripts/13_grouping.py, whose name no import statement can spell."""
    spec = importlib.util.spec_from_file_location("grouping", Path(__file__).with_name("13_grouping.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["grouping"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(name: str, arguments: Arguments) -> None:
    """Prints the two rows of a scene."""
    stages = measuring()
    folder = stages.scene_folder(name, arguments.cache)
    scene = gsseg.load_scene(folder)
    truth = read_ground_truth(folder / "gt", len(scene.gaussians))
    visibility = stages.visibility_of(scene, arguments.cache / f"{folder.name}.visibility.npy")
    means, colors = scene.gaussians.means.numpy(), base_colors(scene.gaussians).numpy()
    rows: dict[str, list[tuple[float, ...]]] = {"as assigned": [], "filled": []}
    for seed in arguments.seeds:
        learnt = stages.learn(scene, seed, arguments.cache / f"{folder.name}.{seed}")
        for title, row in rows.items():
            fill = build.fill_holes if title == "filled" else lambda evidence, objects, near, means: objects
            with patch.object(build, "fill_holes", fill):
                ids = build.build_objects(
                    learnt.evidence, learnt.codes, means, colors, learnt.field.features.numpy(), build.ObjectConfig()
                ).object_ids
            holes = find_holes(scene, ids)
            boxes = [np.linalg.norm(np.ptp(means[ids == k], axis=0)) for k in range(int(ids.max()) + 1)]
            row.append(
                (*holes.shares, holes.outside, stages.score(scene, ids, truth, visibility), float(np.median(boxes)))
            )
    for title, row in rows.items():
        unclaimed, left_open, light, outside, score, box = np.mean(row, axis=0)
        print(
            f"| {folder.name} | {title} | {unclaimed:.2%} | {left_open:.2%} | {light:.2%} | {outside:.2%} "
            f"| {score:.4f} | {box:.3f} |",
            flush=True,
        )


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(Arguments, description=__doc__)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    print("| scene | objects | unclaimed | open | unclaimed light | outside | score | box |")
    print("|---|---|---|---|---|---|---|---|")
    with one_torch_thread():
        for name in arguments.scenes:
            measure(name, arguments)


if __name__ == "__main__":
    main()
