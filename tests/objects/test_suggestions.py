"""Suggestions find the parts that masks tell apart, and never more than is asked for."""

from dataclasses import replace

import numpy as np
import pytest

from gsseg.objects.profiles import neighbours
from gsseg.objects.suggestions import MOST_PARTS, by_place, cells_of, suggest_splits


def best_match(part: np.ndarray, truth: np.ndarray) -> float:
    """Share of Gaussians in the part that most of their thing is in."""
    table = np.zeros((part.max() + 1, truth.max() + 1))
    np.add.at(table, (part, truth), 1)
    return table.max(axis=0).sum() / len(part)


@pytest.mark.parametrize("seed", range(3))
def test_two_things_in_one_object_are_told_apart(make_things, seed):
    world = make_things(seed, things=4, per_thing=150, views=20, split=0.1, merged=0.2)
    rows = np.flatnonzero((world.truth == 1) | (world.truth == 2))
    found = suggest_splits(world.evidence, rows, world.means)
    in_two = [each for each in found if each.parts == 2 and each.kind == "masks"]
    assert len(in_two) == 1
    assert best_match(in_two[0].part, world.truth[rows] - 1) > 0.97
    assert in_two[0].two > 0.6
    of_one = suggest_splits(world.evidence, np.flatnonzero(world.truth == 1), world.means)
    assert max((each.two for each in of_one), default=0.0) < in_two[0].two


def test_bounds(make_things):
    world = make_things(0, split=0.3)
    rows = np.flatnonzero(world.truth <= 2)
    found = suggest_splits(world.evidence, rows, world.means)
    assert {each.parts for each in found if each.kind == "masks"} == set(range(2, MOST_PARTS + 1))
    assert [each.two for each in found] == sorted((each.two for each in found), reverse=True)
    for each in found:
        assert each.part.shape == rows.shape
        assert 0.0 <= each.two <= 1.0
        light = np.bincount(each.part, world.evidence.visibility[rows])
        assert (np.diff(light) <= 1e-4).all()


def test_the_order_of_gaussians_does_not_matter(make_things):
    world = make_things(1, things=3, merged=0.3)
    order = np.random.default_rng(0).permutation(len(world.truth))
    shuffled = replace(
        world.evidence, matrix=world.evidence.matrix[:, order], central=world.evidence.central[order],
        visibility=world.evidence.visibility[order],
    )  # fmt: skip
    rows = np.flatnonzero(world.truth < 2)
    back = np.argsort(order)[rows]
    found, other = suggest_splits(world.evidence, rows, world.means), suggest_splits(shuffled, back, world.means[order])
    assert [each.kind for each in found] == [each.kind for each in other]
    for one, two in zip(found, other, strict=True):
        assert np.array_equal(one.part, two.part)
        assert one.two == pytest.approx(two.two, abs=1e-5)


def test_what_hangs_apart_is_a_part_and_a_speck_is_none(evidence_of):
    rng = np.random.default_rng(0)
    means = rng.uniform(0, 1, (200, 3)).astype(np.float32)
    means[120:190, 0] += 9
    means[190:, 0] += 99
    weights = np.ones((3, 200))
    weights[:, 190:] = 0.05
    evidence = evidence_of(np.ones((3, 200), int), weights)
    part = by_place(evidence, neighbours(means, 12))
    assert np.array_equal(part, np.repeat([0, 1, 0], [120, 70, 10]))
    assert "place" in {each.kind for each in suggest_splits(evidence, np.arange(200), means)}


def test_cells_are_even_and_little_is_not_cut(evidence_of):
    sizes = np.bincount(cells_of(np.random.default_rng(0).normal(size=(6400, 3)).astype(np.float32)))
    assert len(sizes) == 64
    assert sizes.max() <= sizes.min() + 2
    assert cells_of(np.zeros((500, 3), np.float32)).max() == 0, "Gaussians of one place"
    evidence = evidence_of(np.ones((2, 5), int))
    assert suggest_splits(evidence, np.arange(1), np.zeros((5, 3), np.float32)) == []
    assert suggest_splits(evidence, np.arange(5), np.eye(5, 3, dtype=np.float32)) == []
