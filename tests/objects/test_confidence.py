"""How sure objects are: probabilities, whatever the order of Gaussians; surer where masks agree; the file."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gsseg.objects import confidence as module
from gsseg.objects.confidence import filled, find_confidence, gaussian_traits, held_together, weakest_border
from gsseg.objects.profiles import mask_profiles, neighbours
from gsseg.segmentation.confidence import (
    Border,
    Confidence,
    confidence_from_json,
    confidence_json,
    most_doubtful_first,
)


@pytest.fixture(scope="module")
def world(make_things):
    return make_things(0, things=6, per_thing=100, views=20, split=0.3, merged=0.15, missing=0.1)


@pytest.fixture(scope="module")
def found(world):
    return find_confidence(world.evidence, np.where(world.truth == 5, -1, world.truth), world.means)


def test_everything_is_a_probability(found, world):
    assert found.gaussians.dtype == np.float32
    assert ((found.gaussians >= 0) & (found.gaussians <= 1)).all()
    assert (found.gaussians[world.truth == 5] == 0).all()
    assert (found.gaussians[world.truth != 5] > 0).all()
    assert len(found.objects) == 5
    assert all(0 < value < 1 for value in found.objects)
    assert [(each.first, each.second) for each in sorted(found.borders, key=lambda each: each.first)] == [
        (k, k + 1) for k in range(4)
    ]
    assert all(0 < each.two < 1 and min(each.together, each.apart, each.dropped) >= 0 for each in found.borders)
    doubts = [each.doubt for each in found.borders]
    assert doubts == sorted(doubts, reverse=True)


def test_permuting_gaussians_permutes_and_twice_is_the_same(found, world):
    objects = np.where(world.truth == 5, -1, world.truth)
    again = find_confidence(world.evidence, objects, world.means)
    assert np.array_equal(again.gaussians, found.gaussians)
    assert (again.objects, again.borders) == (found.objects, found.borders)
    order = np.random.default_rng(0).permutation(len(objects))
    shuffled = replace(
        world.evidence, matrix=world.evidence.matrix[:, order], central=world.evidence.central[order],
        visibility=world.evidence.visibility[order],
    )  # fmt: skip
    other = find_confidence(shuffled, objects[order], world.means[order])
    assert np.allclose(other.gaussians, found.gaussians[order], atol=1e-5)
    assert np.allclose(other.objects, found.objects, atol=1e-4)
    assert np.allclose([each.two for each in other.borders], [each.two for each in found.borders], atol=1e-4)


def test_a_cut_through_one_thing_is_less_surely_a_border(world):
    """Thing 1 in two by place, as no mask shows it: its inner border is the least likely one of all."""
    half = (world.truth == 1) & (world.means[:, 1] > 0.5)
    cut = find_confidence(world.evidence, np.where(half, 6, world.truth), world.means)
    likely = {(each.first, each.second): each.two for each in cut.borders}
    assert min(likely, key=lambda pair: likely[pair]) == (1, 6)
    assert likely[1, 6] < 0.5


def test_a_gaussian_of_the_wrong_object_is_less_sure(world):
    rng = np.random.default_rng(3)
    wrong = rng.choice(np.flatnonzero(world.truth < 5), 25, replace=False)
    objects = world.truth.copy()
    objects[wrong] = (objects[wrong] + 2) % 6
    sure = find_confidence(world.evidence, objects, world.means).gaussians
    right = np.setdiff1d(np.arange(len(objects)), wrong)
    assert np.median(sure[wrong]) < np.percentile(sure[right], 5)


def test_traits_against_loops(evidence_of):
    rng = np.random.default_rng(1)
    labels, weights = rng.integers(-1, 4, (4, 30)), rng.uniform(0.1, 1, (4, 30))
    evidence, objects = evidence_of(labels, weights), rng.integers(-1, 3, 30)
    near = neighbours(rng.normal(size=(30, 3)).astype(np.float32), 5)
    traits = gaussian_traits(evidence, objects, near, 3)
    for g in range(30):
        if objects[g] < 0:
            assert traits[g].tolist() == [1, 0, 0, 0, 0, 0, 0]
            continue
        own = masked = light = 0.0
        for view in range(4):
            shown = labels[view] == labels[view, g]
            if labels[view, g] >= 0:
                light += weights[view, g]
            if labels[view, g] > 0:
                masked += weights[view, g]
                share = weights[view, shown & (objects == objects[g])].sum() / weights[view, shown].sum()
                own += weights[view, g] * share
        same = (objects[near[g]] == objects[g]).mean()
        plain = [1, same, own / max(masked, 1e-9), masked / max(light, 1e-9), np.log(light + 0.1)]
        assert np.allclose(traits[g, :5], plain, atol=1e-5)
    profiles = mask_profiles(evidence, objects, 3)
    held, fills = held_together(profiles), filled(profiles, evidence)
    for k in range(3):
        most = total = squares = 0.0
        for view in range(4):
            mass = [weights[view, (labels[view] == label) & (objects == k)].sum() for label in (1, 2, 3)]
            whole = [weights[view, labels[view] == label].sum() for label in (1, 2, 3)]
            most, total = most + max(mass), total + sum(mass)
            squares += sum(m * m / w for m, w in zip(mass, whole, strict=True) if w > 0)
        assert held[k] == pytest.approx(most / total, abs=1e-5)
        assert fills[k] == pytest.approx(squares / total, abs=1e-5)
        assert np.allclose(traits[objects == k][:, 5:], [held[k], fills[k]])


def test_the_weakest_border_of_each_object():
    weakest = weakest_border(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([0.9, 0.4, 0.7]), 4)
    assert weakest.tolist() == [0.4, 0.7, 0.4, 1.0]


def test_no_objects(evidence_of):
    nothing = find_confidence(evidence_of(np.zeros((2, 4), int)), np.full(4, -1), np.zeros((4, 3), np.float32))
    assert (nothing.objects, nothing.borders, nothing.gaussians.tolist()) == ([], [], [0.0] * 4)


def test_coefficients_have_the_right_sign():
    assert module.BORDER[1] > 0, "what speaks against joining speaks for two"
    assert module.GAUSSIAN[1] > 0
    assert module.GAUSSIAN[2] > 0


IDS = np.array([0, 0, 1, 2, -1], np.int32)
SURE = np.array([0.9, 0.8, 0.7, 0.6, 0.0], np.float32)
BORDERS = most_doubtful_first([Border(0, 1, 0.93, 1.0, 7.5, 0.5), Border(1, 2, 0.55, 3.0, 4.0, 0.0)])
WRITTEN = confidence_json(Confidence(SURE, [0.9, 0.5, 1.0], BORDERS), IDS)


def test_what_is_written_is_read_and_the_doubtful_come_first():
    again = confidence_from_json(WRITTEN, IDS, SURE)
    assert again is not None
    assert (again.objects, again.borders) == ([0.9, 0.5, 1.0], BORDERS)
    assert again.borders[0].doubt == pytest.approx(0.9)
    assert again.gaussians is SURE


def test_of_other_objects_it_says_nothing():
    assert confidence_from_json(WRITTEN, IDS[::-1].copy(), SURE) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "x"}, "not gsseg confidence"),
        ({"version": 9}, "not gsseg confidence"),
        ({"objects": [0.5]}, "no 3 probabilities"),
        ({"objects": [0.5, 0.5, 1.5]}, "no 3 probabilities"),
        ({"objects": [0.5, 0.5, True]}, "no 3 probabilities"),
        ({"objects": [0.5, 0.5, float("nan")]}, "no 3 probabilities"),
        ({"borders": {}}, "no list"),
        ({"borders": [{}]}, "border 0 has not the fields"),
        ({"first": 3}, "border 0 is between"),
        ({"first": -1}, "border 0 is between"),
        ({"second": 1.0}, "border 0 is between"),
        ({"second": 9}, "border 0 is between"),
        ({"two": 1.01}, "two 1.01"),
        ({"two": "0.5"}, "two '0.5'"),
        ({"apart": -1}, "apart -1"),
        ({"together": float("inf")}, "together inf"),
    ],
)
def test_what_is_damaged_is_told(change, told):
    content = json.loads(WRITTEN)
    for name, value in change.items():
        (content if name in content else content["borders"][0])[name] = value
    with pytest.raises(ValueError, match=told):
        confidence_from_json(json.dumps(content), IDS, SURE)


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"format": "gsseg confidence", "version": 1}'])
def test_what_is_no_such_file(text):
    with pytest.raises(ValueError, match=r"."):
        confidence_from_json(text, IDS, SURE)
