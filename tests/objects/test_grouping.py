"""Groups become objects whose number nobody was told."""

import numpy as np
import pytest

from gsseg.objects.agreement import GroupEvidence, Odds
from gsseg.objects.grouping import GroupingConfig, group_atoms
from gsseg.objects.profiles import Profiles, mask_profiles, neighbours, touching
from gsseg.objects.unmasked import speaking, unmasked_light

CONFIG = GroupingConfig()


def all_masked(profiles: Profiles) -> GroupEvidence:
    """Evidence of groups of which nothing is unmasked."""
    return GroupEvidence(profiles, np.zeros_like(profiles.view_mass))


def evidence_of_parts(things, part: np.ndarray, count: int) -> GroupEvidence:
    spoken = speaking(things.evidence, neighbours(things.means, 12))
    unmasked = unmasked_light(things.evidence, spoken, part, count)
    return GroupEvidence(mask_profiles(things.evidence, part, count), unmasked)


def group(things, config=CONFIG, order=None):
    """Object of each part of a world of things; with ``order``, parts are handed over in another order."""
    count = int(things.part.max()) + 1
    order = np.arange(count) if order is None else order
    renamed = np.argsort(order)[things.part]
    touch = touching(neighbours(things.means, 8), renamed, count)
    found = group_atoms(evidence_of_parts(things, renamed, count), touch, config)
    return found[np.argsort(order)]


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(np.equal.outer(one, one), np.equal.outer(other, other))


@pytest.mark.parametrize(
    "errors",
    [
        {},
        {"split": 0.4},
        {"merged": 0.2},
        {"missing": 0.4},
        {"split": 0.3, "merged": 0.15, "missing": 0.25},
    ],
    ids=str,
)
@pytest.mark.parametrize("things", [1, 2, 6, 11])
def test_parts_become_things(make_things, errors, things):
    for seed in range(3):
        world = make_things(seed, things=things, views=25, **errors)
        found = group(world)
        assert same_partition(found, np.arange(things).repeat(3))
        assert sorted(set(found.tolist())) == list(range(things))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_groups_does_not_matter(make_things, seed):
    world = make_things(seed, split=0.3, merged=0.2, missing=0.25)
    order = np.random.default_rng(seed).permutation(18)
    assert same_partition(group(world, order=order), group(world))


def test_the_order_of_views_does_not_matter(make_things):
    world = make_things(4, split=0.3, merged=0.2, missing=0.25)
    profiles = mask_profiles(world.evidence, world.part, 18)
    edges = profiles.first_mask
    order = np.random.default_rng(0).permutation(len(edges) - 1)
    columns = np.concatenate([np.arange(edges[v], edges[v + 1]) for v in order])
    shuffled = Profiles(profiles.mass[:, columns], np.append(0, np.cumsum(np.diff(edges)[order])).astype(np.int32))
    touch = touching(neighbours(world.means, 8), world.part, 18)
    assert same_partition(
        group_atoms(all_masked(shuffled), touch, CONFIG), group_atoms(all_masked(profiles), touch, CONFIG)
    )


def test_without_evidence_nothing_merges():
    everything = np.ones((5, 5), bool)
    faint = Profiles(np.full((5, 6), 1e-3, np.float32), np.array([0, 2, 6], np.int32))
    assert group_atoms(all_masked(faint), everything, CONFIG).tolist() == [0, 1, 2, 3, 4]


def test_groups_without_mass_belong_to_nothing():
    mass = np.zeros((5, 8), np.float32)
    mass[[1, 3], ::2] = 20.0
    found = group_atoms(all_masked(Profiles(mass, np.arange(0, 9, 2, dtype=np.int32))), np.ones((5, 5), bool), CONFIG)
    assert found.tolist() == [-1, 0, -1, 0, -1]
    nothing = group_atoms(
        all_masked(Profiles(mass * 0, np.arange(0, 9, 2, dtype=np.int32))), np.ones((5, 5), bool), CONFIG
    )
    assert nothing.tolist() == [-1] * 5


def test_a_pair_merges_where_its_log_odds_are_positive():
    """Two groups in one mask in some views and in two masks in the others: a sum decides, not a count of views."""
    agree, disagree = Odds().agree, Odds().disagree
    for together in range(7):
        mass = np.zeros((2, 12), np.float32)
        mass[0, ::2] = 1000.0
        for view in range(6):
            mass[1, 2 * view + (view >= together)] = 1000.0
        found = group_atoms(
            all_masked(Profiles(mass, np.arange(0, 13, 2, dtype=np.int32))), np.ones((2, 2), bool), CONFIG
        )
        merged = together * agree + (6 - together) * disagree > 0
        assert (found[0] == found[1]) == merged
    assert merged


