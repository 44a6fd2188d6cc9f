"""The word of each view on two groups, against loops over the formula of the module."""

import functools
import operator

import numpy as np
import pytest

from gsseg.objects.agreement import BARELY_SEEN, HALF_SEEN, OCCUPIED, GroupEvidence, Odds
from gsseg.objects.profiles import Profiles

ODDS = Odds()


def random_profiles(seed: int, groups: int = 7) -> Profiles:
    """Four views of 3, 1, 5 and 2 masks; groups that fall on few masks; one group that a view does not see."""
    rng = np.random.default_rng(seed)
    mass = rng.exponential(3.0, (groups, 11)) * (rng.random((groups, 11)) < 0.5)
    mass[2, 4:9] = 0.0
    mass[3, 4:9] = BARELY_SEEN / 10.0
    return Profiles(mass.astype(np.float32), np.array([0, 3, 4, 9, 11], np.int32))


def profiles_of(*groups: list[list[float]]) -> Profiles:
    """Of each group, the masses in the masks of each view."""
    edges = np.cumsum([0, *(len(view) for view in groups[0])]).astype(np.int32)
    return Profiles(np.array([functools.reduce(operator.iadd, views, []) for views in groups], np.float32), edges)


def plain_word(profiles: Profiles, i: int, j: int, view: int) -> tuple[float, float]:
    """(agreement, weight) of a view on groups i and j."""
    masks = range(profiles.first_mask[view], profiles.first_mask[view + 1])
    seen = [sum(float(profiles.mass[g, m]) for m in masks) for g in (i, j)]
    weight = 1.0
    for mass in seen:
        weight *= mass / (mass + HALF_SEEN) if mass > BARELY_SEEN else 0.0
    p, q = (
        {m: float(profiles.mass[g, m]) / max(mass, 1e-9) for m in masks} for g, mass in zip((i, j), seen, strict=True)
    )
    inside = sum(q[m] * min(1.0, p[m] / OCCUPIED) for m in masks)
    around = sum(p[m] * min(1.0, q[m] / OCCUPIED) for m in masks)
    return max(inside, around), weight


@pytest.mark.parametrize("seed", range(3))
def test_agreement_and_its_weight_are_the_loops(seed):
    profiles = random_profiles(seed)
    groups = GroupEvidence(profiles)
    for i in range(7):
        agreement, weight = groups.agreement(i, np.arange(7))
        for j in range(7):
            for view in range(4):
                expected, trust = plain_word(profiles, i, j, view)
                assert agreement[j, view] == pytest.approx(expected, abs=1e-5)
                assert weight[j, view] == pytest.approx(trust, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_agreement_is_symmetric_and_between_zero_and_one(seed):
    groups = GroupEvidence(random_profiles(seed))
    words = [groups.agreement(i, np.arange(7)) for i in range(7)]
    for kind in (0, 1):
        table = np.stack([word[kind] for word in words])
        assert np.allclose(table, table.transpose(1, 0, 2), atol=1e-6)
        assert table.min() >= 0.0
        assert table.max() <= 1.0 + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_log_odds_add_up_over_views(seed):
    profiles = random_profiles(seed)
    groups = GroupEvidence(profiles)
    for i in range(7):
        found = groups.log_odds(i, np.arange(7), ODDS)
        for j in range(7):
            total = 0.0
            for view in range(4):
                agreement, weight = plain_word(profiles, i, j, view)
                yes, no = np.log(0.88 / 0.15), np.log(0.12 / 0.85)
                total += weight * (agreement * yes + (1 - agreement) * no)
            assert found[j] == pytest.approx(total, abs=1e-4)


def test_containment_and_not_equality():
    """A part in one half of a split object agrees with the whole of it; a part of another object does not."""
    whole, half, other = [[10.0, 10.0, 0.0]], [[8.0, 0.0, 0.0]], [[0.0, 0.0, 8.0]]
    groups = GroupEvidence(profiles_of(whole, half, other))
    agreement, _ = groups.agreement(0, np.array([1, 2]))
    assert agreement[:, 0].tolist() == [1.0, 0.0]
    assert groups.log_odds(0, np.array([1]), ODDS)[0] > 0 > groups.log_odds(0, np.array([2]), ODDS)[0]


def test_a_view_that_hardly_sees_a_group_has_no_word():
    seen, unseen, barely = [[10.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.9 * BARELY_SEEN]]
    groups = GroupEvidence(profiles_of(seen, unseen, barely))
    assert groups.log_odds(0, np.array([1, 2]), ODDS).tolist() == [0.0, 0.0]


def test_twenty_views_weigh_more_than_two():
    groups = [GroupEvidence(profiles_of([[5.0, 0.0]] * n, [[5.0, 0.0]] * n, [[0.0, 5.0]] * n)) for n in (2, 20)]
    few, many = (group.log_odds(0, np.array([1, 2]), ODDS) for group in groups)
    assert np.allclose(many, 10 * few, rtol=1e-5)
    assert few[0] > 0 > few[1]


@pytest.mark.parametrize("seed", range(3))
def test_merging_is_as_if_it_had_been_one_group_from_the_start(seed):
    profiles = random_profiles(seed)
    groups = GroupEvidence(profiles)
    groups.merge(4, 1)
    groups.merge(4, 2)
    joint = profiles.mass.copy()
    joint[4] = profiles.mass[[1, 2, 4]].sum(axis=0)
    fresh = GroupEvidence(Profiles(joint, profiles.first_mask))
    others = np.array([0, 3, 5, 6])
    for mine, its in zip(groups.agreement(4, others), fresh.agreement(4, others), strict=True):
        assert np.allclose(mine, its, atol=1e-5)
    assert np.array_equal(profiles.mass, random_profiles(seed).mass), "what was given is not changed"


def test_the_signs_of_the_odds():
    assert ODDS.agree == pytest.approx(np.log(0.88 / 0.15))
    assert ODDS.disagree == pytest.approx(np.log(0.12 / 0.85))
    assert Odds(0.5, 0.5).agree == 0.0
