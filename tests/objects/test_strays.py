"""Stray Gaussians: what hangs together stays, whatever its density; what hangs in the air goes."""

import numpy as np
import pytest

from gsseg.objects.profiles import neighbours
from gsseg.objects.strays import REACH, SMALLEST_PART, rehome_strays, without_strays


def grid(x0: float, x1: float, spacing: float) -> np.ndarray:
    """Points of a flat strip, one metre wide, irregular by a tenth of the spacing."""
    x, y = np.meshgrid(np.arange(x0, x1, spacing), np.arange(0, 1, spacing))
    points = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    return (points + np.random.default_rng(0).normal(0, spacing / 10, points.shape)).astype(np.float32)


def test_a_surface_hangs_together_across_a_change_of_density() -> None:
    coarse, fine = grid(0, 1, 0.05), grid(1, 2, 0.02)
    means = np.concatenate([coarse, fine])
    near = neighbours(means, 12)
    light = np.concatenate([np.full(len(coarse), 0.001), np.full(len(fine), 10.0)]).astype(np.float32)
    whole = np.zeros(len(means), np.int64)
    assert light[: len(coarse)].sum() < SMALLEST_PART * light.sum()  # so it would go, were it a part of its own
    assert (without_strays(whole, near, means, light) == 0).all()


def test_a_floater_leaves_whatever_it_counts_as_its_neighbours() -> None:
    means = np.concatenate([grid(0, 1, 0.05), np.array([[0.5, 0.5, 2.0]], np.float32)])
    near = neighbours(means, 12)
    light = np.ones(len(means), np.float32)
    kept = without_strays(np.zeros(len(means), np.int64), near, means, light)
    assert kept[-1] == -1
    assert (kept[:-1] == 0).all()
    assert rehome_strays(np.zeros(len(means), np.int64), near, means, light)[-1] == 0  # all around it are of one object


def test_a_speck_on_another_object_joins_it() -> None:
    means = np.concatenate([grid(0, 1, 0.05), grid(5, 6, 0.05)])
    half = len(means) // 2
    objects = np.repeat([0, 1], half)
    speck = np.flatnonzero(np.linalg.norm(means - means[half + half // 2], axis=1) < 0.06)
    objects[speck] = 0
    moved = rehome_strays(objects, neighbours(means, 12), means, np.ones(len(means), np.float32))
    assert (moved == np.repeat([0, 1], half)).all()


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_those_of_a_plain_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    means = (rng.random((150, 3)) ** 3).astype(np.float32)  # dense in a corner, thin elsewhere
    objects, light = rng.integers(-1, 3, 150), rng.random(150).astype(np.float32)
    near = neighbours(means, 6)
    expected = np.where(kept_plainly(objects, near, means, light), objects, -1)
    np.testing.assert_array_equal(without_strays(objects, near, means, light), expected)


def kept_plainly(objects: np.ndarray, near: np.ndarray, means: np.ndarray, light: np.ndarray) -> np.ndarray:
    """By a walk from every Gaussian in turn."""
    reach = [max(np.linalg.norm(means[i] - means[j]) for j in near[i]) for i in range(len(means))]
    linked = [set() for _ in means]
    for i in range(len(means)):
        for j in near[i]:
            if objects[i] == objects[j] >= 0 and np.linalg.norm(means[i] - means[j]) <= REACH * reach[j]:
                linked[i].add(j)
                linked[j].add(i)
    part = np.full(len(means), -1)
    for start in np.flatnonzero(objects >= 0):
        stack = [start] if part[start] < 0 else []
        while stack:
            i = stack.pop()
            part[i] = start
            stack += [j for j in linked[i] if part[j] < 0]
    kept = np.zeros(len(means), bool)
    for o in range(objects.max() + 1):
        lights = {p: light[part == p].sum(dtype=np.float64) for p in np.unique(part[objects == o])}
        for p, of_part in lights.items():
            heaviest = of_part == max(lights.values())
            kept[part == p] = heaviest or of_part >= SMALLEST_PART * sum(lights.values())
    return kept
