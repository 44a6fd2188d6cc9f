"""Profiles, neighbours and contacts against dense matrices, brute force and loops."""

import numpy as np
import pytest

from gsseg.objects.profiles import FEWEST_CONTACTS, group_mass, mask_profiles, neighbours, touching


@pytest.fixture(scope="module")
def evidence(evidence_of):
    """Five views; the third has no mask, and some labels are not used."""
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 5, (5, 70))
    labels[2] = np.minimum(labels[2], 0)
    labels[3][labels[3] == 2] = 4
    return evidence_of(labels, rng.uniform(0.01, 1, labels.shape))


@pytest.fixture(scope="module")
def groups() -> np.ndarray:
    """Eight groups, of which the sixth is empty, and Gaussians of none."""
    groups = np.random.default_rng(1).integers(-1, 8, 70)
    groups[groups == 5] = -1
    return groups


def test_group_mass_is_the_dense_product(evidence, groups):
    dense = evidence.matrix.toarray().astype(np.float64)
    found = group_mass(evidence, groups, 8)
    assert found.shape == (8, len(dense))
    for group in range(8):
        assert np.allclose(found[group], dense[:, groups == group].sum(axis=1), rtol=1e-5)
    assert not found[5].any()


def test_gaussians_of_no_group_are_left_out(evidence):
    assert not group_mass(evidence, np.full(70, -1), 3).any()
    everything = group_mass(evidence, np.zeros(70, np.int64), 1)[0]
    assert np.allclose(everything, evidence.matrix.sum(axis=1), rtol=1e-5)


def test_mask_profiles_are_the_rows_of_masks_view_by_view(evidence, groups):
    mass = group_mass(evidence, groups, 8)
    profiles = mask_profiles(evidence, groups, 8)
    assert np.array_equal(profiles.mass, mass[:, evidence.row_label > 0])
    assert profiles.first_mask.tolist() == [0, 4, 8, 12, 16], "the view without a mask has dropped out"
    with_masks = [0, 1, 3, 4]
    for column, view in enumerate(with_masks):
        rows = (evidence.row_view == view) & (evidence.row_label > 0)
        assert np.allclose(profiles.view_mass[:, column], mass[:, rows].sum(axis=1), rtol=1e-5)


def distances_to(means, found):
    return np.linalg.norm(means[found].astype(np.float64) - means[:, None], axis=2)


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("count", [1, 5, 12])
def test_neighbours_are_the_nearest_others(count, grid):
    rng = np.random.default_rng(count)
    means = (rng.integers(0, 3, (80, 3)) if grid else rng.normal(size=(80, 3))).astype(np.float32)
    found = neighbours(means, count)
    assert found.shape == (80, count)
    assert not (found == np.arange(80)[:, None]).any()
    assert all(len(set(row)) == count for row in found.tolist())
    everything = np.linalg.norm(means[:, None].astype(np.float64) - means[None], axis=2)
    np.fill_diagonal(everything, np.inf)
    assert np.allclose(distances_to(means, found), np.sort(everything, axis=1)[:, :count])


def test_neighbours_where_centres_coincide():
    means = np.repeat(np.array([[0, 0, 0], [5, 0, 0]], np.float32), [30, 2], axis=0)
    found = neighbours(means, 4)
    assert not (found == np.arange(32)[:, None]).any()
    assert all(len(set(row)) == 4 for row in found.tolist())
    assert (found[:30] < 30).all()
    assert found[30, 0] == 31
    assert found[31, 0] == 30


def test_fewer_gaussians_than_neighbours():
    means = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    assert np.array_equal(np.sort(neighbours(means, 9), axis=1), [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    assert neighbours(means[:1], 9).shape == (1, 0)
    assert neighbours(means, 0).shape == (4, 0)


def test_touching_counts_neighbour_pairs(groups):
    near = neighbours(np.random.default_rng(2).normal(size=(70, 3)).astype(np.float32), 5)
    found = touching(near, groups, 8)
    contacts = np.zeros((8, 8), int)
    for i in range(70):
        for j in near[i]:
            if groups[i] >= 0 and groups[j] >= 0:
                contacts[groups[i], groups[j]] += 1
    expected = contacts + contacts.T > FEWEST_CONTACTS
    assert np.array_equal(found, expected)
    assert np.array_equal(found, found.T)
    off_diagonal = ~np.eye(8, dtype=bool)
    assert 0 < found[off_diagonal].sum() < off_diagonal.sum()


def test_touching_follows_the_groups_when_they_are_renamed(groups):
    near = neighbours(np.random.default_rng(2).normal(size=(70, 3)).astype(np.float32), 5)
    order = np.random.default_rng(3).permutation(8)
    renamed = np.where(groups >= 0, order[np.maximum(groups, 0)], -1)
    assert np.array_equal(touching(near, renamed, 8)[np.ix_(order, order)], touching(near, groups, 8))


def test_far_groups_do_not_touch():
    means = np.concatenate([np.random.default_rng(i).normal(100.0 * i, 1, (20, 3)) for i in range(3)])
    groups = np.repeat([0, 1, 2], 20)
    assert np.array_equal(touching(neighbours(means.astype(np.float32), 8), groups, 3), np.eye(3, dtype=bool))
