"""Fits the confidences of `gsseg.objects.confidence` on scenes with truth and shows how true they are on others.

    python scripts/16_calibration.py CACHE --test SCENE ... [--fit SCENE ...] [--plot docs/calibration.svg]

Scenes and CACHE as for scripts/13_grouping.py. With --fit it prints the constants that these scenes give and tests
them, else those of the code: for the scenes of --test the share that came true among those told with a probability
within each tenth, and the expected calibration error: the mean difference of both, weighted by how many there are.
"""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np
import tyro
from numpy import ndarray
from scipy.optimize import minimize

import gsseg
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.objects import confidence
from gsseg.objects.build import ObjectConfig, find_objects, largest_first, nearest
from gsseg.objects.pair_facts import RIM_NEIGHBOURS
from gsseg.scene.sh import base_colors
from gsseg.threads import one_torch_thread

KINDS = ("border", "gaussian", "object")
"""What is told a probability of."""

MOST_GAUSSIANS = 20_000
"""Of one run that the fit looks at, drawn at random: a scene must not count by its size."""

RIDGE = 0.05
"""Price of a squared coefficient: some hundred objects do not pin down what nearly always comes true."""


@dataclass(frozen=True)
class Arguments:
    """What to fit on and what to test on."""

    cache: Annotated[Path, tyro.conf.Positional]
    """Folder for made scenes and finished stages."""
    test: tuple[str, ...]
    """Scenes that the coefficients are tested on."""
    fit: tuple[str, ...] = ()
    """Scenes that they are fitted to; without it those of the code are tested."""
    plot: Path | None = None
    """An SVG to draw."""


@dataclass(frozen=True, eq=False)
class Told:
    """One kind of a run: what is known of each item, and whether it is true."""

    traits: ndarray
    """(items, traits)."""
    true: ndarray
    """(items,) bool."""


