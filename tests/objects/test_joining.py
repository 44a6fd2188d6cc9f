"""Objects that were left in two: the probability by hand, what speaks for and against, and what joins what."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from gsseg.objects.agreement import GroupEvidence, PairWords
from gsseg.objects.contacts import Contacts, Folds
from gsseg.objects.joining import OFTEN, SELDOM, JoiningConfig, JoinOdds, join_objects, probability_of_one
from gsseg.objects.pair_facts import LEAST_WEIGHT, Joinable, PairFacts
from gsseg.objects.profiles import Profiles

CONFIG = JoiningConfig()
PAIR = {
    "weight": 6.0, "agreement": 0.5, "clear": 0.3, "dropped": 1.0, "together": 0.5,
    "contacts": 60.0, "concave": 0.2, "cosine": 0.8, "smaller": 300.0, "larger": 900.0,
}  # fmt: skip
TYPICAL = 500.0


def facts_of(**changes: float) -> PairFacts:
    """Of one pair."""
    of = {name: np.array([value]) for name, value in {**PAIR, **changes}.items()}
    weight = of["weight"]
    words = PairWords(
        weight, weight * of["agreement"], weight * of["clear"], of["dropped"], of["together"],
        of["smaller"] / of["larger"],
    )  # fmt: skip
    folds = Folds(of["contacts"], of["concave"], of["cosine"], of["smaller"], of["larger"])
    return PairFacts(words, folds, TYPICAL)


def probability(odds: JoinOdds = CONFIG.often, **changes: float) -> float:
    return float(probability_of_one(facts_of(**changes), odds.coefficients)[0])


@pytest.mark.parametrize("odds", [CONFIG.seldom, CONFIG.often])
@pytest.mark.parametrize(
    "changes", [{}, {"weight": 20.0, "clear": 0.0}, {"together": 2.0, "concave": 0.9, "larger": 9e3}]
)
def test_the_formula(odds, changes):
    of = {**PAIR, **changes}
    w, x, b = of["weight"], of["dropped"], of["together"]
    z = odds.constant + odds.agreement * of["agreement"] + odds.clear * of["clear"] - odds.views * math.log(w + 0.1)
    z += odds.together * b / (w + x + b + 0.5) - odds.dropped * x / (w + x + 0.5)
    z += odds.even * of["cosine"] - odds.concave * of["concave"]
    z += odds.border * math.log(of["contacts"] / math.sqrt(of["smaller"]) + 0.02)
    z -= odds.smaller * math.log(of["smaller"] / TYPICAL) + odds.larger * math.log(of["larger"] / TYPICAL)
    assert probability(odds, **changes) == pytest.approx(1 / (1 + math.exp(-z)))


@pytest.mark.parametrize("odds", [CONFIG.seldom, CONFIG.often])
def test_what_speaks_for_one_object_and_what_against(odds):
    now = probability(odds)
    more = {"agreement": 0.6, "clear": 0.4, "together": 1.0, "cosine": 0.9, "contacts": 90.0}
    less = {"dropped": 2.0, "concave": 0.4, "larger": 2000.0}
    for name, value in more.items():
        assert probability(odds, **{name: value}) > now, name
    for name, value in less.items():
        assert probability(odds, **{name: value}) < now, name


def test_what_hardly_anybody_saw_is_never_joined():
    sure = {"agreement": 1.0, "clear": 1.0, "dropped": 0.0, "concave": 0.0, "larger": 300.0, "together": 0.0}
    assert probability(weight=0.9 * LEAST_WEIGHT, **sure) == 0.0
    assert probability(weight=1.1 * LEAST_WEIGHT, **sure) > 0.5


def test_odds_go_from_one_kind_of_segmenter_to_the_other():
    seldom, often = CONFIG.seldom.coefficients, CONFIG.often.coefficients
    assert np.array_equal(CONFIG.coefficients(0.0), seldom)
    assert np.array_equal(CONFIG.coefficients(1.0), often)
    assert np.allclose(CONFIG.coefficients((SELDOM + OFTEN) / 2), (seldom + often) / 2)


def test_odds_must_be_numbers():
    with pytest.raises(ValueError, match="clear: is nan"):
        replace(CONFIG.often, clear=float("nan"))
    assert len(CONFIG.often.coefficients) == len(fields(JoinOdds))


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


def strip(objects: int, folded: bool = False) -> Contacts:
    """Squares of 40 Gaussians in a row on one plane; where ``folded``, every second one stands up, a concave corner."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(objects), 40)
    means = np.column_stack([groups + rng.random(len(groups)), rng.random(len(groups)), np.zeros(len(groups))])
    normals = np.tile([0.0, 0.0, 1.0], (len(groups), 1))
    if folded:
        normals[groups % 2 == 1] = [-1.0, 0.0, 0.0]
    near = np.argsort(np.linalg.norm(means[:, None] - means[None], axis=2), axis=1, kind="stable")[:, 1:9]
    return Contacts(groups, objects, near, means.astype(np.float32), normals.astype(np.float32))


