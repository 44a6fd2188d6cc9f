"""Every Gaussian to one object: against the model written out in loops, and on worlds whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from gsseg.objects.assignment import BACKGROUND_SHARE, assign
from gsseg.objects.mean_field import NOBODY, mean_field, neighbour_weights
from gsseg.objects.profiles import neighbours
from gsseg.objects.votes import CANDIDATES, SMALLEST_OWNER, AssignmentConfig

CONFIG = AssignmentConfig()
UNSMOOTHED = AssignmentConfig(rounds=1, smoothing=0.0)


def grey(count: int) -> np.ndarray:
    return np.full((count, 3), 0.5, np.float32)


def nobody(count: int) -> np.ndarray:
    return np.zeros((count, 0), np.int64)


def painted(things) -> np.ndarray:
    """Each thing in a colour of its own, a little uneven: what touches another thing can be told from it."""
    rng = np.random.default_rng(9)
    palette = rng.permutation(np.stack(np.meshgrid([0.0, 0.5, 1.0], [0.0, 0.5, 1.0], [0.2, 0.8]), -1).reshape(-1, 3))
    return (palette[things.truth] + rng.normal(0, 0.03, (len(things.truth), 3))).astype(np.float32)


def plain_candidates(group, current, near, background) -> list[list[int]]:
    lists = []
    for i in range(len(group)):
        found = [background]
        for o in [group[i], current[i], *current[near[i]]]:
            if o >= 0 and o not in found:
                found.append(int(o))
        lists.append(found[:CANDIDATES])
    return lists


def plain_sweep(likelihood, near, weights, chance):
    """One mean-field sweep over dictionaries object -> value, one for each Gaussian."""
    out = []
    for i, own in enumerate(likelihood):
        score = {
            o: value + sum(weights[i, k] * chance[j].get(o, 0.0) for k, j in enumerate(near[i]))
            for o, value in own.items()
        }
        top = max(score.values())
        whole = sum(np.exp(value - top) for value in score.values())
        out.append({o: np.exp(value - top) / whole for o, value in score.items()})
    return out


def plain_assignment(evidence, objects, near, weights, config) -> tuple[np.ndarray, np.ndarray]:
    """(object, lead over the second) of each Gaussian after one round."""
    dense = evidence.matrix.toarray().astype(np.float64)
    gaussians, classes = dense.shape[1], int(objects.max()) + 2
    background = classes - 1
    current = objects.copy()
    for g in range(gaussians):
        total = dense[:, g].sum()
        if total > 0 and dense[evidence.row_label == 0, g].sum() > BACKGROUND_SHARE * total:
            current[g] = background
    mass = np.stack([dense[:, current == o].sum(axis=1) for o in range(classes)])
    group = np.where(np.isin(objects, current), objects, -1)
    likely = group.copy()
    for g in np.flatnonzero((group < 0) & (current < 0)):
        share = (dense[:, g] * mass[:background] / np.maximum(mass.sum(axis=0), 1e-12)).sum(axis=1)
        likely[g] = share.argmax() if share.max() > 0 else -1
    likelihood = []
    for g, candidates in enumerate(plain_candidates(likely, current, near, background)):
        score = dict.fromkeys(candidates, 0.0)
        for row in np.flatnonzero(dense[:, g]):
            view = np.flatnonzero(evidence.row_view == evidence.row_view[row])
            for o in candidates:
                if evidence.central[g]:
                    average = mass[:, row].sum() / mass[:, view].sum()
                    theta = (mass[o, row] + average) / (mass[o, view].sum() + 1.0)
                    shown = (1 - config.mistake) * theta + config.mistake / len(view)
                    score[o] += dense[row, g] / (dense[row, g] + config.half_seen) * np.log(shown)
                else:
                    score[o] += dense[row, g] * mass[o, row] / max(mass[:, row].sum(), 1e-12)
        if not evidence.central[g] and dense[:, g].any():
            score = {o: np.log(max(value / dense[:, g].sum(), SMALLEST_OWNER)) for o, value in score.items()}
        if group[g] in score:
            score[group[g]] += config.kept
        likelihood.append(score)
    chance = plain_sweep(likelihood, np.zeros((gaussians, 0), int), weights, [{}] * gaussians)
    for _ in range(config.sweeps):
        chance = plain_sweep(likelihood, near, config.smoothing * weights, chance)
    chosen, lead = np.full(gaussians, -1), np.full(gaussians, np.inf)
    for g in np.flatnonzero(evidence.visibility > 0):
        best, *others = sorted(chance[g], key=lambda o, g=g: -chance[g][o])
        chosen[g] = best
        lead[g] = chance[g][best] - max((chance[g][o] for o in others), default=0.0)
    return np.where(chosen == background, -1, chosen), lead


@pytest.mark.parametrize("voters", [0, 1, 5])
@pytest.mark.parametrize("seed", range(4))
def test_one_round_is_the_model_in_loops(evidence_of, seed, voters):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, 5, (7, 80))
    labels[:, 20:30] = np.minimum(labels[:, 20:30], 0)
    evidence = evidence_of(labels, rng.uniform(0.01, 1, labels.shape), rng.random(80) < 0.7)
    objects, colors = rng.integers(-1, 6, 80), rng.random((80, 3)).astype(np.float32)
    near = neighbours(rng.normal(size=(80, 3)).astype(np.float32), voters)
    config = AssignmentConfig(rounds=1, sweeps=3, smoothing=4.0)
    found = assign(evidence, objects, near, colors, config)
    weights = neighbour_weights(evidence.visibility, near, colors)
    expected, lead = plain_assignment(evidence, objects, near, weights, config)
    clear = lead > 1e-4
    assert clear.sum() > 70
    assert np.array_equal(found[clear], expected[clear])
    assert len(np.unique(found)) > 3
    if not voters:
        assert (found[20:30] == -1).all()


def random_field(seed: int, count: int = 40):
    """Candidates, log-likelihoods, neighbours and weights that know nothing of each other."""
    rng = np.random.default_rng(seed)
    candidates = np.full((count, CANDIDATES), NOBODY, np.int32)
    for row in candidates:
        own = rng.integers(1, CANDIDATES + 1)
        row[:own] = rng.permutation(12)[:own]
    near = neighbours(rng.normal(size=(count, 3)).astype(np.float32), 6)
    likelihood = rng.normal(0, 2, candidates.shape).astype(np.float32)
    return candidates, likelihood, near, rng.uniform(0, 1.5, near.shape).astype(np.float32)


@pytest.mark.parametrize("sweeps", [0, 1, 5])
@pytest.mark.parametrize("seed", range(3))
def test_mean_field_is_sweeps_over_dictionaries(seed, sweeps):
    candidates, likelihood, near, weights = random_field(seed)
    own = [
        {int(o): float(value) for o, value in zip(row, values, strict=True) if o >= 0}
        for row, values in zip(candidates, likelihood, strict=True)
    ]
    expected = plain_sweep(own, np.zeros((len(own), 0), int), weights, own)
    for _ in range(sweeps):
        expected = plain_sweep(own, near, weights, expected)
    found = mean_field(candidates, likelihood, near, weights, sweeps)
    assert np.allclose(found.sum(axis=1), 1.0, atol=1e-5)
    assert not found[candidates < 0].any()
    for row, values, plain in zip(candidates, found, expected, strict=True):
        assert [plain[int(o)] for o in row if o >= 0] == pytest.approx(values[row >= 0].tolist(), abs=1e-5)


def test_mean_field_follows_gaussians_when_they_are_renumbered():
    candidates, likelihood, near, weights = random_field(5)
    order = np.random.default_rng(0).permutation(len(near))
    place = np.argsort(order)
    found = mean_field(candidates, likelihood, near, weights, 5)
    other = mean_field(candidates[order], likelihood[order], place[near[order]], weights[order], 5)
    assert np.array_equal(other, found[order])


def test_a_neighbour_is_heard_by_its_light_and_its_colour():
    visibility = np.array([4.0, 4.0, 1.0, 0.0, 9.0], np.float32)
    near = np.array([[1, 2], [0, 2], [0, 3], [0, 4], [1, 3]])
    colors = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 0], [0, 0, 1]], np.float32)
    found = neighbour_weights(visibility, near, colors)
    difference = np.square(colors[near] - colors[:, None]).sum(axis=2)
    strength = np.sqrt(visibility)
    middle = np.median(difference[visibility > 0]), np.median(strength[visibility > 0])
    for i in range(5):
        for k, j in enumerate(near[i]):
            heard = 2 * strength[j] / (strength[j] + middle[1]) / 2
            assert found[i, k] == pytest.approx(np.exp(-difference[i, k] / (2 * middle[0])) * heard, rel=1e-5)


def test_a_patch_without_a_group_joins_the_object_whose_masks_it_lies_in(evidence_of):
    """The codes of a third of a thing are of no group; most of these Gaussians have no neighbour of any object."""
    labels = np.tile(np.repeat([1, 2], 60), (5, 1))
    rng = np.random.default_rng(0)
    means = np.stack([np.arange(120.0), rng.normal(size=120), rng.normal(size=120)], axis=1).astype(np.float32)
    objects = np.repeat([0, 1], 60)
    start = np.where(np.arange(120) >= 80, -1, objects)
    assert np.array_equal(assign(evidence_of(labels), start, neighbours(means, 4), grey(120), CONFIG), objects)


def test_a_far_object_is_no_candidate(evidence_of):
    """Gaussian 0 shows the mask of object 1 in every view, but lies deep among those of object 0."""
    labels = np.tile(np.repeat([1, 2], 20), (5, 1))
    labels[:, 0] = 2
    means = np.random.default_rng(0).normal(0, 0.1, (40, 3)) + np.repeat([[0.0, 0, 0], [9, 0, 0]], 20, axis=0)
    near, objects = neighbours(means.astype(np.float32), 12), np.repeat([0, 1], 20)
    found = assign(evidence_of(labels), objects, near, grey(40), replace(CONFIG, smoothing=0.0))
    assert found[0] in (-1, 0)
    assert np.array_equal(found[1:], objects[1:])


def test_the_group_of_the_code_counts_as_much_as_it_is_said_to(evidence_of):
    """A Gaussian that one view shows in either object's mask stays with the group of its code."""
    labels = np.tile(np.repeat([1, 2], 20), (6, 1))
    labels[:3, 0] = 2
    means = np.random.default_rng(0).normal(0, 0.1, (40, 3)).astype(np.float32)
    near, objects = neighbours(means, 30), np.repeat([0, 1], 20)
    for own in (0, 1):
        start = objects.copy()
        start[0] = own
        found = assign(evidence_of(labels), start, near, grey(40), replace(CONFIG, smoothing=0.0, kept=3.0))
        assert found[0] == own


