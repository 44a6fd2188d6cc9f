"""Fits the log-odds of `gsseg.objects.joining` on scenes with truth, and shows how well others are told by them.

    python scripts/14_join_odds.py CACHE --fit SCENE ... --test SCENE ...

Scenes and CACHE as for scripts/13_grouping.py. A pair of touching objects, as they are before any is joined, *is one*
if most light of both is of one instance. Prints the coefficients, and for the scenes of --test the share of pairs that
are one among those told with a probability within each tenth.
"""

import importlib.util
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np
import tyro
from numpy import ndarray
from scipy.optimize import minimize

import gsseg
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.objects.atoms import find_atoms
from gsseg.objects.build import (
    CONTACT_NEIGHBOURS,
    RIM_NEIGHBOURS,
    ObjectConfig,
    assign_objects,
    group_gaussians,
    joinable,
)
from gsseg.objects.joining import LEAST_WEIGHT, JoiningConfig, traits
from gsseg.objects.profiles import neighbours
from gsseg.objects.unmasked import speaking
from gsseg.scene.sh import base_colors
from gsseg.threads import one_torch_thread


@dataclass(frozen=True)
class Arguments:
    """What to fit on and what to test on."""

    cache: Annotated[Path, tyro.conf.Positional]
    """Folder for made scenes and finished stages."""
    fit: tuple[str, ...]
    """Scenes that the coefficients are fitted to."""
    test: tuple[str, ...]
    """Scenes that they are tested on."""


def measuring() -> ModuleType:
    """scripts/13_grouping.py, whose name no import statement can spell."""
    spec = importlib.util.spec_from_file_location("grouping", Path(__file__).with_name("13_grouping.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["grouping"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pairs(names: tuple[str, ...], arguments: Arguments) -> tuple[ndarray, ndarray, ndarray]:
    """(pairs, traits), (pairs,) whether a pair is one, and (pairs,) its weight, by which all scenes count the same."""
    stages, config = measuring(), ObjectConfig()
    found, one = [], []
    for name in names:
        folder = stages.scene_folder(name, arguments.cache)
        scene = gsseg.load_scene(folder)
        instances = read_ground_truth(folder / "gt", len(scene.gaussians)).instances
        assert instances is not None, "the scene has no truth for each Gaussian"
        near = neighbours(scene.gaussians.means.numpy(), RIM_NEIGHBOURS)
        evidence = stages.evidence_of(scene, 0, arguments.cache / f"{folder.name}.0")
        means, colors = scene.gaussians.means.numpy(), base_colors(scene.gaussians).numpy()
        spoken = speaking(evidence, near)
        atoms = find_atoms(evidence, spoken, near[:, :CONTACT_NEIGHBOURS], means, colors, config.atoms)
        grouped = group_gaussians(evidence, spoken, atoms, near, config.grouping)
        ids = assign_objects(evidence, grouped, near, colors, config.assignment)
        objects, touch = joinable(evidence, spoken, ids, near, means)
        i, j = np.nonzero(np.triu(touch, 1))
        facts = objects.compare(i, j)
        known = facts.words.weight >= LEAST_WEIGHT
        instance = main_instance(ids, instances, evidence.visibility)
        found.append(traits(facts)[known])
        one.append((instance[i] == instance[j])[known])
    weight = [np.full(len(each), 1.0 / len(each)) for each in one]
    total = sum(len(each) for each in one)
    return np.concatenate(found), np.concatenate(one), np.concatenate(weight) * total / len(one)


def main_instance(ids: ndarray, instances: ndarray, visibility: ndarray) -> ndarray:
    """Instance that most light of each object is of."""
    light = np.zeros((ids.max() + 1, instances.max() + 1))
    known = (ids >= 0) & (instances >= 0)
    np.add.at(light, (ids[known], instances[known]), visibility[known])
    return light.argmax(axis=1)


RIDGE = 0.5
"""Price of a squared coefficient of a trait in units of its deviation: scenes are few, and traits go together."""


def fitted(traits_of_pair: ndarray, one: ndarray, weight: ndarray) -> ndarray:
    """Coefficients of highest likelihood, those of traits that vary drawn a little towards 0; the first trait is 1."""
    mean, deviation = traits_of_pair.mean(axis=0), traits_of_pair.std(axis=0)
    mean[0], deviation[0] = 0.0, 1.0
    scaled, sign = (traits_of_pair - mean) / deviation, np.where(one, -1.0, 1.0)

    def loss(w: ndarray) -> tuple[float, ndarray]:
        wrong = sign * (scaled @ w)
        slope = scaled.T @ (weight * sign / (1.0 + np.exp(-wrong)))
        return float((weight * np.logaddexp(0.0, wrong)).sum() + RIDGE * np.square(w[1:]).sum()), slope + np.append(
            0.0, 2 * RIDGE * w[1:]
        )

    w = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="BFGS").x / deviation
    w[0] -= mean[1:] @ w[1:]
    return w


def main() -> None:
    """Prints coefficients and the table of reliability."""
    arguments = tyro.cli(Arguments, description=__doc__)
    with one_torch_thread():
        w = fitted(*pairs(arguments.fit, arguments))
        names = [each.name for each in fields(JoiningConfig) if each.name != "sure"]
        print("fitted:", ", ".join(f"{name} {value:.2f}" for name, value in zip(names, w, strict=True)), flush=True)
        told, one, _ = pairs(arguments.test, arguments)
    now = JoiningConfig()
    p = 1.0 / (1.0 + np.exp(-told @ now.coefficients))
    print("with the defaults, on the scenes of --test:\n| told | pairs | are one |\n|---|---|---|")
    for tenth in range(10):
        within = (p >= tenth / 10) & (p < (tenth + 1) / 10)
        if within.any():
            print(f"| {p[within].mean():.2f} | {within.sum()} | {one[within].mean():.2f} |")


if __name__ == "__main__":
    main()
