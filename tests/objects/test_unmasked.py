"""Unmasked light of groups, against loops over the module's formula."""

from dataclasses import replace

import numpy as np
import pytest

from gsseg.objects.profiles import neighbours
from gsseg.objects.unmasked import RIM, speaking, unmasked_light


def light_of(evidence, groups, near, count) -> np.ndarray:
    return unmasked_light(evidence, speaking(evidence, near), groups, count)


def plain_unmasked(evidence, groups, near, count) -> np.ndarray:
    dense = evidence.matrix.toarray()
    columns = []
    for view in range(evidence.views):
        rows = evidence.row_view == view
        if not (evidence.row_label[rows] > 0).any():
            continue
        open_air = dense[rows & (evidence.row_label == 0)][0] * evidence.central
        masked = (dense[rows & (evidence.row_label > 0)].sum(axis=0) > 0) & evidence.central
        seen = (dense[rows].sum(axis=0) > 0) & evidence.central
        light = np.zeros(count)
        for g in np.flatnonzero((open_air > 0) & (groups >= 0)):
            around = near[g][seen[near[g]]]
            if masked[around].sum() <= RIM * len(around):
                light[groups[g]] += open_air[g]
        columns.append(light)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_the_loops(evidence_of, seed):
    """Six views of which one has no mask; a ball in whose one half the masks lie, and some Gaussians of tails alone."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(90, 3)).astype(np.float32)
    labels = np.where(means[:, 0] > 0.2, rng.integers(0, 4, (6, 90)), rng.integers(-1, 2, (6, 90)))
    labels[:, means[:, 1] > 0.5] = 0
    labels[3] = np.minimum(labels[3], 0)
    evidence = evidence_of(labels, rng.uniform(0.1, 1, labels.shape), rng.random(90) < 0.9)
    groups, near = rng.integers(-1, 5, 90), neighbours(means, 12)
    found = light_of(evidence, groups, near, 5)
    assert found.shape == (5, 5)
    assert np.allclose(found, plain_unmasked(evidence, groups, near, 5), rtol=1e-5)
    alone = light_of(evidence, groups, np.zeros((90, 0), np.int64), 5)
    assert 0 < found.sum() < alone.sum()


def test_an_eroded_rim_is_no_unmasked_light_and_a_dropped_thing_is(evidence_of):
    """A line of 40 Gaussians: a mask that has lost Gaussians 0 and 10, and, from 20 on, a thing without a mask."""
    labels = np.where(np.arange(40) < 20, 1, 0)[None]
    labels[0, [0, 10]] = 0
    means = np.arange(40, dtype=np.float32)[:, None] * np.array([[1, 0, 0]], np.float32)
    light = light_of(evidence_of(labels), np.repeat([0, 1], 20), neighbours(means, 4), 2)
    assert light[0, 0] == 0.0
    assert light[1, 0] == 19.0, "the Gaussian beside the mask lies on its rim"


def test_masks_always_speak_and_tails_never(make_things):
    world = make_things(1, missing=0.5, views=6)
    central = np.random.default_rng(0).random(len(world.truth)) < 0.8
    evidence = replace(world.evidence, central=central)
    spoken = speaking(evidence, neighbours(world.means, 12))
    masked = evidence.row_label > 0
    whole = evidence.matrix.toarray()
    assert np.array_equal(spoken.toarray()[masked][:, central], whole[masked][:, central])
    assert (spoken.toarray()[:, ~central] == 0).all()
    assert 0 < spoken.toarray()[~masked].sum() < whole[~masked][:, central].sum()


def test_the_order_of_gaussians_does_not_matter(make_things):
    world = make_things(2, missing=0.4, views=6)
    order = np.random.default_rng(0).permutation(len(world.truth))
    evidence = replace(
        world.evidence, matrix=world.evidence.matrix[:, order], central=world.evidence.central[order],
        visibility=world.evidence.visibility[order],
    )  # fmt: skip
    found = light_of(world.evidence, world.part, neighbours(world.means, 12), 18)
    other = light_of(evidence, world.part[order], neighbours(world.means[order], 12), 18)
    assert np.allclose(found, other, rtol=1e-5)
    assert found.any()