@pytest.mark.parametrize(
    "errors", [{}, {"split": 0.4}, {"merged": 0.2}, {"missing": 0.3}, {"split": 0.3, "merged": 0.15, "missing": 0.25}],
    ids=str,
)  # fmt: skip
def test_the_truth_comes_out_of_a_poor_start(make_things, errors):
    for seed in range(2):
        world = make_things(seed, views=25, **errors)
        rng = np.random.default_rng(seed)
        start = np.where(rng.random(len(world.truth)) < 0.25, rng.integers(-1, 6, len(world.truth)), world.truth)
        assert (start != world.truth).mean() > 0.15
        near = neighbours(world.means, 12)
        found = assign(world.evidence, start, near, painted(world), CONFIG)
        assert np.array_equal(found, world.truth)


def test_what_no_view_masks_is_background_even_if_it_started_as_an_object(make_things, evidence_of):
    """An unmasked shelf in front of which three things stand; at first half of it was given to one of them."""
    world = make_things(0, things=3)
    count = len(world.truth)
    masked = np.where(world.truth == 1, 0, world.truth + 1)  # the thing in the middle is never masked
    labels = np.where(np.random.default_rng(0).random((10, count)) < 0.8, masked, -1)
    start = np.where(world.truth == 1, np.arange(count) % 2 - 1, world.truth)
    found = assign(evidence_of(labels), start, neighbours(world.means, 12), painted(world), CONFIG)
    assert np.array_equal(found, np.where(world.truth == 1, -1, world.truth))


