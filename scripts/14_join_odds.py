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
from gsseg.objects.build import ObjectConfig, assign_objects, group_gaussians
from gsseg.objects.joining import JoiningConfig, JoinOdds, share_of_often, traits
from gsseg.objects.pair_facts import CONTACT_NEIGHBOURS, LEAST_WEIGHT, RIM_NEIGHBOURS, joinable
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


@dataclass(frozen=True, eq=False)
class Pairs:
    """Touching objects of a scene, as they are before any is joined."""

    traits: ndarray
    """(pairs, traits)."""
    one: ndarray
    """(pairs,) bool: whether a pair is one."""
    dropping: float
    """Of the scene: what decides which odds hold."""

    def told(self, config: JoiningConfig) -> ndarray:
        """(pairs,) probability of being one."""
        return 1.0 / (1.0 + np.exp(-self.traits @ config.coefficients(self.dropping)))


def pairs(name: str, arguments: Arguments) -> Pairs:
    """The pairs of a scene of which something is known."""
    stages, config = measuring(), ObjectConfig()
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
    ids = assign_objects(evidence, grouped, near, means, colors, config.assignment)
    objects, touch = joinable(evidence, spoken, ids, near, means)
    i, j = np.nonzero(np.triu(touch | touch.T, 1))
    facts = objects.compare(i, j)
    known = facts.words.weight >= LEAST_WEIGHT
    instance = main_instance(ids, instances, evidence.visibility)
    return Pairs(traits(facts)[known], (instance[i] == instance[j])[known], objects.dropping)


def main_instance(ids: ndarray, instances: ndarray, visibility: ndarray) -> ndarray:
    """Instance that most light of each object is of."""
    light = np.zeros((ids.max() + 1, instances.max() + 1))
    known = (ids >= 0) & (instances >= 0)
    np.add.at(light, (ids[known], instances[known]), visibility[known])
    return light.argmax(axis=1)


RIDGE = 0.5
"""Price of a squared coefficient of a trait in units of its deviation: scenes are few, and traits go together."""


def fitted(scenes: list[Pairs]) -> tuple[ndarray, ndarray]:
    """Coefficients of highest likelihood where the segmenter drops things seldom and where it does often.

    All scenes count the same. The coefficients and their difference, of traits that vary, are drawn a little towards 0.
    """
    one = np.concatenate([each.one for each in scenes])
    weight = np.concatenate([np.full(len(each.one), len(one) / len(each.one) / len(scenes)) for each in scenes])
    off = [share_of_often(each.dropping) - 0.5 for each in scenes]
    both = np.concatenate([np.hstack([each.traits, t * each.traits]) for each, t in zip(scenes, off, strict=True)])
    mean, deviation = both.mean(axis=0), both.std(axis=0) + 1e-9
    mean[0], deviation[0] = 0.0, 1.0
    scaled, sign = (both - mean) / deviation, np.where(one, -1.0, 1.0)

    def loss(w: ndarray) -> tuple[float, ndarray]:
        wrong = sign * (scaled @ w)
        value = (weight * np.logaddexp(0.0, wrong)).sum() + RIDGE * np.square(w[1:]).sum()
        slope = scaled.T @ (weight * sign / (1.0 + np.exp(-wrong)))
        return float(value), slope + 2 * RIDGE * np.append(0.0, w[1:])

    w = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="BFGS").x / deviation
    w[0] -= mean @ w
    middle, difference = np.split(w, 2)
    return middle - difference / 2, middle + difference / 2


def main() -> None:
    """Prints coefficients and the table of reliability."""
    arguments = tyro.cli(Arguments, description=__doc__)
    with one_torch_thread():
        names = [each.name for each in fields(JoinOdds)]
        for where, odds in zip(
            ("seldom", "often"), fitted([pairs(each, arguments) for each in arguments.fit]), strict=True
        ):
            print(f"{where}:", ", ".join(f"{name}={value:.2f}" for name, value in zip(names, odds, strict=True)))
        tested = [pairs(each, arguments) for each in arguments.test]
    told = np.concatenate([each.told(JoiningConfig()) for each in tested])
    one = np.concatenate([each.one for each in tested])
    print("with the defaults, on the scenes of --test:\n| told | pairs | are one |\n|---|---|---|")
    for tenth in range(10):
        within = (told >= tenth / 10) & (told < (tenth + 1) / 10)
        if within.any():
            print(f"| {told[within].mean():.2f} | {within.sum()} | {one[within].mean():.2f} |")


if __name__ == "__main__":
    main()
