"""Holes of objects are closed, and what is a thing of its own is not swallowed."""

from dataclasses import replace

import numpy as np
import pytest

from gsseg.objects.holes import drawn_object, fill_holes, surrounding_object
from gsseg.objects.profiles import neighbours

BALL = 300


def ball(rng: np.random.Generator, centre: float) -> np.ndarray:
    """Gaussians in a ball of radius 1 about a place on the x axis."""
    points = rng.normal(size=(BALL, 3))
    points *= (rng.random((BALL, 1)) ** (1 / 3)) / np.linalg.norm(points, axis=1, keepdims=True)
    return (points + np.array([centre, 0, 0])).astype(np.float32)


@pytest.fixture
def balls(evidence_of):
    """Two masked balls, objects 0 and 1, and beside them a third that no mask ever shows: nobody's."""
    rng = np.random.default_rng(0)
    means = np.concatenate([ball(rng, 0.0), ball(rng, 2.2), ball(rng, 4.4)])
    thing = np.repeat([0, 1, 2], BALL)
    labels = np.where(thing < 2, thing + 1, 0)[None].repeat(6, 0)
    return means, thing, labels, evidence_of, neighbours(means, 12)


def test_a_hole_that_draws_the_masks_is_filled(balls):
    means, thing, labels, evidence_of, near = balls
    patch = np.linalg.norm(means, axis=1) < 0.6  # its middle has no neighbour of an object
    found = fill_holes(evidence_of(labels), np.where(patch | (thing == 2), -1, thing), near, means)
    assert patch.sum() > 30
    assert np.array_equal(found, np.where(thing == 2, -1, thing))


def test_an_unmasked_gaussian_inside_an_object_is_filled_and_an_unmasked_thing_beside_it_is_not(balls):
    means, thing, labels, evidence_of, near = balls
    inmost = np.linalg.norm(means, axis=1).argmin()
    labels = labels.copy()
    labels[:, inmost] = 0
    start = np.where(thing == 2, -1, thing)
    start[inmost] = -1
    found = fill_holes(evidence_of(labels), start, near, means)
    assert found[inmost] == 0
    assert (found[thing == 2] == -1).all()


def test_a_bright_unmasked_gaussian_is_judged_by_its_light_alone(balls):
    means, thing, labels, evidence_of, near = balls
    inmost = np.linalg.norm(means, axis=1).argmin()
    labels, weights = labels.copy(), np.full(labels.shape, 0.5)
    labels[:, inmost], weights[:, inmost] = 0, 0.9
    start = np.where(thing == 2, -1, thing)
    start[inmost] = -1
    assert fill_holes(evidence_of(labels, weights), start, near, means)[inmost] == -1


def test_a_floater_before_an_object_stays_out_of_it(balls):
    means, thing, labels, evidence_of, near = balls
    means = means.copy()
    means[0] = [0, 0, 9]
    near = neighbours(means, 12)
    start = np.where(thing == 2, -1, thing)
    start[0] = -1
    assert np.isin(start[near[0]], 0).all()
    assert fill_holes(evidence_of(labels), start, near, means)[0] == -1


def test_a_masked_thing_that_is_no_object_keeps_its_masks(balls):
    means, thing, labels, evidence_of, near = balls
    labels = np.where(thing == 2, 3, labels)
    found = fill_holes(evidence_of(labels), np.where(thing == 2, -1, thing), near, means)
    assert (found[thing == 2] == -1).all()


def test_what_no_view_sees_is_left_alone(balls):
    means, thing, labels, evidence_of, near = balls
    inmost = np.linalg.norm(means, axis=1).argmin()
    labels = labels.copy()
    labels[:, inmost] = -1
    start = np.where(thing == 2, -1, thing)
    start[inmost] = -1
    assert fill_holes(evidence_of(labels), start, near, means)[inmost] == -1


def test_nobody_changes_objects_and_the_order_does_not_matter(balls):
    means, thing, labels, evidence_of, near = balls
    rng = np.random.default_rng(1)
    start = np.where((rng.random(len(thing)) < 0.3) | (thing == 2), -1, rng.permutation(2)[np.minimum(thing, 1)])
    evidence = evidence_of(labels)
    found = fill_holes(evidence, start, near, means)
    assert np.array_equal(found[start >= 0], start[start >= 0])
    assert (found >= 0).sum() > (start >= 0).sum() + 100
    order = rng.permutation(len(thing))
    shuffled = replace(
        evidence, matrix=evidence.matrix[:, order], central=evidence.central[order],
        visibility=evidence.visibility[order],
    )  # fmt: skip
    other = fill_holes(shuffled, start[order], neighbours(means[order], 12), means[order])
    assert np.array_equal(other, found[order])


def test_drawn_and_surrounding_against_loops(evidence_of):
    rng = np.random.default_rng(2)
    labels, weights = rng.integers(-1, 4, (5, 40)), rng.uniform(0.1, 1, (5, 40))
    objects, near = rng.integers(-1, 3, 40), rng.integers(0, 40, (40, 6))
    evidence, lost = evidence_of(labels, weights), np.flatnonzero(objects < 0)
    around = surrounding_object(objects, near[lost], 3)
    for place, gaussian in enumerate(lost):
        counts = [(objects[near[gaussian]] == k).sum() for k in range(3)]
        assert around[place] == (np.argmax(counts) if max(counts) > 0.7 * 6 else -1)
    drawn = drawn_object(evidence, objects, lost, 3)
    for place, gaussian in enumerate(lost):
        light, total = np.zeros(3), 0.0
        for view in range(5):
            label = labels[view, gaussian]
            total += weights[view, gaussian] * (label >= 0)
            if label > 0:
                shown = labels[view] == label
                mass = [weights[view, shown & (objects == k)].sum() for k in range(3)]
                if max(mass) > 0.1 * weights[view, shown].sum():
                    light[np.argmax(mass)] += weights[view, gaussian]
        assert drawn[place] == (light.argmax() if light.max() > 0.5 * total else -1)


def test_nothing_to_fill(evidence_of):
    evidence = evidence_of(np.zeros((2, 5), int))
    nobody = np.full(5, -1)
    assert fill_holes(evidence, nobody, np.zeros((5, 0), np.int64), np.zeros((5, 3), np.float32)).tolist() == [-1] * 5
