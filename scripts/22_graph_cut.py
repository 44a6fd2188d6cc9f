"""What clicks are worth with and without snapping: IoU of objects after one, two and three rounds of simulated clicks.

    python scripts/22_graph_cut.py RUN ... [--rounds 3] [--config.trust 1.0]

RUN was trained on a scene with ground truth of Gaussians, as scripts/13_grouping.py makes them. A round is one click on
what is wrong: drawn from a few views, the largest connected patch of pixels that the selection has too much or too
little is clicked at its middle, as the protocols of interactive segmentation do. Without snapping, the click adds or
takes away the piece that it meets, which is what a click on a fine code does; with it, the border snaps
(`gsseg.objects.snap`). IoU is by light. Objects looked at are those that lie best on an instance, with an IoU from
--low to --high, and have a mistake that is seen.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import torch
import tyro
from numpy import ndarray
from scipy import ndimage

import gsseg
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.export.pictures import choose_views, fitted
from gsseg.objects.select import pick
from gsseg.objects.snap import Known, SnapConfig, snap
from gsseg.render import BlendWeights, blend_weights
from gsseg.run.layout import RunLayout
from gsseg.run.settings import read_settings
from gsseg.run.stages import kept_evidence
from gsseg.scene import Camera
from gsseg.scene.sh import base_colors
from gsseg.segmentation import Pieces


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """RUN folders."""
    rounds: int = 3
    """Clicks on each object."""
    views: int = 10
    """Views that mistakes are looked for in, evenly out of all."""
    side: int = 320
    """Pixels of their longer side."""
    low: float = 0.3
    """IoU from which on an object is looked at; below it is another thing, which no click repairs."""
    high: float = 0.95
    """IoU up to which there is something to repair."""
    most: int = 40
    """Objects of a run."""
    config: SnapConfig = field(default_factory=SnapConfig)
    """How borders snap."""


@dataclass(frozen=True, eq=False)
class Looked:
    """A view that mistakes are seen in."""

    camera: Camera
    weights: BlendWeights

    def share(self, mask: ndarray) -> ndarray:
        """(height, width) the share of each pixel's light that a set of Gaussians has."""
        shown = self.weights.render(torch.from_numpy(mask.astype(np.float32))[:, None])
        return shown.numpy().reshape(self.camera.height, self.camera.width)

    def ray(self, row: int, column: int) -> tuple[ndarray, ndarray]:
        """Origin and direction of the ray through a pixel's middle."""
        camera = self.camera
        across = [(column + 0.5 - camera.cx) / camera.fx, (row + 0.5 - camera.cy) / camera.fy, 1.0]
        return camera.position, np.array(across) @ camera.T_camera_world[:3, :3]


def iou(one: ndarray, other: ndarray, light: ndarray) -> float:
    """Intersection over union by light."""
    return float(light[one & other].sum() / light[one | other].sum())


def learnt(run: gsseg.Run) -> Known:
    """What the viewer tells of a run's Gaussians."""
    sure = None if run.confidence is None else run.confidence.gaussians
    features, colors = run.learnt_features.numpy(), base_colors(run.gaussians).numpy()
    return Known(run.gaussians.means.numpy(), features, colors, sure, kept_evidence(RunLayout(run.path)))


def click(looked: list[Looked], mask: ndarray, truth: ndarray) -> tuple[Looked, int, int, bool] | None:
    """The middle of the largest patch of mistakes in any view, and whether it is missing there."""
    best, found = 2.0, None
    for view in looked:
        have, want = view.share(mask) > 0.5, view.share(truth) > 0.5
        for missing, wrong in ((True, want & ~have), (False, have & ~want)):
            depth = np.asarray(ndimage.distance_transform_edt(np.pad(wrong, 1)))[1:-1, 1:-1]
            patches = cast(tuple[ndarray, int], ndimage.label(wrong))[0]
            sizes = np.bincount(patches.ravel())
            sizes[0] = 0
            patch = int(sizes.argmax())
            inside = np.where(patches == patch, depth, 0)
            if sizes[patch] > best and inside.max() > 1.5:  # pixels: a fringe of one is no mistake that anybody sees
                row, column = np.unravel_index(int(inside.argmax()), inside.shape)
                best, found = sizes[patch], (view, int(row), int(column), missing)
    return found