ALL_TOUCH = np.ones((3, 3), bool)


def joined(evidence: GroupEvidence, touch: np.ndarray = ALL_TOUCH, folded: bool = False, **changes: float) -> list[int]:
    objects = Joinable(evidence, strip(len(touch), folded), touch)
    return join_objects(objects, touch, replace(CONFIG, **changes)).tolist()


def test_halves_of_a_thing_that_is_often_split_are_joined_unless_they_are_dropped_apart():
    assert joined(halves(9, 6, dropped=False)) == [0, 0, 1]
    assert joined(halves(9, 6, dropped=True)) == [0, 1, 2]


def test_a_concave_fold_keeps_two_apart_that_masks_leave_in_doubt():
    assert joined(halves(9, 4, dropped=False)) == [0, 0, 1]
    assert joined(halves(9, 4, dropped=False), folded=True) == [0, 1, 2]


def test_what_does_not_touch_is_not_joined():
    assert joined(halves(9, 9, dropped=False), np.eye(3, dtype=bool)) == [0, 1, 2]


def test_the_order_of_objects_does_not_matter():
    rng = np.random.default_rng(0)
    merged = 0
    for _ in range(20):
        thing = rng.integers(0, 3, 8)
        mass = np.zeros((8, 18), np.float32)
        for view in range(6):
            mask = np.where(rng.random(8) < 0.3, rng.integers(0, 3, 8), rng.permutation(3)[thing])
            mass[np.arange(8), 3 * view + mask] = rng.uniform(1, 30, 8)
        unmasked = np.where(rng.random((8, 6)) < 0.1, rng.uniform(1, 30, (8, 6)), 0.0).astype(np.float32)
        groups, means = np.repeat(np.arange(8), 20), rng.random((160, 3)).astype(np.float32)
        normals = rng.normal(size=(160, 3)).astype(np.float32)
        near = rng.integers(0, 160, (160, 8))
        touch, order = rng.random((8, 8)) < 0.3, rng.permutation(8)
        place = np.argsort(order)
        evidence = GroupEvidence(Profiles(mass, np.arange(0, 19, 3, dtype=np.int32)), unmasked)
        found, other = (
            join_objects(Joinable(said, Contacts(of, 8, near, means, normals), contact), contact, CONFIG)
            for said, of, contact in (
                (evidence.taken(np.arange(8)), groups, touch),
                (evidence.taken(order), place[groups], touch[np.ix_(order, order)]),
            )
        )
        assert np.array_equal(np.equal.outer(found, found)[np.ix_(order, order)], np.equal.outer(other, other))
        merged += len(np.unique(found)) < 8
    assert merged > 5


def test_to_be_surer_is_to_join_less():
    assert [max(joined(halves(9, 6, dropped=False), sure=p)) for p in (0.001, 0.6, 0.99999)] == [0, 1, 2]
