"""Atoms: one thing each, as many as the scene asks for, whatever the order; against a plain reading of the formulas."""

from dataclasses import replace

import numpy as np
import pytest

from gsseg.objects.agreement import GroupEvidence
from gsseg.objects.atoms import ALIKE, COLOUR, HALF_SEEN, LEAST_LIGHT, PLACE, PRIOR, AtomConfig, find_atoms
from gsseg.objects.profiles import mask_profiles, neighbours
from gsseg.objects.thin_groups import ThinProfiles
from gsseg.objects.unmasked import speaking, unmasked_light

NEAR = 6


def colors_of(things) -> np.ndarray:
    return np.random.default_rng(1).random((len(things.truth), 3)).astype(np.float32)


def atoms_of(things, config=None, colors=None):
    near = neighbours(things.means, NEAR)
    colors = colors_of(things) if colors is None else colors
    spoken = speaking(things.evidence, near)
    return find_atoms(things.evidence, spoken, near, things.means, colors, config or AtomConfig())


def plain_words(spoken, evidence, members, one, other) -> tuple[float, float, float]:
    """W, W a and X of two sets of Gaussians, read off the docstring of `gsseg.objects.agreement`."""
    light = spoken[:, members[one]].sum(axis=1), spoken[:, members[other]].sum(axis=1)
    weight = agreeing = dropped = 0.0
    for view in range(evidence.views):
        rows, masks = evidence.row_view == view, (evidence.row_view == view) & (evidence.row_label > 0)
        t, k = ([side[these].sum() for side in light] for these in (rows, masks))
        if min(t) == 0:
            continue
        r = t[0] / (t[0] + HALF_SEEN) * t[1] / (t[1] + HALF_SEEN)
        s = [k[n] / t[n] for n in (0, 1)]
        d = [np.clip((share - 0.25) / 0.5, 0, 1) for share in s]
        dropped += r * (d[0] * (1 - d[1]) + (1 - d[0]) * d[1])
        if min(k) > 0:
            p, q = light[0][masks] / k[0], light[1][masks] / k[1]
            a = max((q * np.minimum(1, 2 * p)).sum(), (p * np.minimum(1, 2 * q)).sum())
            weight += r * s[0] * s[1]
            agreeing += r * s[0] * s[1] * a
    return weight, agreeing, dropped


def plain_atoms(things, colors, config) -> np.ndarray:
    near = neighbours(things.means, NEAR)
    evidence = things.evidence
    spoken = speaking(evidence, near).toarray().astype(np.float64)
    shown = np.flatnonzero(evidence.masked)
    members = {int(g): [int(g)] for g in shown}
    links = {tuple(sorted((int(g), int(h)))) for g in shown for h in near[g] if h in members}
    spacing = np.median([np.linalg.norm(things.means[g].astype(float) - things.means[h]) for g, h in links])

    light_of = spoken.sum(axis=0) + LEAST_LIGHT

    def cost(one, other) -> float:
        w, a, x = plain_words(spoken, evidence, members, one, other)
        total = light_of[members[one]].sum(), light_of[members[other]].sum()
        place, colour = (
            [
                np.average(values[members[n]].astype(np.float64), axis=0, weights=light_of[members[n]])
                for n in (one, other)
            ]
            for values in (things.means, colors)
        )
        apart = (w - a + x + PRIOR / 5) / (w + x + PRIOR)
        far = np.square(place[0] - place[1]).sum() / spacing**2
        contrast = np.square(colour[0] - colour[1]).sum()
        return total[0] * total[1] / sum(total) * (apart + PLACE * far + COLOUR * contrast + ALIKE)

    while links:
        price = {link: cost(*link) for link in links}
        best = {n: min((price[link], sum(link) - n) for link in links if n in link) for link in links for n in link}
        unions = [
            (a, b) for a, b in sorted(links)
            if best[a][1] == b and best[b][1] == a and (price[a, b] <= config.room or len(members) > config.most)
        ]  # fmt: skip
        if not unions:
            break
        for a, b in unions:
            members[a] += members.pop(b)
            links = {tuple(sorted(a if n == b else n for n in link)) for link in links}
        links = {link for link in links if link[0] != link[1]}
    out = np.full(len(things.truth), -1)
    for atom, rows in members.items():
        out[rows] = atom
    return out


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(np.equal.outer(one, one), np.equal.outer(other, other))


