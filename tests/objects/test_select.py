"""Picking: the same light as the renderer's, and an object for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gsseg.io.splat_formats import read_splats
from gsseg.objects.select import MIN_WEIGHT, pick, select, select_point
from gsseg.render import reference
from gsseg.scene import Camera, Gaussians, RenderConfig


def random_gaussians(seed: int, count: int = 300, scale: float = 1.0) -> Gaussians:
    """Gaussians of all shapes, at depths 1 to 10 about the z axis, all lengths times ``scale``."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 0.1, (count, 3))
    means[:, 2] = rng.permutation(np.linspace(1, 10, count))
    log_scales = rng.uniform(-7, -1.5, (count, 3))
    return Gaussians(
        means=torch.from_numpy((means * scale).astype(np.float32)),
        log_scales=torch.from_numpy((log_scales + np.log(scale)).astype(np.float32)),
        quats_wxyz=torch.nn.functional.normalize(
            torch.from_numpy(rng.normal(size=(count, 4)).astype(np.float32)), dim=1
        ),
        opacity_logits=torch.from_numpy(rng.normal(0, 2, count).astype(np.float32)),
        sh=torch.zeros(count, 1, 3),
        drawable=torch.ones(count, dtype=torch.bool),
    )


def spheres(positions: list[list[float]], opacities: list[float], radius: float = 0.1) -> Gaussians:
    """Round Gaussians."""
    count = len(positions)
    return Gaussians(
        means=torch.tensor(positions),
        log_scales=torch.full((count, 3), float(np.log(radius))),
        quats_wxyz=torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        opacity_logits=torch.logit(torch.tensor(opacities)),
        sh=torch.zeros(count, 1, 3),
        drawable=torch.ones(count, dtype=torch.bool),
    )


ORIGIN, DIRECTION = np.array([0.05, -0.03, -0.5]), np.array([0.02, 0.01, 1.0])


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_each_gaussian_responds_as_in_the_reference_renderer(scale: float, one_pixel: Callable[..., Camera]) -> None:
    gaussians = random_gaussians(7, 150, scale)
    exact = replace(gaussians, render=RenderConfig(dilation=0.0))
    blended = reference.blend(exact, one_pixel(ORIGIN * scale, DIRECTION))
    expected = np.zeros(150)
    expected[blended.rows] = (blended.alphas * blended.touched)[0]
    compared = 0
    for row in range(150):
        hits = pick(gaussians.subset(torch.tensor([row])), ORIGIN * scale, DIRECTION)
        if len(hits.rows) and hits.distances[0] < 0.5 * scale:
            continue  # the renderer asks where the centre is, the ray where the peak is
        assert hits.weights.sum() == pytest.approx(expected[row], abs=2e-4), row
        compared += expected[row] > 0
    assert compared > 5


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_those_of_the_reference_renderer(seed: int, one_pixel: Callable[..., Camera]) -> None:
    shaped = random_gaussians(seed)
    # Round ones peak at the depth of their centre, so that both sort alike.
    gaussians = replace(shaped, log_scales=shaped.log_scales[:, :1].repeat(1, 3))
    exact = replace(gaussians, render=RenderConfig(dilation=0.0))
    expected = reference.blend_weights(exact, one_pixel(ORIGIN, DIRECTION))
    hits = pick(gaussians, ORIGIN, DIRECTION)
    assert len(hits.rows) > 5
    assert np.array_equal(hits.rows, expected.indices.numpy())
    assert np.allclose(hits.weights, expected.values.numpy(), atol=2e-4)


@pytest.mark.parametrize("seed", range(3))
def test_laws_of_a_pick(seed: int) -> None:
    gaussians = random_gaussians(seed)
    for origin in (ORIGIN, np.array([0.0, 0.0, 5.0])):
        hits = pick(gaussians, origin, DIRECTION)
        assert len(hits.rows)
        assert (np.diff(hits.distances) >= 0).all()
        assert (hits.distances >= gaussians.render.near_plane).all(), "nothing behind the origin"
        assert 0 < hits.weights.sum() <= 1
        back = pick(gaussians, origin, -DIRECTION)
        assert not set(hits.rows) & set(back.rows)
        for factor in (1e-200, 3.0, 1e200):
            longer = pick(gaussians, origin, DIRECTION * factor)
            assert np.array_equal(longer.rows, hits.rows)
            assert np.allclose(longer.distances, hits.distances)
        order = np.random.default_rng(seed).permutation(len(gaussians))
        shuffled = pick(gaussians.subset(torch.from_numpy(order)), origin, DIRECTION)
        assert np.array_equal(order[shuffled.rows], hits.rows)
        assert np.array_equal(shuffled.weights, hits.weights)


