"""Rays: Numba's tree against testing every triangle, and Open3D against Numba where it can be loaded."""

import numpy as np
import pytest

from gsseg.sample.mesh import ball, box, joined
from gsseg.sample.world import NumbaCaster, Open3DCaster


def _scene(count: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    balls = [ball(0.1, rng.uniform(0.2, 3.0, 3), (1.0, 1.0, 1.0), rings=6) for _ in range(count)]
    mesh = joined([*balls, box((4.0, 4.0, 4.0), (1.5, 1.5, -0.5), (1.0, 1.0, 1.0))])
    return mesh.vertices[mesh.faces]


def _rays(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.uniform(0.0, 3.0, (count, 3)), rng.normal(size=(count, 3))


def _brute_force(triangles: np.ndarray, origin: np.ndarray, direction: np.ndarray) -> tuple[float, int]:
    """Solves origin + t direction = a + u e1 + v e2 for every triangle by its own 3 x 3 system."""
    e1, e2 = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    matrix = np.stack([-np.broadcast_to(direction, e1.shape), e1, e2], 2)
    solvable = np.abs(np.linalg.det(matrix)) > 1e-14
    t, u, v = np.full((3, len(triangles)), -1.0)
    answer = np.linalg.solve(matrix[solvable], (origin - triangles[solvable, 0])[..., None])[..., 0]
    t[solvable], u[solvable], v[solvable] = answer.T
    t = np.where((t > 0) & (u >= 0) & (v >= 0) & (u + v <= 1), t, np.inf)
    return float(t.min()), int(t.argmin())


def test_first_hits_are_the_nearest_triangles() -> None:
    triangles, (origins, directions) = _scene(), _rays(200)
    distance, triangle = NumbaCaster(triangles).first(origins, directions)
    for k in range(200):
        expected, row = _brute_force(triangles, origins[k], directions[k])
        assert distance[k] == pytest.approx(expected, rel=1e-9)
        assert triangle[k] == row


def test_blocked_agrees_with_first_hits() -> None:
    triangles, (origins, directions) = _scene(), _rays(2000)
    caster = NumbaCaster(triangles)
    distance, _ = caster.first(origins, directions)
    blocked = caster.blocked(origins, directions)
    np.testing.assert_array_equal(blocked, distance < 1)
    assert 0.05 < blocked.mean() < 0.95


def test_rays_that_leave_meet_nothing() -> None:
    triangles = _scene(1)
    up = np.array([[0.0, 0.0, 10.0]])
    distance, triangle = NumbaCaster(triangles).first(up, np.array([[0.0, 0.0, 1.0]]))
    assert distance[0] == np.inf
    assert triangle[0] == -1


def test_open3d_agrees_with_numba() -> None:
    pytest.importorskip("open3d", reason="Open3D cannot be loaded here (its wheel needs libusb)", exc_type=ImportError)
    triangles, (origins, directions) = _scene(), _rays(2000)
    ours, theirs = NumbaCaster(triangles), Open3DCaster(triangles)
    distance, triangle = ours.first(origins, directions)
    other_distance, other_triangle = theirs.first(origins, directions)
    np.testing.assert_allclose(other_distance, distance, rtol=1e-3, atol=1e-4)
    assert (other_triangle == triangle).mean() > 0.99
    assert (theirs.blocked(origins, directions) == ours.blocked(origins, directions)).mean() > 0.995