def test_groups_apart_need_more_evidence_than_groups_that_touch():
    def merged(views: int, contact: bool) -> bool:
        mass = np.zeros((2, 2 * views), np.float32)
        mass[:, ::2] = 1000.0
        profiles = Profiles(mass, np.arange(0, 2 * views + 1, 2, dtype=np.int32))
        touch = np.array([[True, contact], [contact, True]])
        return bool(np.ptp(group_atoms(all_masked(profiles), touch, CONFIG)) == 0)

    enough = int(np.ceil(CONFIG.apart / Odds().agree * 1.01))
    assert merged(1, True)
    assert not merged(enough - 1, False)
    assert merged(enough, False)


def test_a_contact_of_one_part_is_a_contact_of_the_whole():
    """Far parts 0 and 2 are both of the thing with part 1, through which they merge without a price."""
    mass = np.zeros((3, 4), np.float32)
    mass[:, ::2] = 1000.0
    touch = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]], bool)
    profiles = Profiles(mass, np.array([0, 2, 4], np.int32))
    assert group_atoms(all_masked(profiles), touch, GroupingConfig(apart=1e6)).tolist() == [0, 0, 0]
    assert group_atoms(all_masked(profiles), np.eye(3, dtype=bool), GroupingConfig(apart=1e6)).tolist() == [0, 1, 2]


def test_what_was_given_is_not_changed(make_things):
    world = make_things(0)
    evidence = evidence_of_parts(world, world.part, 18)
    mass, touch = evidence.mass.copy(), touching(neighbours(world.means, 8), world.part, 18)
    before = touch.copy()
    group_atoms(evidence, touch, CONFIG)
    assert np.array_equal(evidence.mass, mass)
    assert np.array_equal(touch, before)


def plain_grouping(given: GroupEvidence, touch: np.ndarray, apart: float) -> np.ndarray:
    """Merge the best pair of all, compute everything anew, again: slow and obvious."""
    members = [[g] for g in range(len(given.mass)) if given.mass[g].any()]
    for price, far in ((0.0, False), (apart, True)):
        while len(members) > 1:
            mass, unmasked = (
                np.stack([table[m].sum(axis=0) for m in members]).astype(np.float32)
                for table in (given.mass, given.unmasked)
            )
            evidence = GroupEvidence(Profiles(mass, given.first), unmasked)
            best, pair = 0.0, None
            for i in range(len(members)):
                odds = evidence.compare(np.full(len(members), i), np.arange(len(members))).log_odds(Odds())
                for j in range(i + 1, len(members)):
                    near = (touch | touch.T)[np.ix_(members[i], members[j])].any()
                    if not (near or far):
                        continue
                    score = odds[j] - (0.0 if near else price)
                    if score > best:
                        best, pair = score, (i, j)
            if pair is None:
                break
            members[pair[0]] += members.pop(pair[1])
    out = np.full(len(given.mass), -1)
    for number, m in enumerate(sorted(members, key=min)):
        out[m] = number
    return out


@pytest.mark.parametrize("seed", range(5))
def test_the_result_is_that_of_merging_the_best_pair_of_all_again_and_again(make_things, seed):
    world = make_things(seed, things=4, views=6, split=0.5, merged=0.4, missing=0.3)
    touch = touching(neighbours(world.means, 8), world.part, 12)
    evidence = evidence_of_parts(world, world.part, 12)
    assert np.array_equal(group_atoms(evidence, touch, CONFIG), plain_grouping(evidence, touch, CONFIG.apart))


def test_nor_does_it_differ_where_masks_and_contacts_are_random():
    merged, parted = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        thing = rng.integers(0, 3, 9)
        mass = np.zeros((9, 18), np.float32)
        for view in range(6):
            mask = rng.permutation(3)[thing]
            mask = np.where(rng.random(9) < 0.35, rng.integers(0, 3, 9), mask)
            mass[np.arange(9), 3 * view + mask] = rng.uniform(1, 30, 9)
        unmasked = np.where(rng.random((9, 6)) < 0.3, rng.uniform(1, 60, (9, 6)), 0.0).astype(np.float32)
        evidence = GroupEvidence(Profiles(mass, np.arange(0, 19, 3, dtype=np.int32)), unmasked)
        touch = rng.random((9, 9)) < 0.15
        found = group_atoms(evidence, touch, GroupingConfig(apart=1.5))
        assert np.array_equal(found, plain_grouping(evidence, touch, 1.5)), seed
        merged += found.max() < 8
        parted += found.max() > 0
    assert merged > 50
    assert parted > 50
