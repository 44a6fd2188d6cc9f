"""Rays: Numba's tree against testing every triangle, and against Open3D where it can be loaded."""

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.meshes.open3d_loader import open3d
from gsseg.sample.mesh import ball, box, joined
from gsseg.sample.world import Caster


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
    distance, triangle = Caster(triangles).first(origins, directions)
    for k in range(200):
        expected, row = _brute_force(triangles, origins[k], directions[k])
        assert distance[k] == pytest.approx(expected, rel=1e-9)
        assert triangle[k] == row


def test_blocked_agrees_with_first_hits() -> None:
    triangles, (origins, directions) = _scene(), _rays(2000)
    caster = Caster(triangles)
    distance, _ = caster.first(origins, directions)
    blocked = caster.blocked(origins, directions)
    np.testing.assert_array_equal(blocked, distance < 1)
    assert 0.05 < blocked.mean() < 0.95


def test_rays_that_leave_meet_nothing() -> None:
    triangles = _scene(1)
    up = np.array([[0.0, 0.0, 10.0]])
    distance, triangle = Caster(triangles).first(up, np.array([[0.0, 0.0, 1.0]]))
    assert distance[0] == np.inf
    assert triangle[0] == -1


def test_open3d_agrees() -> None:
    try:
        o3d = open3d()
    except InputError as error:
        pytest.skip(str(error))
    triangles, (origins, directions) = _scene(), _rays(2000)
    ours = Caster(triangles)
    distance, triangle = ours.first(origins, directions)

    tensor = o3d.core.Tensor.from_numpy
    scene = o3d.t.geometry.RaycastingScene()
    vertices = np.ascontiguousarray(triangles.reshape(-1, 3), np.float32)
    scene.add_triangles(tensor(vertices), tensor(np.arange(len(vertices), dtype=np.uint32).reshape(-1, 3)))
    rays = tensor(np.concatenate([origins, directions], 1).astype(np.float32))
    answer = scene.cast_rays(rays)
    other = answer["primitive_ids"].numpy().astype(np.int64)
    np.testing.assert_allclose(answer["t_hit"].numpy(), distance, rtol=1e-3, atol=1e-4)
    assert (np.where(other == scene.INVALID_ID, -1, other) == triangle).mean() > 0.99
    blocked = scene.test_occlusions(rays, tnear=0.0, tfar=1.0).numpy()
    assert (blocked == ours.blocked(origins, directions)).mean() > 0.995