def measuring() -> ModuleType:
    """scripts/13_grouping.py, whose name no import statement can spell."""
    spec = importlib.util.spec_from_file_location("grouping", Path(__file__).with_name("13_grouping.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["grouping"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, eq=False)
class Result:
    """Objects of a run beside the truth."""

    evidence: gsseg.features.MaskEvidence
    ids: ndarray
    near: ndarray
    means: ndarray
    instances: ndarray

    @property
    def count(self) -> int:
        """Number of objects."""
        return int(self.ids.max()) + 1

    def shared(self) -> ndarray:
        """(objects, instances) light that both have."""
        light = np.zeros((self.count, self.instances.max() + 1))
        known = (self.ids >= 0) & (self.instances >= 0)
        np.add.at(light, (self.ids[known], self.instances[known]), self.evidence.visibility[known])
        return light


def results(names: tuple[str, ...], arguments: Arguments) -> list[Result]:
    """Objects of some scenes. They are not learnt, so one seed is all."""
    stages, found = measuring(), []
    for name in names:
        folder = stages.scene_folder(name, arguments.cache)
        scene = gsseg.load_scene(folder)
        means, colors = scene.gaussians.means.numpy(), base_colors(scene.gaussians).numpy()
        instances = read_ground_truth(folder / "gt", len(means)).instances
        assert instances is not None, "the scene has no truth for each Gaussian"
        near = nearest(means, ObjectConfig())
        evidence = stages.evidence_of(scene, 0, arguments.cache / f"{folder.name}.0")
        ids = largest_first(find_objects(evidence, means, colors, near, ObjectConfig()))
        found.append(Result(evidence, ids, np.ascontiguousarray(near[:, :RIM_NEIGHBOURS]), means, instances))
    return found


def borders(result: Result) -> Told:
    """Of every border, whether it is between two things."""
    first, second, _, traits = confidence.borders_of(result.evidence, result.ids, result.near, result.means)
    instance = result.shared().argmax(axis=1)
    return Told(traits, instance[first] != instance[second])


def gaussians(result: Result) -> Told:
    """Of some Gaussians that have an object, whether it is theirs."""
    of_object = result.shared().argmax(axis=1)
    rows = np.flatnonzero((result.ids >= 0) & (result.evidence.visibility > 0))
    rows = np.random.default_rng(0).permutation(rows)[:MOST_GAUSSIANS]
    traits = confidence.gaussian_traits(result.evidence, result.ids, result.near, result.count)
    return Told(traits[rows], result.instances[rows] == of_object[result.ids[rows]])


def objects(result: Result, border: ndarray, gaussian: ndarray) -> Told:
    """Of every object, whether its IoU with an instance is 1/2 or more, by the coefficients of the other two kinds."""
    shared, light = result.shared(), result.evidence.visibility
    mine = np.bincount(result.ids[result.ids >= 0], light[result.ids >= 0], result.count)
    theirs = np.bincount(result.instances[result.instances >= 0], light[result.instances >= 0], shared.shape[1])
    iou = (shared / np.maximum(mine[:, None] + theirs - shared, 1e-12)).max(axis=1)
    first, second, _, traits = confidence.borders_of(result.evidence, result.ids, result.near, result.means)
    weakest = confidence.weakest_border(first, second, confidence.sigmoid(traits @ border), result.count)
    traits = confidence.gaussian_traits(result.evidence, result.ids, result.near, result.count)
    sure = confidence.sigmoid(traits @ gaussian)
    return Told(confidence.object_traits(result.evidence, result.ids, sure, weakest, result.count), iou >= 0.5)


def joined(told: list[Told]) -> Told:
    """All items of several runs."""
    return Told(np.concatenate([each.traits for each in told]), np.concatenate([each.true for each in told]))


def fitted(told: Told) -> ndarray:
    """Coefficients of highest likelihood."""
    sign = np.where(told.true, -1.0, 1.0)

    def price(w: ndarray) -> float:
        return np.logaddexp(0.0, sign * (told.traits @ w)).sum() + RIDGE * w @ w

    return minimize(price, np.zeros(told.traits.shape[1]), method="BFGS").x


def reliability(p: ndarray, true: ndarray) -> tuple[list[tuple[float, float, int]], float]:
    """(mean told, share true, items) of every tenth that has any, and the expected calibration error."""
    tenth = np.minimum((10 * p).astype(int), 9)
    rows = [(p[tenth == k].mean(), true[tenth == k].mean(), int((tenth == k).sum())) for k in np.unique(tenth)]
    return rows, sum(abs(told - share) * number for told, share, number in rows) / len(p)


def plot(curves: dict[str, tuple[list[tuple[float, float, int]], float]]) -> str:
    """Three panels: told probability across, share that came true upwards; a disk's area is how many there are."""
    side, margin, gap = 250, 46, 44
    width = margin + len(curves) * (side + gap)
    parts = []
    for k, (name, (rows, error)) in enumerate(curves.items()):
        left, total = margin + k * (side + gap), sum(number for *_, number in rows)
        parts.append(
            f'<rect x="{left}" y="30" width="{side}" height="{side}" fill="none" stroke="#999"/>'
            f'<path d="M{left},{30 + side}L{left + side},30" stroke="#bbb" stroke-dasharray="4 4"/>'
            f'<text x="{left}" y="20" font-weight="bold">{name}</text>'
            f'<text x="{left + side}" y="20" text-anchor="end">error {error:.3f}, {total} items</text>'
        )
        points = [(left + side * told, 30 + side * (1 - share), number) for told, share, number in rows]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="#2563b0" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2.5 + 9 * (number / total) ** 0.5:.1f}" fill="#2563b0" '
            'fill-opacity="0.45"/>' for x, y, number in points
        ]  # fmt: skip
        for tick in (0.0, 0.5, 1.0):
            parts.append(f'<text x="{left + side * tick}" y="{side + 46}" text-anchor="middle">{tick:g}</text>')
    parts += [
        f'<text x="{margin - 6}" y="{34 + side * (1 - tick)}" text-anchor="end">{tick:g}</text>'
        for tick in (0.0, 0.5, 1.0)
    ]
    parts.append(f'<text x="{margin}" y="{side + 66}">across: told probability; upwards: share that came true</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{side + 76}" '
        f'viewBox="0 0 {width} {side + 76}" font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def fit_all(learnt: list[Result]) -> tuple[ndarray, ndarray, ndarray]:
    """Coefficients of the three kinds, which it prints as the code has them."""
    border = fitted(joined([borders(each) for each in learnt]))
    gaussian = fitted(joined([gaussians(each) for each in learnt]))
    of_object = fitted(joined([objects(each, border, gaussian) for each in learnt]))
    for name, found in zip(KINDS, (border, gaussian, of_object), strict=True):
        print(f"{name.upper()} = ({', '.join(f'{value:.3f}' for value in found)})", flush=True)
    return border, gaussian, of_object


def main() -> None:
    """Prints constants and tables."""
    arguments = tyro.cli(Arguments, description=__doc__)
    border, gaussian, of_object = (
        np.array(each) for each in (confidence.BORDER, confidence.GAUSSIAN, confidence.OBJECT)
    )
    with one_torch_thread():
        if arguments.fit:
            border, gaussian, of_object = fit_all(results(arguments.fit, arguments))
        fresh = results(arguments.test, arguments)
        told = (
            joined([borders(each) for each in fresh]), joined([gaussians(each) for each in fresh]),
            joined([objects(each, border, gaussian) for each in fresh]),
        )  # fmt: skip
    curves = {}
    for name, each, w in zip(KINDS, told, (border, gaussian, of_object), strict=True):
        rows, error = curves[name] = reliability(confidence.sigmoid(each.traits @ w), each.true)
        print(f"{name}: expected calibration error {error:.3f}\n| told | came true | items |\n|---|---|---|")
        for row in rows:
            print("| {:.2f} | {:.2f} | {} |".format(*row))
    if arguments.plot is not None:
        arguments.plot.write_text(plot(curves), encoding="utf-8")


if __name__ == "__main__":
    main()
