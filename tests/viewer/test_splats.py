"""Every drawable Gaussian is drawn, whatever its size and shape, and a change sends what changed and nothing else."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gsseg_viewer import splats
from gsseg_viewer.splats import MAX_NODES, SplatNodes

from gsseg.scene import Gaussians


def nodes_of(gaussians: Gaussians, ids: np.ndarray | None = None) -> SplatNodes:
    ids = np.zeros(len(gaussians), np.int32) if ids is None else ids.astype(np.int32)
    return splats._grouped(gaussians, ids, np.zeros(len(ids), np.int32))


def unpacked(nodes: SplatNodes) -> tuple[np.ndarray, np.ndarray]:
    """Centres and covariances in world units, float64, as viser's shader reads them."""
    unit = np.repeat(nodes.scales, np.diff(nodes.edges))[:, None]
    centres = nodes.geometry[:, :3].view(np.float32).astype(np.float64) * unit
    upper = np.ascontiguousarray(nodes.geometry[:, 4:7]).view(np.float16).astype(np.float64)
    return centres, upper[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3) * unit[:, :, None] ** 2


def plain_covariances(gaussians: Gaussians) -> np.ndarray:
    """R S S^T R^T, float64."""
    w, x, y, z = gaussians.quats_wxyz.double().numpy().T
    rotation = np.stack(
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
         2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
         2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], 1
    ).reshape(-1, 3, 3)  # fmt: skip
    half = rotation * np.exp(gaussians.log_scales.double().numpy())[:, None]
    return half @ half.transpose(0, 2, 1)


def drawn_by_shader(covariances: np.ndarray, camera: np.ndarray, pixels: float) -> np.ndarray:
    """Which Gaussians viser's vertex shader draws, seen along the last axis of a camera: the covariance in float32.

    ``pixels``: of a unit of the world on the picture. GaussianSplatsHelpers.ts of viser 1.1.1 as it is mended here.
    """
    toward = (camera[:2] * pixels).astype(np.float32)
    projected = toward @ covariances.astype(np.float32) @ toward.T
    first, off, second = projected[:, 0, 0] + np.float32(0.3), projected[:, 0, 1], projected[:, 1, 1] + np.float32(0.3)
    middle = np.float32(0.5) * (first + second)
    radius = np.sqrt(((first - second) / 2) ** 2 + off**2)
    undefined = (off == 0) & (middle + radius - first == 0)
    return ~undefined & (middle - radius >= 0) & (first * second - off**2 > 0)


def looking() -> list[np.ndarray]:
    """Cameras along the axes and the diagonals, rolled by 0, 45 and 90 degrees, and some at random."""
    half = np.sqrt(0.5)
    roll = np.array([[half, -half, 0], [half, half, 0], [0, 0, 1]])
    tilted = np.array([[half, half, 0], [0, 0, 1], [half, -half, 0]])
    rng = np.random.default_rng(0)
    anywhere = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(20)]
    bases = [np.eye(3), np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]], tilted, *anywhere]
    return [rolled @ base for base in bases for rolled in (np.eye(3), roll, roll @ roll)]


def shaped(kind: str, make_gaussians: Callable[..., Gaussians]) -> Gaussians:
    scene = replace(make_gaussians("plain", 200), drawable=torch.ones(200, dtype=torch.bool))
    upright = torch.tensor([1.0, 0, 0, 0]).repeat(200, 1)
    logs = scene.log_scales.clone()
    if kind == "round":
        return replace(scene, log_scales=logs[:, :1].repeat(1, 3), quats_wxyz=upright)
    if kind == "along the axes":
        return replace(scene, quats_wxyz=upright)
    if kind == "flat":
        logs[:, 2] = np.log(1e-7)
        return replace(scene, log_scales=logs)
    if kind == "needles":
        logs[:, 1:] = np.log(1e-7)
        return replace(scene, log_scales=logs)
    assert kind == "plain"
    return scene


@pytest.mark.parametrize("kind", ["plain", "round", "along the axes", "flat", "needles"])
@pytest.mark.parametrize("unit", [1e-4, 1e-3, 1.0, 300.0, 1e5])
def test_nothing_vanishes(kind: str, unit: float, make_gaussians: Callable[..., Gaussians]):
    scene = shaped(kind, make_gaussians)
    scene = replace(scene, means=scene.means * unit, log_scales=scene.log_scales + float(np.log(unit)))
    nodes = nodes_of(scene)
    covariances = unpacked(nodes)[1]
    typical = float(scene.scales.max(1).values.median())
    for camera in looking():
        for size in (0.02, 2.0, 30.0, 3000.0):
            assert drawn_by_shader(covariances, camera, size / typical).all()