@pytest.mark.parametrize("config", [AtomConfig(), AtomConfig(room=0.5), AtomConfig(room=0.0, most=9)], ids=str)
def test_the_plain_reading(make_things, config):
    things = make_things(2, things=3, per_thing=20, views=6, split=0.4, merged=0.2, missing=0.3)
    colors = colors_of(things)
    found = atoms_of(things, config, colors)
    assert 1 < len(np.unique(found[found >= 0])) < 60
    assert same_partition(found, plain_atoms(things, colors, config))


def test_thin_profiles_say_what_dense_ones_say(make_things):
    """With the dense evidence's own idea of what is hardly seen, on groups that every view sees well."""
    things = make_things(3, per_thing=200, views=9, split=0.4, merged=0.3, missing=0.3)
    count = int(things.part.max()) + 1
    spoken = speaking(things.evidence, neighbours(things.means, 12))
    dense = GroupEvidence(
        mask_profiles(things.evidence, things.part, count),
        unmasked_light(things.evidence, spoken, things.part, count),
    )
    single = spoken.T.tocsr()
    single.sort_indices()
    thin = ThinProfiles(single, things.evidence.row_view, things.evidence.row_label > 0)
    one, other = np.triu_indices(count, 1)
    words = dense.compare(one, other)
    found = thin.united(things.part, count).compare(one, other, half_seen=2.0)
    assert np.allclose(found, [words.weight, words.agreeing, words.dropped], rtol=1e-4)
    assert (found > 0).any(axis=1).all()


@pytest.mark.parametrize("errors", [{}, {"split": 0.4}, {"missing": 0.4}, {"merged": 0.2}], ids=str)
def test_an_atom_is_of_one_thing(make_things, errors):
    things = make_things(0, views=25, **errors)
    colors = (np.random.default_rng(0).random((6, 3))[things.truth]).astype(np.float32)
    found = atoms_of(things, AtomConfig(room=1.0), colors)
    pure = [len(np.unique(things.truth[found == atom])) == 1 for atom in np.unique(found)]
    assert np.mean(pure) > 0.97
    assert 6 <= len(pure) <= 180, "larger than single Gaussians, and no thing is missed"


def test_every_masked_gaussian_has_an_atom_and_no_other(make_things):
    things = make_things(1, missing=0.7, views=3)
    central = np.random.default_rng(0).random(len(things.truth)) < 0.7
    found = atoms_of(replace(things, evidence=replace(things.evidence, central=central)))
    assert np.array_equal(found >= 0, replace(things.evidence, central=central).masked)
    assert 0 < (found < 0).sum() < len(found)
    assert np.array_equal(np.unique(found[found >= 0]), np.arange(found.max() + 1))


def test_more_room_makes_larger_atoms_and_there_are_never_too_many(make_things):
    things = make_things(0, views=20, split=0.3)
    counts = [atoms_of(things, AtomConfig(room=room)).max() + 1 for room in (0.0, 0.5, 2.0, 8.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(things.truth)
    assert counts[-1] < 40
    assert atoms_of(things, AtomConfig(room=0.0, most=50)).max() + 1 <= 50


def test_the_order_of_gaussians_does_not_matter(make_things):
    things = make_things(5, split=0.3, missing=0.2)
    order = np.random.default_rng(0).permutation(len(things.truth))
    evidence = replace(
        things.evidence, matrix=things.evidence.matrix[:, order], central=things.evidence.central[order],
        visibility=things.evidence.visibility[order],
    )  # fmt: skip
    shuffled = replace(things, truth=things.truth[order], means=things.means[order], evidence=evidence)
    found = atoms_of(shuffled, colors=colors_of(things)[order])
    assert same_partition(found, atoms_of(things)[order])


def test_without_neighbours_everything_is_its_own_atom(make_things, evidence_of):
    things = make_things(0, things=1, per_thing=3)
    alone = find_atoms(
        things.evidence, speaking(things.evidence, np.zeros((3, 0), np.int64)), np.zeros((3, 0), np.int64),
        things.means, colors_of(things), AtomConfig(),
    )  # fmt: skip
    assert alone.tolist() == [0, 1, 2]
    nothing = replace(things, evidence=evidence_of(np.zeros((2, 3), int)))
    assert atoms_of(nothing).tolist() == [-1, -1, -1]
