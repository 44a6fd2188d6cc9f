"""Borders that snap to clicks: what was said holds, what was not touched stays, and a true border is found."""

import numpy as np
import pytest
import scipy.sparse as sp

from gsseg.features import MaskEvidence
from gsseg.objects.snap import Known, SnapConfig, in_the_masks_of, region_about, snap


def two_things(seed: int = 0) -> tuple[Known, np.ndarray]:
    """Two touching cubes of random points, told apart at x = 0 by features and colours; and which is the right one."""
    rng = np.random.default_rng(seed)
    means = rng.uniform([-1, 0, 0], [1, 1, 1], (3000, 3)).astype(np.float32)
    right = means[:, 0] > 0
    features = np.where(right[:, None], [1.0, 0.0], [0.0, 1.0]) + rng.normal(scale=0.05, size=(3000, 2))
    colors = np.where(right[:, None], 0.7, 0.3) + rng.normal(scale=0.03, size=(3000, 3))
    return Known(means, features.astype(np.float32), colors.astype(np.float32)), right


def nearest(known: Known, x: float) -> np.ndarray:
    return np.argsort(np.linalg.norm(known.means - (x, 0.5, 0.5), axis=1))[:3].astype(np.int64)


NONE = np.zeros(0, np.int64)


def test_without_a_click_nothing_changes() -> None:
    known, right = two_things()
    assert np.array_equal(snap(right, NONE, NONE, known), right)


@pytest.mark.parametrize("seed", range(3))
def test_a_border_that_was_drawn_wrong_snaps_to_the_true_one(seed: int) -> None:
    known, right = two_things(seed)
    wide, narrow = known.means[:, 0] > -0.3, known.means[:, 0] > 0.3
    # So small a scene is all near to the click: what was selected must count less than where clicks are local.
    config = SnapConfig(trust=0.3)
    assert np.mean(snap(wide, NONE, nearest(known, -0.15), known, config) == right) > 0.99
    assert np.mean(snap(narrow, nearest(known, 0.15), NONE, known, config) == right) > 0.99


def test_from_nothing_one_click_each_tells_two_things_apart() -> None:
    known, right = two_things()
    found = snap(np.zeros(3000, bool), nearest(known, 0.5), nearest(known, -0.5), known)
    assert np.mean(found == right) > 0.99


@pytest.mark.parametrize("seed", range(5))
def test_what_was_clicked_stays_and_what_is_far_is_not_touched(seed: int) -> None:
    known, _ = two_things(seed)
    rng = np.random.default_rng(seed)
    inside = rng.random(3000) < 0.5
    keep, drop = np.split(rng.choice(3000, 8, replace=False), 2)
    found = snap(inside, keep, drop, known, SnapConfig(region=500))
    assert found[keep].all()
    assert not found[drop].any()
    region = region_about(known.means, np.concatenate([keep, drop]), 500)
    outside = np.setdiff1d(np.arange(3000), region)
    assert np.array_equal(found[outside], inside[outside])


def test_turning_all_around_turns_the_result_around() -> None:
    """Inside and outside, keep and drop are the same thing seen from the other side, up to ties."""
    known, right = two_things()
    wide = known.means[:, 0] > -0.3
    one = snap(wide, nearest(known, 0.2), nearest(known, -0.15), known)
    other = snap(~wide, nearest(known, -0.15), nearest(known, 0.2), known)
    assert np.mean(one == ~other) > 0.999
    assert np.mean(one == right) > 0.99


@pytest.mark.parametrize(("count", "most"), [(3, 100), (30, 100), (3, 5000)])
def test_a_region_is_what_is_nearest(count: int, most: int) -> None:
    known, _ = two_things()
    clicked = np.random.default_rng(1).choice(3000, count, replace=False)
    found = region_about(known.means, clicked, most)
    far = np.linalg.norm(known.means[:, None] - known.means[clicked][None], axis=2).min(1)
    assert set(clicked.tolist()) <= set(found.tolist())
    assert np.all(np.diff(found) > 0)
    rest = np.setdiff1d(np.arange(3000), found)
    assert len(rest) == max(0, 3000 - most)
    assert not len(rest) or far[found].max() <= far[rest].min() + 1e-6


def evidence_of(masks: list[list[int]], count: int) -> MaskEvidence:
    """A view for each list, which has the mask of each Gaussian, 0 = none."""
    rows, columns, views, labels = [], [], [], []
    for view, of in enumerate(masks):
        for label in range(max(of) + 1):
            rows += [len(views)] * of.count(label)
            columns += [at for at, each in enumerate(of) if each == label]
            views.append(view)
            labels.append(label)
    matrix = sp.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(views), count))
    return MaskEvidence(
        matrix, np.array(views, np.int32), np.array(labels, np.int32), np.ones(count, bool),
        np.ones(count, np.float32), np.zeros((len(masks), 3), np.float32),
    )  # fmt: skip


def test_the_masks_of_what_was_clicked() -> None:
    evidence = evidence_of([[1, 1, 2, 0], [1, 1, 1, 2], [0, 1, 1, 1]], 4)
    shared = in_the_masks_of(evidence, np.array([0]))
    assert np.allclose(shared, [1, 1, 0.5, 0]), "the third view says nothing of the first Gaussian's mask"
    assert not in_the_masks_of(evidence, NONE).any()


def test_masks_tell_apart_what_looks_alike() -> None:
    known, right = two_things()
    alike = Known(known.means, np.ones_like(known.features) / 2, np.full_like(known.colors, 0.5))
    said = Known(alike.means, alike.features, alike.colors, None, evidence_of([(1 + right).tolist()] * 3, len(right)))
    wide = known.means[:, 0] > -0.3
    clicks = nearest(known, 0.3), nearest(known, -0.15)
    assert np.mean(snap(wide, *clicks, said) == right) > 0.99 > np.mean(snap(wide, *clicks, alike) == right)
