"""Objects that were left in two: the probability by hand, and what joins what."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gsseg.objects.agreement import GroupEvidence, PairWords
from gsseg.objects.joining import LEAST_WEIGHT, JoiningConfig, join_objects, probability_of_one
from gsseg.objects.profiles import Profiles

CONFIG = JoiningConfig()


def words_of(
    weight: float, agreement: float, dropped: float = 0.0, size_ratio: float = 0.5, together: float = 0.0
) -> PairWords:
    return PairWords(*(np.array([value]) for value in (weight, weight * agreement, dropped, together, size_ratio)))


def probability(*values: float) -> float:
    return float(probability_of_one(words_of(*values), CONFIG)[0])


@pytest.mark.parametrize("values", [(5.0, 0.5, 0.0, 0.3, 0.0), (12.0, 0.2, 3.0, 0.01, 2.0), (0.4, 0.9, 0.1, 1.0, 1.0)])
def test_the_formula(values):
    weight, agreement, dropped, ratio, together = values
    z = CONFIG.agreement * agreement - CONFIG.views * math.log(weight + 0.1)
    z += CONFIG.size_ratio * math.log(ratio + 0.02)
    z -= CONFIG.dropped * dropped / (weight + dropped + 0.5)
    z += CONFIG.together * together / (weight + dropped + together + 0.5)
    assert probability(*values) == pytest.approx(1 / (1 + math.exp(-z)))


def test_what_speaks_for_one_object_and_what_against():
    assert probability(6.0, 0.6, 1.0, 0.5) > probability(6.0, 0.5, 1.0, 0.5) > probability(6.0, 0.5, 2.0, 0.5)
    assert probability(6.0, 0.5, 1.0, 0.5) > probability(6.0, 0.5, 1.0, 0.05)
    assert probability(6.0, 0.5, 1.0, 0.5) > probability(12.0, 0.5, 2.0, 0.5)
    assert probability(6.0, 0.5, 1.0, 0.5, 2.0) > probability(6.0, 0.5, 1.0, 0.5, 1.0)


def test_what_hardly_anybody_saw_is_never_joined():
    assert probability(0.9 * LEAST_WEIGHT, 1.0) == 0.0
    assert probability(1.1 * LEAST_WEIGHT, 1.0) > 0.9


def halves(views: int, together: int, dropped: bool) -> GroupEvidence:
    """Objects 0 and 1 share a mask in some views, 2 has its own; where ``dropped``, every second view drops 1."""
    mass = np.zeros((3, 3 * views), np.float32)
    mass[0, ::3] = mass[2, 2::3] = 50.0
    unmasked = np.zeros((3, views), np.float32)
    for view in range(views):
        if dropped and view % 2 == 0:
            unmasked[1, view] = 50.0
        else:
            mass[1, 3 * view + (view >= together)] = 50.0
    return GroupEvidence(Profiles(mass, np.arange(0, 3 * views + 1, 3, dtype=np.int32)), unmasked)


def test_halves_of_a_thing_that_is_often_split_are_joined_unless_they_are_dropped_apart():
    touch = np.ones((3, 3), bool)
    assert join_objects(halves(9, 6, dropped=False), touch, CONFIG).tolist() == [0, 0, 1]
    assert join_objects(halves(9, 6, dropped=True), touch, CONFIG).tolist() == [0, 1, 2]


def test_what_does_not_touch_is_not_joined():
    assert join_objects(halves(9, 9, dropped=False), np.eye(3, dtype=bool), CONFIG).tolist() == [0, 1, 2]


def test_the_order_of_objects_does_not_matter():
    rng = np.random.default_rng(0)
    joined = 0
    for _ in range(20):
        thing = rng.integers(0, 3, 8)
        mass = np.zeros((8, 18), np.float32)
        for view in range(6):
            mask = np.where(rng.random(8) < 0.3, rng.integers(0, 3, 8), rng.permutation(3)[thing])
            mass[np.arange(8), 3 * view + mask] = rng.uniform(1, 30, 8)
        unmasked = np.where(rng.random((8, 6)) < 0.1, rng.uniform(1, 30, (8, 6)), 0.0).astype(np.float32)
        evidence = GroupEvidence(Profiles(mass, np.arange(0, 19, 3, dtype=np.int32)), unmasked)
        touch, order = rng.random((8, 8)) < 0.3, rng.permutation(8)
        found = join_objects(evidence, touch, CONFIG)
        other = join_objects(evidence.taken(order), touch[np.ix_(order, order)], CONFIG)
        assert np.array_equal(np.equal.outer(found, found)[np.ix_(order, order)], np.equal.outer(other, other))
        joined += len(np.unique(found)) < 8
    assert joined > 5


def test_to_be_surer_is_to_join_less():
    touch = np.ones((3, 3), bool)
    sure = [join_objects(halves(9, 6, dropped=False), touch, replace(CONFIG, sure=p)).max() for p in (0.1, 0.99999)]
    assert sure == [1, 2]
