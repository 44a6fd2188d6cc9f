"""Depths: where the light is half used up, and where the ray meets that Gaussian."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import gsseg
from gsseg.meshes.depth import render_frame
from gsseg.scene import Gaussians

KINDS = ("plain", "elongated", "opaque", "border", "behind", "tiny")


def plain_frame(gaussians: Gaussians, camera: gsseg.Camera) -> tuple[np.ndarray, np.ndarray]:
    """Depth and Gaussian of every pixel, in float64 and by the book: inverse covariances, one pixel after the other."""
    weights = gsseg.blend_weights(gaussians, camera)
    depth, median = np.zeros(weights.rows), np.full(weights.rows, -1)
    turns = Rotation.from_quat(gaussians.quats_wxyz.double().numpy()[:, [1, 2, 3, 0]]).as_matrix()
    for row in range(weights.rows):
        entries = slice(int(weights.indptr[row]), int(weights.indptr[row + 1]))
        enough = np.flatnonzero(np.cumsum(weights.values[entries].double().numpy()) >= 0.5)
        if not len(enough):
            continue
        i = int(weights.indices[entries][enough[0]])
        y, x = divmod(row, camera.width)
        ray = np.array([(x + 0.5 - camera.cx) / camera.fx, (y + 0.5 - camera.cy) / camera.fy, 1.0])
        ray = camera.T_camera_world[:3, :3].T @ ray
        scales = gaussians.scales[i].double().numpy()
        precision = turns[i] @ np.diag(1.0 / scales**2) @ turns[i].T
        offset = gaussians.means[i].double().numpy() - camera.position
        z = ray @ precision @ offset / (ray @ precision @ ray)
        centre = camera.T_camera_world[2, :3] @ gaussians.means[i].double().numpy() + camera.T_camera_world[2, 3]
        depth[row] = np.clip(z, centre - 3.0 * scales.max(), centre + 3.0 * scales.max())
        median[row] = i
    return np.where(depth > 1e-6, depth, 0.0), np.where(depth > 1e-6, median, -1)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_plain_formula(make_gaussians, make_camera, kind: str) -> None:
    gaussians, camera = make_gaussians(kind), make_camera()
    frame = render_frame(gaussians, camera, np.arange(len(gaussians)))
    depth, median = plain_frame(gaussians, camera)
    np.testing.assert_array_equal(frame.objects.reshape(-1), median)
    np.testing.assert_allclose(frame.depth.reshape(-1), depth, rtol=1e-4, atol=1e-5)
    assert kind not in ("opaque", "border") or (depth > 0).mean() > 0.3, "the test sees something"


def test_a_slanted_disc_is_seen_at_its_plane(make_camera) -> None:
    normal = np.array([0.0, -1.0, 0.6]) / np.hypot(1.0, 0.6)
    turn = Rotation.align_vectors([normal], [[0.0, 0.0, 1.0]])[0].as_quat()[[3, 0, 1, 2]]
    disc = Gaussians(
        means=torch.zeros(1, 3),
        log_scales=torch.log(torch.tensor([[0.5, 0.5, 1e-4]])),
        quats_wxyz=torch.tensor(turn[None], dtype=torch.float32),
        opacity_logits=torch.tensor([6.0]),
        sh=torch.zeros(1, 1, 3),
        drawable=torch.ones(1, dtype=torch.bool),
    )
    camera = make_camera(64, 48)
    frame = render_frame(disc, camera, np.zeros(1, np.int32))
    rows, columns = np.nonzero(frame.depth)
    assert len(rows) > 50
    for row, column in zip(rows[::7], columns[::7], strict=True):
        origin, direction = camera.ray(column + 0.5, row + 0.5)
        met = origin - (origin @ normal) / (direction @ normal) * direction
        assert frame.depth[row, column] == pytest.approx(camera.T_camera_world[2, :3] @ met + 3.0, rel=1e-3)
    transparent = replace(disc, opacity_logits=torch.tensor([-0.1]))
    assert not render_frame(transparent, camera, np.zeros(1, np.int32)).depth.any(), "half of the light goes through"
    assert (render_frame(transparent, camera, np.zeros(1, np.int32)).objects == -1).all()


def test_a_ball_is_as_far_as_it_is(make_balls, around) -> None:
    gaussians, ids = make_balls((0.0, 0.0, 0.0))
    frame = render_frame(gaussians, around[0].camera, ids)
    seen = np.argwhere(frame.depth > 0)
    assert len(seen) > 500
    distance = []
    for row, column in seen:
        origin, direction = around[0].camera.ray(column + 0.5, row + 0.5)
        z = around[0].camera.T_camera_world[2, :3] @ direction
        distance.append(np.linalg.norm(origin + direction * frame.depth[row, column] / z))
    assert np.quantile(np.abs(np.array(distance) - 0.5), 0.9) < 0.01