def measured(path: Path, arguments: Arguments) -> tuple[list[list[float]], list[float]]:
    """For each object IoU before and after each click, first without and then with snapping; and seconds of a snap."""
    run = gsseg.Run.open(path)
    scene = gsseg.load_scene(read_settings(RunLayout(path).settings).scene)
    truth = read_ground_truth(scene.path / "gt", len(run.gaussians)).instances
    assert truth is not None, f"{scene.path} has no truth of Gaussians"
    shown = choose_views(scene.views, arguments.views)
    cameras = [fitted(scene.views[each].camera, arguments.side) for each in shown]
    looked = [Looked(camera, blend_weights(run.gaussians, camera)) for camera in cameras]
    light = np.sum([view.weights.visibility.numpy() for view in looked], axis=0)
    pieces, known = Pieces.of(run.columns).of_gaussian, learnt(run)
    rows, seconds = [], []
    for instance in np.unique(truth[truth >= 0]).tolist():
        wanted = truth == instance
        masses = np.bincount(run.object_ids[wanted] + 1, light[wanted])
        masses[0] = 0
        start = run.object_ids == int(masses.argmax()) - 1
        if not masses.any() or not arguments.low <= iou(start, wanted, light) <= arguments.high:
            continue
        if click(looked, start, wanted) is None:
            continue
        before = iou(start, wanted, light)
        plain, snapped, keep, drop = start.copy(), start.copy(), [], []
        line = [before]
        for _ in range(arguments.rounds):
            found = click(looked, plain, wanted)
            if found is not None:
                there = pieces == pieces[hit(run, found)[0]]
                plain = plain | there if found[3] else plain & ~there
            line.append(iou(plain, wanted, light))
        for _ in range(arguments.rounds):
            found = click(looked, snapped, wanted)
            if found is not None:
                (keep if found[3] else drop).extend(hit(run, found).tolist())
                began = time.perf_counter()
                said = [np.unique(np.array(each, np.int64)) for each in (keep, drop)]
                snapped = snap(snapped, said[0], said[1], known, arguments.config)
                seconds.append(time.perf_counter() - began)
            line.append(iou(snapped, wanted, light))
        rows.append(line)
        if len(rows) == arguments.most:
            break
    return rows, seconds


def hit(run: gsseg.Run, found: tuple[Looked, int, int, bool]) -> ndarray:
    """The Gaussians that a click means: those that stop most of its ray's light, the foremost share of it."""
    view, row, column, _ = found
    hits = pick(run.gaussians, *view.ray(row, column))
    order = np.argsort(-hits.weights)
    return hits.rows[order[: max(1, int((hits.weights[order] > 0.1).sum()))]].astype(np.int64)


def main(arguments: Arguments) -> None:
    """Prints a line for each run and one for all."""
    clicks = " ".join(f"+{each}" for each in range(1, arguments.rounds + 1))
    print(f"{'run':14} objects  before | pieces {clicks} | snapped {clicks} | seconds of a snap, median and most")
    everything, durations = [], []
    for path in arguments.runs:
        rows, seconds = measured(path, arguments)
        report(path.name, rows, seconds, arguments.rounds)
        everything += rows
        durations += seconds
    report("all", everything, durations, arguments.rounds)


def report(name: str, rows: list[list[float]], seconds: list[float], rounds: int) -> None:
    """One line: means over objects."""
    if not rows:
        print(f"{name:14} nothing to repair")
        return
    means = [f"{value:.3f}" for value in np.mean(rows, axis=0)]
    plain, snapped = " ".join(means[1 : 1 + rounds]), " ".join(means[1 + rounds :])
    took = f"{np.median(seconds):.2f} {max(seconds):.2f}" if seconds else "-"
    print(f"{name:14} {len(rows):7}  {means[0]} | {plain} | {snapped} | {took}", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
