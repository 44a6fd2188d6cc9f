"""The nearest triangle is the one that trying all of them finds."""

import numpy as np

from gsseg.meshes.nearest import nearest_triangles


def test_as_by_trying_many_points_of_every_triangle():
    rng = np.random.default_rng(3)
    vertices, points = rng.normal(size=(12, 3)), rng.normal(size=(40, 3)).astype(np.float32)
    triangles = np.stack([rng.permutation(12)[:3] for _ in range(8)])
    mix = rng.dirichlet((0.5, 0.5, 0.5), 20_000)  # dense at edges and corners, where the nearest point often is
    spread = np.einsum("sk,tkd->tsd", mix, vertices[triangles])
    tried = np.stack([np.linalg.norm(spread - point, axis=2).min(1) for point in points])
    found, distance = nearest_triangles(vertices, triangles, points)
    assert np.abs(distance - tried.min(1)).max() < 0.02
    assert (tried[np.arange(40), found] - tried.min(1)).max() < 0.02
    assert len(set(found.tolist())) > 3


def test_what_is_not_finite_is_infinitely_far():
    vertices, triangles = np.eye(3), np.array([[0, 1, 2]])
    points = np.array([[1, 0, 0], [np.nan, 0, 0], [1, 0, 3]], np.float32)
    found, distance = nearest_triangles(vertices, triangles, points)
    assert found.tolist() == [0, 0, 0]
    assert distance[0] < 1e-6
    assert np.isinf(distance[1])
    assert distance[2] > 2