def test_a_missed_object_is_not_background(make_things):
    """Masked in two views of five, all of it together: more often unmasked than not, and still an object."""
    world = make_things(1, things=4, views=30, missing=0.55)
    found = assign(world.evidence, world.truth, neighbours(world.means, 12), painted(world), CONFIG)
    assert np.array_equal(found, world.truth)


def test_what_no_view_sees_has_no_object(make_things, evidence_of):
    labels = np.tile(np.repeat([1, 2], 20), (4, 1))
    labels[:, [3, 25]] = -1
    objects = np.repeat([0, 1], 20)
    means = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    found = assign(evidence_of(labels), objects, neighbours(means, 12), grey(40), CONFIG)
    assert np.flatnonzero(found == -1).tolist() == [3, 25]


def test_tails_alone_make_a_gaussian_the_mean_owner_of_its_pixels(evidence_of):
    """The last Gaussian's tails lie mostly in the masks of object 1; a class likelihood would not average them."""
    labels = np.tile(np.repeat([1, 2], 10), (5, 1))
    labels = np.append(labels, [[1], [2], [2], [2], [1]], axis=1)
    weights = np.full(labels.shape, 0.5)
    central = np.arange(21) < 20
    objects = np.append(np.repeat([0, 1], 10), -1)
    near = np.tile([0, 10], (21, 1))  # both objects are candidates
    near[[0, 10]] = [[1, 11]]
    found = assign(evidence_of(labels, weights, central), objects, near, grey(21), UNSMOOTHED)
    assert found.tolist() == [0] * 10 + [1] * 11
    weights[0, -1] = weights[4, -1] = 0.9
    found = assign(evidence_of(labels, weights, central), objects, near, grey(21), UNSMOOTHED)
    assert found.tolist() == [0] * 10 + [1] * 10 + [0]


