"""Normals of what Gaussians lie on: known surfaces, laws of moving and turning, and which side is outside."""

import numpy as np
import pytest

from gsseg.objects.normals import outward_normals
from gsseg.objects.profiles import neighbours


def normals_of(evidence_of, means: np.ndarray, eyes: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """Of Gaussians that all views see, unless ``seen`` (views, gaussians) says otherwise."""
    labels = np.ones((len(eyes), len(means)), int) if seen is None else np.where(seen, 1, -1)
    evidence = evidence_of(labels)
    object.__setattr__(evidence, "eyes", eyes.astype(np.float32))
    means = means.astype(np.float32)
    return outward_normals(evidence, means, neighbours(means, 12))


def plane(rng: np.random.Generator, count: int = 400) -> np.ndarray:
    return np.column_stack([rng.uniform(-1, 1, (count, 2)), np.zeros(count)])


def test_a_plane_is_seen_from_either_side(evidence_of):
    means = plane(np.random.default_rng(0))
    for side in (1.0, -1.0):
        found = normals_of(evidence_of, means, np.array([[0.2, 0.1, 2.0 * side]]))
        assert np.allclose(found, [0, 0, side], atol=1e-4)


def test_each_gaussian_listens_to_the_views_that_see_it(evidence_of):
    means = plane(np.random.default_rng(1))
    left = means[:, 0] < 0
    found = normals_of(evidence_of, means, np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]), np.stack([left, ~left]))
    assert np.allclose(found[:, 2], np.where(left, 1, -1), atol=1e-4)


def test_a_ball_has_radial_normals(evidence_of):
    rng = np.random.default_rng(2)
    means = rng.normal(size=(3000, 3))
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    eyes = 5 * np.concatenate([np.eye(3), -np.eye(3)])
    found = normals_of(evidence_of, means, eyes, eyes @ means.T > 2)
    assert (found * means).sum(axis=1).mean() > 0.98
    assert (found * means).sum(axis=1).min() > 0.5


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_normals_move_and_turn_with_the_scene(evidence_of, shift):
    """Far from the origin float32 places are coarse: neighbourhoods are still centred before they are squared."""
    rng = np.random.default_rng(3)
    means = np.column_stack([rng.uniform(-50, 50, (500, 2)), np.zeros(500)])
    means[:, 2] = 0.02 * means[:, 0] ** 2
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    eye = np.array([[3.0, 4.0, 200.0]])
    found = normals_of(evidence_of, means, eye)
    other = normals_of(evidence_of, means @ turn.T + shift, eye @ turn.T + shift)
    assert ((found @ turn.T) * other).sum(axis=1).min() > 0.999


def test_few_and_coincident_centres_give_unit_vectors(evidence_of):
    for means in (np.zeros((1, 3)), np.zeros((5, 3)), np.array([[0.0, 0, 0], [1, 0, 0]])):
        found = normals_of(evidence_of, means, np.array([[0.0, 0, 1]]))
        assert np.allclose(np.linalg.norm(found, axis=1), 1)
