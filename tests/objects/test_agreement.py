"""The word of each view on two groups, against loops over the formulas of the module."""

import functools
import operator
from dataclasses import fields

import numpy as np
import pytest

from gsseg.objects.agreement import BARELY_SEEN, DRAWN, HALF_SEEN, NOT_DRAWN, OCCUPIED, GroupEvidence, Odds, PairWords
from gsseg.objects.profiles import Profiles

ODDS = Odds()


def random_profiles(seed: int, groups: int = 7) -> Profiles:
    """Four views of 3, 1, 5 and 2 masks; groups that fall on few masks; one group that a view does not see."""
    rng = np.random.default_rng(seed)
    mass = rng.exponential(3.0, (groups, 11)) * (rng.random((groups, 11)) < 0.5)
    mass[2, 4:9] = 0.0
    mass[3, 4:9] = BARELY_SEEN / 10.0
    return Profiles(mass.astype(np.float32), np.array([0, 3, 4, 9, 11], np.int32))


def random_unmasked(seed: int, groups: int = 7) -> np.ndarray:
    """Unmasked light in the four views; group 3 is dropped by the third view, which does not see group 2."""
    rng = np.random.default_rng(100 + seed)
    unmasked = rng.exponential(4.0, (groups, 4)) * (rng.random((groups, 4)) < 0.6)
    unmasked[2, 2], unmasked[3, 2] = 0.0, 30.0
    return unmasked.astype(np.float32)


def random_evidence(seed: int) -> GroupEvidence:
    return GroupEvidence(random_profiles(seed), random_unmasked(seed))


def all_masked(*groups: list[list[float]]) -> GroupEvidence:
    """Evidence of groups of which nothing is unmasked."""
    profiles = profiles_of(*groups)
    return GroupEvidence(profiles, np.zeros_like(profiles.view_mass))


def of_pair(evidence: GroupEvidence, i: int, j: int, odds: Odds = ODDS) -> float:
    return float(evidence.compare(np.array([i]), np.array([j])).log_odds(odds)[0])


def numbers(words: PairWords) -> np.ndarray:
    return np.stack([getattr(words, each.name) for each in fields(words)])


PAIRS = tuple(np.array(side) for side in np.triu_indices(7))


def profiles_of(*groups: list[list[float]]) -> Profiles:
    """Of each group, the masses in the masks of each view."""
    edges = np.cumsum([0, *(len(view) for view in groups[0])]).astype(np.int32)
    return Profiles(np.array([functools.reduce(operator.iadd, views, []) for views in groups], np.float32), edges)


def plain_log_odds(profiles: Profiles, unmasked: np.ndarray, i: int, j: int) -> float:
    """The sum over views, written out."""
    total = 0.0
    for view in range(unmasked.shape[1]):
        masks = range(profiles.first_mask[view], profiles.first_mask[view + 1])
        masked = [sum(float(profiles.mass[g, m]) for m in masks) for g in (i, j)]
        whole = [k + float(unmasked[g, view]) for k, g in zip(masked, (i, j), strict=True)]
        if min(whole) <= BARELY_SEEN:
            continue
        weight = np.prod([t / (t + HALF_SEEN) for t in whole])
        share = [k / t for k, t in zip(masked, whole, strict=True)]
        drawn = [min(1.0, max(0.0, (s - NOT_DRAWN) / (DRAWN - NOT_DRAWN))) for s in share]
        p, q = (
            {m: float(profiles.mass[g, m]) / max(k, 1e-9) for m in masks} for g, k in zip((i, j), masked, strict=True)
        )
        inside = sum(q[m] * min(1.0, p[m] / OCCUPIED) for m in masks)
        around = sum(p[m] * min(1.0, q[m] / OCCUPIED) for m in masks)
        agreement = max(inside, around)
        yes, no = np.log(0.88 / 0.15), np.log(0.12 / 0.85)
        total += weight * share[0] * share[1] * (agreement * yes + (1 - agreement) * no)
        total -= weight * (drawn[0] * (1 - drawn[1]) + (1 - drawn[0]) * drawn[1])
    return total


def test_views_that_drop_both_are_counted():
    """Of three views of two groups the first draws both, the second one, the third none."""
    profiles = profiles_of([[8.0], [8.0], [0.0]], [[8.0], [0.0], [0.0]])
    evidence = GroupEvidence(profiles, np.array([[0, 0, 8], [0, 8, 6]], np.float32))
    words = evidence.compare(np.array([0]), np.array([1]))
    assert words.dropped_together[0] == pytest.approx(8 / (8 + HALF_SEEN) * 6 / (6 + HALF_SEEN))
    assert words.dropped[0] == pytest.approx((8 / (8 + HALF_SEEN)) ** 2)


def test_views_that_agree_clearly_are_counted():
    """Both in one mask; half of one outside it; in two masks."""
    evidence = all_masked([[8.0, 0.0], [8.0, 0.0], [8.0, 0.0]], [[8.0, 0.0], [4.0, 4.0], [0.0, 8.0]])
    words = evidence.compare(np.array([0]), np.array([1]))
    view = (8 / (8 + HALF_SEEN)) ** 2
    assert words.weight[0] == pytest.approx(3 * view)
    assert words.clear[0] == pytest.approx(2 * view), "the first fills half of the second's mask: it is contained"