def test_millimetres_in_a_scene_of_a_hundred_metres() -> None:
    gaussians = spheres([[100.0, 100.0, 100.0], [100.0, 100.0, 100.1]], [0.9, 0.9], radius=1e-3)
    hits = pick(gaussians, np.zeros(3), np.ones(3))
    assert hits.rows.tolist() == [0]
    assert hits.distances[0] == pytest.approx(100 * np.sqrt(3))
    flat = replace(gaussians, log_scales=torch.tensor([[4.6, 4.6, -12.0]] * 2))
    hits = pick(flat, np.array([100.0, 100.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    assert hits.rows.tolist() == [0, 1]
    assert hits.distances == pytest.approx([100.0, 100.1], rel=1e-6)


def test_rows_that_cannot_be_drawn_are_not_hit() -> None:
    gaussians = spheres([[0, 0, 1.0], [0, 0, 2.0]], [0.9, 0.9])
    assert pick(gaussians, np.zeros(3), np.array([0, 0, 1])).rows.tolist() == [0, 1]
    hidden = replace(gaussians, drawable=torch.tensor([False, True]))
    assert pick(hidden, np.zeros(3), np.array([0, 0, 1])).rows.tolist() == [1]
    assert select_point(hidden, np.array([0, 1], np.int32), np.array([0, 0, 1.0])).object_id == 1


def test_the_object_with_most_of_the_light_is_selected() -> None:
    gaussians = spheres([[0, 0, 1.0], [0, 0, 2.0], [0, 0, 2.5], [5.0, 0, 0]], [0.4, 0.5, 0.9, 0.9])
    ids = np.array([0, 1, 1, 1], np.int32)
    found = select(gaussians, ids, np.zeros(3), np.array([0, 0, 9]))
    assert found is not None
    assert found.object_id == 1, "two of its Gaussians outweigh the one in front"
    assert found.rows.tolist() == [1, 2, 3]
    assert found.weight == pytest.approx(0.6 * 0.5 + 0.3 * 0.9, abs=1e-6)
    assert found.gaussian == 1
    assert found.position == pytest.approx([0, 0, 2.0])


def test_no_hit_is_an_answer() -> None:
    gaussians = spheres([[0, 0, 1.0], [0, 0, 2.0]], [0.35, 0.9])
    ray = (np.zeros(3), np.array([0, 0, 1.0]))
    haze = np.array([-1, 0], np.int32)
    assert select(gaussians, haze, *ray).object_id == 0, "seen through a thin haze"
    assert select(gaussians, np.array([0, -1], np.int32), *ray) is None, "mostly something unassigned"
    assert select(gaussians, haze, np.zeros(3), np.array([1.0, 0, 0])) is None, "beside everything"
    faint = spheres([[0, 0, 1.0]], [MIN_WEIGHT - 0.01])
    assert select(faint, np.zeros(1, np.int32), *ray) is None
    assert select(spheres([[0, 0, 1.0]], [MIN_WEIGHT + 0.01]), np.zeros(1, np.int32), *ray) is not None


@pytest.mark.parametrize("direction", [[0.0, 0, 0], [np.nan, 0, 1], [np.inf, 0, 1]])
def test_what_is_no_ray(direction: list[float]) -> None:
    gaussians = spheres([[0, 0, 1.0]], [0.9])
    with pytest.raises(ValueError, match="no ray"):
        pick(gaussians, np.zeros(3), np.array(direction))
    with pytest.raises(ValueError, match="no point"):
        select_point(gaussians, np.zeros(1, np.int32), np.array([np.nan, 0, 0]))


def test_a_point_inside_beside_and_of_no_object() -> None:
    gaussians = spheres([[0, 0, 0], [1.0, 0, 0], [9.0, 0, 0]], [0.9, 0.9, 0.9])
    wide = replace(gaussians, log_scales=torch.log(torch.tensor([[0.1] * 3, [0.1] * 3, [5.0] * 3])))
    ids = np.array([0, 1, 2], np.int32)
    inside = select_point(gaussians, ids, np.array([0.95, 0, 0]))
    assert (inside.object_id, inside.gaussian) == (1, 1)
    assert inside.weight == pytest.approx(0.9 * np.exp(-0.125), rel=1e-5)
    beside = select_point(wide, ids, np.array([0.4, 0, 0]))
    assert (beside.object_id, beside.weight) == (0, 0.0), "the nearest centre, not the widest Gaussian"
    assert select_point(gaussians, np.array([-1, 1, 1], np.int32), np.zeros(3)).object_id == 1
    assert select_point(gaussians, np.full(3, -1, np.int32), np.zeros(3)) is None


@pytest.mark.parametrize("name", ["guitar.ply", "bonsai_with_nan.ply", "avatar.ply"])
def test_real_files_can_be_picked(shared: Path, name: str) -> None:
    gaussians = read_splats(shared / "scenes" / "splats" / name).gaussians
    rng = np.random.default_rng(0)
    means, opaque = gaussians.means.double().numpy(), np.flatnonzero(gaussians.opacities.numpy() > 0.9)
    extent = np.quantile(means, 0.9, axis=0) - np.quantile(means, 0.1, axis=0)
    origin = np.median(means, axis=0) + 10 * extent.max() * np.array([0.3, 0.2, 1.0])
    for row in rng.choice(opaque, 20):
        hits = pick(gaussians, origin, means[row] - origin)
        assert 0.9 - 1e-6 <= hits.weights.sum() <= 1, "whatever is in front, an opaque Gaussian ends the ray"
        assert gaussians.drawable[hits.rows].all()