def test_neighbours_of_like_colour_outvote_a_gaussian_that_masks_mistake(evidence_of):
    """Gaussian 0 lies among those of object 1 and shows the mask of object 0 in every view, at 1/20 of their weight."""
    labels = np.tile(np.repeat([1, 2], 20), (5, 1))
    weights = np.full(labels.shape, 0.8)
    weights[:, 0] = 0.01
    means = np.random.default_rng(0).normal(0, 0.1, (40, 3)) + np.repeat([[0.0, 0, 0], [9, 0, 0]], 20, axis=0)
    means[0] = [9, 0, 0]
    near, objects = neighbours(means.astype(np.float32), 12), np.repeat([0, 1], 20)
    colors = grey(40) + np.random.default_rng(1).normal(0, 0.02, (40, 3)).astype(np.float32)
    evidence = evidence_of(labels, weights)
    assert assign(evidence, objects, near, colors, CONFIG)[0] == 1
    assert assign(evidence, objects, near, colors, replace(CONFIG, smoothing=0.0))[0] == 0
    assert assign(evidence, objects, nobody(40), colors, CONFIG)[0] == 0
    colors[0] = [1.0, 0.0, 0.0]
    assert assign(evidence, objects, near, colors, CONFIG)[0] == 0, "neighbours of another colour have no say"


def test_the_order_of_gaussians_does_not_matter(make_things, evidence_of):
    rng = np.random.default_rng(3)
    world = make_things(3, split=0.3, merged=0.3, missing=0.3, views=8)
    count = len(world.truth)
    start = np.where(rng.random(count) < 0.3, rng.integers(-1, 6, count), world.truth)
    colors = rng.random((count, 3)).astype(np.float32)
    found = assign(world.evidence, start, neighbours(world.means, 12), colors, CONFIG)
    order = rng.permutation(count)
    shuffled = replace(
        world.evidence, matrix=world.evidence.matrix[:, order], central=world.evidence.central[order],
        visibility=world.evidence.visibility[order],
    )  # fmt: skip
    other = assign(shuffled, start[order], neighbours(world.means[order], 12), colors[order], CONFIG)
    assert np.array_equal(other, found[order])


def test_names_of_objects_are_kept(make_things):
    """Objects renamed, with a gap between them, are renamed in the result."""
    world = make_things(5, things=4)
    names = np.array([7, 2, 9, 0])
    near = neighbours(world.means, 12)
    found = assign(world.evidence, names[world.truth], near, painted(world), CONFIG)
    assert np.array_equal(found, names[world.truth])


def test_without_any_object_nothing_has_one(make_things):
    world = make_things(6, things=2)
    count = len(world.truth)
    found = assign(world.evidence, np.full(count, -1), neighbours(world.means, 12), grey(count), CONFIG)
    assert (found == -1).all()


@pytest.mark.parametrize("numbers", [(0, 1), (3, 8)])
def test_an_object_that_holds_nothing_does_not_take_over_the_background(evidence_of, numbers):
    """All starts as background, as all views but one leave it unmasked: the names of objects stay empty."""
    labels = np.zeros((9, 40), np.int64)
    labels[0, :4] = 1
    objects = np.where(np.arange(40) < 20, *numbers)
    near = neighbours(np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), 12)
    assert (assign(evidence_of(labels), objects, near, grey(40), CONFIG) == -1).all()
