"""Where groups touch: sums over neighbours written out, folds of known shapes, and merging beside counting anew."""

import numpy as np

from gsseg.objects.contacts import CONCAVE, Contacts
from gsseg.objects.profiles import neighbours


def plain(groups, near, means, normals, i, j) -> tuple[float, float, float]:
    """Contacts, concave ones and the sum of cosines between groups i and j, by loops."""
    contacts, concave, cosine = 0, 0, 0.0
    for g in range(len(groups)):
        for h in near[g]:
            if {groups[g], groups[h]} == {i, j} and i != j:
                step = (means[h].astype(float) - means[g]) / np.linalg.norm(means[h].astype(float) - means[g])
                contacts += 1
                concave += float((normals[h] - normals[g]) @ step) < CONCAVE
                cosine += float(normals[h] @ normals[g])
    return contacts, concave, cosine


def random_groups(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(120, 3)).astype(np.float32)
    normals = rng.normal(size=(120, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return rng.integers(-1, 5, 120), neighbours(means, 6), means, normals


def test_tables_are_the_loops():
    groups, near, means, normals = random_groups(0)
    found = Contacts(groups, 5, near, means, normals)
    one, other = np.triu_indices(5, 1)
    folds = found.compare(one, other)
    for k, (i, j) in enumerate(zip(one, other, strict=True)):
        contacts, concave, cosine = plain(groups, near, means, normals, i, j)
        assert folds.contacts[k] == contacts
        assert np.isclose(folds.concave[k] * contacts, concave)
        assert np.isclose(folds.cosine[k] * contacts, cosine, atol=1e-5)
        sizes = sorted([(groups == i).sum(), (groups == j).sum()])
        assert [folds.smaller[k], folds.larger[k]] == sizes
    assert np.array_equal(folds.contacts, found.compare(other, one).contacts), "either way round"
    assert 0 < folds.concave.mean() < 1


def test_a_merged_group_touches_as_if_it_had_always_been_one():
    groups, near, means, normals = random_groups(1)
    merged = Contacts(groups, 5, near, means, normals)
    merged.merge(3, 1)
    merged.merge(0, 3)
    anew = Contacts(np.where(np.isin(groups, [1, 3]), 0, groups), 5, near, means, normals)
    one, other = np.array([0, 0, 2]), np.array([2, 4, 4])
    for name in ("contacts", "concave", "cosine", "smaller", "larger"):
        assert np.allclose(getattr(merged.compare(one, other), name), getattr(anew.compare(one, other), name)), name


def corner(inside: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two walls at a right angle, seen from inside or outside: groups, centres and normals."""
    side = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2) + 0.5
    along_x = np.column_stack([side[:, 0], 0 * side[:, 0], side[:, 1]])
    along_y = np.column_stack([0 * side[:, 0], side[:, 0], side[:, 1]])
    normals = np.concatenate([np.tile([0.0, 1, 0], (64, 1)), np.tile([1.0, 0, 0], (64, 1))])
    return (
        np.repeat([0, 1], 64),
        np.concatenate([along_x, along_y]).astype(np.float32),
        (normals if inside else -normals).astype(np.float32),
    )


def test_a_corner_is_concave_from_inside_and_convex_from_outside():
    for inside in (True, False):
        groups, means, normals = corner(inside)
        found = Contacts(groups, 2, neighbours(means, 8), means, normals)
        folds = found.compare(np.array([0]), np.array([1]))
        assert folds.contacts[0] > 10
        assert folds.concave[0] == (1.0 if inside else 0.0)
        assert abs(folds.cosine[0]) < 1e-6


def test_groups_that_do_not_touch_have_no_fold():
    means = np.array([[0.0, 0, 0], [1, 0, 0], [100, 0, 0], [101, 0, 0]], np.float32)
    found = Contacts(
        np.array([0, 0, 1, 1]), 2, neighbours(means, 1), means, np.tile([0, 0, 1], (4, 1)).astype(np.float32)
    )
    folds = found.compare(np.array([0]), np.array([1]))
    assert (folds.contacts[0], folds.concave[0], folds.cosine[0]) == (0, 0, 0)