def test_what_is_mended_would_vanish_else(make_gaussians: Callable[..., Gaussians]):
    def plainly_sent(kind: str, unit: float, size: float = 30.0) -> np.ndarray:
        scene = shaped(kind, make_gaussians)
        scene = replace(scene, log_scales=scene.log_scales + float(np.log(unit)))
        sent = plain_covariances(scene).astype(np.float16)
        typical = float(scene.scales.max(1).values.median())
        return np.array([drawn_by_shader(sent, camera, size / typical) for camera in looking()])

    assert plainly_sent("plain", 1.0).all()
    assert not plainly_sent("plain", 1e-3).any()
    assert not plainly_sent("round", 1.0)[0].any()
    assert not plainly_sent("flat", 1.0, 3000.0).all()


@pytest.mark.parametrize("unit", [1e-4, 1.0, 300.0])
def test_centres_and_shapes_are_those_of_the_scene(unit: float, make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 300)
    scene = replace(scene, means=scene.means * unit, log_scales=scene.log_scales + float(np.log(unit)))
    nodes = nodes_of(scene, np.arange(300) % 7 - 1)
    centres, covariances = unpacked(nodes)
    wanted = plain_covariances(scene)[nodes.rows]
    assert np.array_equal(centres.astype(np.float32), scene.means.numpy()[nodes.rows])
    trace = np.trace(wanted, axis1=1, axis2=2)[:, None, None]
    assert (np.abs(covariances - wanted) / trace).max() < 2.0**-9 + 2.0**-11
    assert np.linalg.eigvalsh(covariances).min() > 0


def test_sizes_beyond_the_range_are_cut_and_not_lost(make_gaussians: Callable[..., Gaussians]):
    scene = shaped("round", make_gaussians)
    logs = scene.log_scales.clone()
    logs[0], logs[1], logs[2] = -60.0, 80.0, float(np.log(3.0))
    _, covariances = unpacked(nodes_of(replace(scene, log_scales=logs)))
    assert np.isfinite(covariances).all()
    sigmas = np.sqrt(covariances[:, 0, 0])
    assert 1e-5 < sigmas[0] < sigmas[3:].min()
    assert sigmas[1] > 10 * sigmas[3:].max()
    assert sigmas[2] == pytest.approx(3.0, rel=0.01)


def test_a_tiny_object_in_a_huge_scene_keeps_its_shape(make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 200)
    ids = np.repeat([0, 1], 100)
    logs = scene.log_scales + torch.from_numpy(np.where(ids == 1, np.log(1e-4), np.log(100.0)))[:, None].float()
    scene = replace(scene, log_scales=logs)
    nodes = nodes_of(scene, ids)
    wanted = plain_covariances(scene)[nodes.rows]
    trace = np.trace(wanted, axis1=1, axis2=2)[:, None, None]
    assert (np.abs(unpacked(nodes)[1] - wanted) / trace).max() < 3e-3


@pytest.mark.parametrize("objects", [0, 1, 299, 1500])
def test_every_drawable_row_is_in_one_node(objects: int, make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 4000)
    ids = np.random.default_rng(1).integers(-1, max(objects, 0), 4000) if objects else np.full(4000, -1)
    nodes = nodes_of(scene, ids)
    assert np.array_equal(np.sort(nodes.rows), np.flatnonzero(scene.drawable.numpy()))
    assert nodes.edges[0] == 0
    assert nodes.edges[-1] == len(nodes.rows)
    assert (np.diff(nodes.edges) > 0).all()
    assert len(nodes) <= MAX_NODES
    node = np.repeat(np.arange(len(nodes)), np.diff(nodes.edges))
    of_object = {each: set(node[ids[nodes.rows] == each]) for each in np.unique(ids[nodes.rows]).tolist()}
    assert all(len(where) == 1 for where in of_object.values())
    if objects < 300:
        assert len(nodes) == len(of_object)
    loners = [each for each, where in of_object.items() if not any(
        where & other for name, other in of_object.items() if name != each)]  # fmt: skip
    assert -1 in loners
    largest = np.argsort(-np.bincount(ids[nodes.rows] + 1)[1:], kind="stable")[:250]
    assert set(largest.tolist()) <= set(loners)


def test_nothing_drawable_is_no_node(make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 5)
    assert len(nodes_of(replace(scene, drawable=torch.zeros(5, dtype=torch.bool)))) == 0


def test_nodes_are_made_once_and_go_with_their_document(balls_made: Any):
    document = balls_made.document()
    nodes = SplatNodes.of(document)
    assert SplatNodes.of(document) is nodes
    assert len(nodes) == 5
    gone = weakref.ref(nodes)
    del document, nodes
    gc.collect()
    assert gone() is None