@pytest.mark.parametrize("seed", range(5))
def test_log_odds_are_the_loops(seed):
    profiles, unmasked = random_profiles(seed), random_unmasked(seed)
    found = GroupEvidence(profiles, unmasked).compare(*PAIRS).log_odds(ODDS)
    for i, j, value in zip(*PAIRS, found, strict=True):
        assert value == pytest.approx(plain_log_odds(profiles, unmasked, i, j), abs=1e-4)
    assert found.min() < -1
    assert found.max() > 1


@pytest.mark.parametrize("seed", range(3))
def test_words_are_symmetric(seed):
    one, other = (random_evidence(seed).compare(*pairs) for pairs in (PAIRS, PAIRS[::-1]))
    assert all(np.array_equal(mine, its) for mine, its in zip(numbers(one), numbers(other), strict=True))


def test_many_pairs_are_compared_as_few(monkeypatch):
    evidence = random_evidence(0)
    few = numbers(evidence.compare(*PAIRS))
    monkeypatch.setattr("gsseg.objects.agreement.FEW_PAIRS", 3)
    assert np.array_equal(numbers(evidence.compare(*PAIRS)), few)


def test_containment_and_not_equality():
    """A part in one half of a split object agrees with the whole of it; a part of another object does not."""
    evidence = all_masked([[10.0, 10.0, 0.0]], [[8.0, 0.0, 0.0]], [[0.0, 0.0, 8.0]])
    weight = 20 / (20 + HALF_SEEN) * 8 / (8 + HALF_SEEN)
    assert of_pair(evidence, 0, 1) == pytest.approx(weight * ODDS.agree, rel=1e-5)
    assert of_pair(evidence, 0, 2) == pytest.approx(weight * ODDS.disagree, rel=1e-5)


def test_a_view_that_hardly_sees_a_group_has_no_word():
    evidence = all_masked([[10.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.9 * BARELY_SEEN]])
    assert of_pair(evidence, 0, 1) == of_pair(evidence, 0, 2) == 0.0


def test_dropping_one_of_two_speaks_against_and_dropping_both_says_nothing():
    profiles = profiles_of([[10.0]], [[0.0]], [[0.0]], [[5.0]])
    evidence = GroupEvidence(profiles, np.array([[0.0], [10.0], [20.0], [5.0]], np.float32))
    weight = (10 / (10 + HALF_SEEN)) ** 2
    assert of_pair(evidence, 0, 1) == pytest.approx(-weight * ODDS.dropped, rel=1e-5)
    assert of_pair(evidence, 1, 2) == 0.0
    assert of_pair(evidence, 0, 1, Odds(dropped=0.0)) == 0.0
    # Half masked, it is half drawn: the mask that it shares speaks for half as much.
    assert of_pair(evidence, 0, 3) == pytest.approx(weight * 0.5 * (ODDS.agree - ODDS.dropped), rel=1e-5)


def test_twenty_views_weigh_more_than_two():
    few, many = (all_masked([[5.0, 0.0]] * n, [[5.0, 0.0]] * n, [[0.0, 5.0]] * n) for n in (2, 20))
    for other in (1, 2):
        assert of_pair(many, 0, other) == pytest.approx(10 * of_pair(few, 0, other), rel=1e-5)
    assert of_pair(few, 0, 1) > 0 > of_pair(few, 0, 2)


@pytest.mark.parametrize("seed", range(3))
def test_merging_is_as_if_it_had_been_one_group_from_the_start(seed):
    profiles, unmasked = random_profiles(seed), random_unmasked(seed)
    merged = GroupEvidence(profiles, unmasked)
    merged.merge(4, 1)
    merged.merge(4, 2)
    label = np.array([0, 4, 4, 1, 4, 2, 3])
    joined = GroupEvidence(profiles, unmasked).joined(label)
    others = np.array([0, 3, 5, 6])
    fours = np.full(4, 4)
    expected = numbers(merged.compare(fours, others))
    assert np.allclose(numbers(joined.compare(fours, label[others])), expected, atol=1e-5)
    assert np.array_equal(profiles.mass, random_profiles(seed).mass), "what was given is not changed"
    assert np.array_equal(unmasked, random_unmasked(seed))


def test_some_of_the_groups_say_what_they_said_among_all():
    evidence, taken = random_evidence(1), np.array([5, 0, 3])
    found = evidence.taken(taken).compare(np.array([0, 0, 1]), np.array([1, 2, 2]))
    assert np.array_equal(numbers(found), numbers(evidence.compare(taken[[0, 0, 1]], taken[[1, 2, 2]])))


def test_the_size_ratio_is_of_all_light_that_was_seen():
    profiles = profiles_of([[6.0, 2.0], [1.0]], [[1.0, 1.0], [0.0]], [[0.0, 0.0], [0.0]])
    evidence = GroupEvidence(profiles, np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 0.0]], np.float32))
    words = evidence.compare(np.array([0, 1, 0]), np.array([1, 0, 2]))
    assert words.size_ratio.tolist() == pytest.approx([0.5, 0.5, 0.0])
    assert (words.agreeing <= words.weight + 1e-9).all()


def test_the_signs_of_the_odds():
    assert ODDS.agree == pytest.approx(np.log(0.88 / 0.15))
    assert ODDS.disagree == pytest.approx(np.log(0.12 / 0.85))
    assert Odds(0.5, 0.5).agree == 0.0
