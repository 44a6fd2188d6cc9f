"""The compiled renderer against the float64 oracle: W, its row sums, gradients, and the thresholds themselves."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.exact_sums import in_steps_of, step_of
from gsseg.render import blend_weights, reference
from gsseg.render.constants import ALPHA_THRESHOLD, TRANSMITTANCE_THRESHOLD
from gsseg.render.cuda import _log_light_before
from gsseg.render.rasterize import rasterize
from gsseg.scene import Gaussians, RenderConfig

KINDS = ["plain", "elongated", "behind", "huge", "border", "opaque", "tiny"]


def decided(blended: reference.Blend) -> torch.Tensor:
    """Pixels in which no alpha and no transmittance lies within 1e-6 (relative) of its threshold.

    On the others float32 may decide otherwise than float64, and rightly so.
    """
    alive = blended.light > TRANSMITTANCE_THRESHOLD * (1 - 1e-6)
    alpha = (blended.alphas / ALPHA_THRESHOLD - 1.0).abs() < 1e-6
    light = (blended.light_after / TRANSMITTANCE_THRESHOLD - 1.0).abs() < 1e-6
    return ~(alive & (alpha | light)).any(dim=1)


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_row_sums_and_gradients_agree(make_gaussians, make_camera, renderer, kind, antialiased):
    gaussians = make_gaussians(kind, 250, seed=KINDS.index(kind))
    gaussians = replace(gaussians, render=RenderConfig(antialiased=antialiased))
    for width, height in ((40, 30), (67, 33)):
        camera = make_camera(width, height)
        blended = reference.blend(gaussians, camera)
        expected = blended.weights
        rows = decided(blended)
        assert rows.float().mean() > 0.99
        weights = blend_weights(gaussians, camera, renderer=renderer)
        found = weights.to_dense().double()
        assert expected.max() > 0.1
        assert (found - expected)[rows].abs().max() < 1e-4
        assert (weights.alpha - expected.sum(1))[rows].abs().max() < 1e-4

        gen = torch.Generator().manual_seed(5)
        features = torch.randn(len(gaussians), 6, generator=gen)
        maps = torch.randn(len(rows), 6, generator=gen) * rows[:, None] / len(rows)
        exact = features.double().requires_grad_()
        (expected @ exact).backward(maps.double())
        ours = features.clone().requires_grad_()
        weights.render(ours).backward(maps)
        assert (ours.grad - exact.grad).abs().max() < 1e-4 * max(1.0, exact.grad.abs().max().item())


@pytest.mark.parametrize("kind", KINDS)
def test_order_inside_a_row_is_front_to_back(make_gaussians, make_camera, renderer, kind):
    gaussians, camera = make_gaussians(kind, 150, seed=8), make_camera(33, 17)
    expected = reference.blend_weights(gaussians, camera)
    found = blend_weights(gaussians, camera, renderer=renderer)
    same = (found.indptr[1:] - found.indptr[:-1]) == (expected.indptr[1:] - expected.indptr[:-1])
    assert same.float().mean() > 0.99
    rows = torch.nonzero(same)[:, 0]
    assert torch.equal(found.sampled(rows).indices, expected.sampled(rows).indices)


def test_equal_depths_are_blended_in_the_order_of_the_file(make_camera):
    gaussians = wall(torch.tensor([0.3, 0.5, 0.7]), distance=1.0)
    weights = blend_weights(gaussians, make_camera(9, 9))
    middle = weights.indices[weights.indptr[40] : weights.indptr[41]]
    assert middle.tolist() == [0, 1, 2]


def test_the_gaussian_that_would_end_a_pixel_is_not_drawn(make_camera, renderer):
    # 1 - 0.98 = 0.02; three of them leave 8e-6 < 1e-4, two leave 4e-4: the third is the one that is not drawn.
    gaussians = wall(torch.tensor([0.98, 0.98, 0.98, 0.5]), distance=1.0)
    weights = blend_weights(gaussians, make_camera(9, 9), renderer=renderer)
    assert weights.visibility[2:].tolist() == [0.0, 0.0]
    assert torch.allclose(weights.to_dense()[40, :2], torch.tensor([0.98, 0.98 * 0.02]), atol=1e-6)


def test_no_alpha_beyond_its_largest_value(make_camera, renderer):
    weights = blend_weights(wall(torch.tensor([0.99999]), 1.0), make_camera(9, 9), renderer=renderer)
    assert weights.values.max().item() == pytest.approx(0.999, abs=1e-7)


@pytest.mark.parametrize(("opacity", "drawn"), [(ALPHA_THRESHOLD * 0.999, False), (ALPHA_THRESHOLD * 1.001, True)])
def test_nothing_fainter_than_a_step_of_an_image_is_drawn(make_camera, renderer, opacity, drawn):
    weights = blend_weights(wall(torch.tensor([opacity]), 1.0), make_camera(9, 9), renderer=renderer)
    assert (len(weights.indices) > 0) == drawn


@pytest.mark.parametrize("kind", KINDS)
def test_rasterizer_draws_what_weights_draw(make_gaussians, make_camera, kind):
    gaussians, camera = make_gaussians(kind, 250, seed=2), make_camera(45, 35)
    weights = blend_weights(gaussians, camera)
    gen = torch.Generator().manual_seed(5)
    for dim in (1, 6):
        features, maps = torch.randn(250, dim, generator=gen), torch.randn(weights.rows, dim, generator=gen)
        a, b = features.clone().requires_grad_(), features.clone().requires_grad_()
        by_weights, drawn = weights.render(a), rasterize(b, gaussians, camera)
        assert torch.allclose(by_weights, drawn, atol=1e-5)
        by_weights.backward(maps)
        drawn.backward(maps)
        assert torch.allclose(a.grad, b.grad, atol=1e-3, rtol=1e-4)


def test_rasterizer_names_a_wrong_size(make_gaussians, make_camera):
    with pytest.raises(ValueError, match="250 Gaussians, but the features have 3 rows"):
        rasterize(torch.zeros(3, 6), make_gaussians(count=250), make_camera())


def test_a_turned_camera_sees_the_turned_scene_alike(make_gaussians, make_camera):
    """Moving the world and the camera together changes nothing: quaternion and pose conventions agree."""
    gaussians, camera = make_gaussians("elongated", 200, seed=4), make_camera()
    angle = 0.7
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1.0]])
    w, x, y, z = gaussians.quats_wxyz.double().unbind(1)
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    turned = replace(
        gaussians,
        means=(gaussians.means.double() @ torch.from_numpy(turn).T).float(),
        quats_wxyz=torch.stack([c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w], 1).float(),
    )
    pose = camera.T_camera_world.copy()
    pose[:3, :3] = pose[:3, :3] @ turn.T
    there = blend_weights(turned, replace(camera, T_camera_world=pose))
    assert (there.alpha - blend_weights(gaussians, camera).alpha).abs().max() < 2e-3


def wall(opacities: torch.Tensor, distance: float) -> Gaussians:
    """Round Gaussians so large that a small image sees each as a uniform sheet, all centred on the view's axis."""
    count = len(opacities)
    means = torch.zeros(count, 3)
    means[:, 1] = distance
    means[:, 2] = 0.3
    return Gaussians(
        means=means,
        log_scales=torch.full((count, 3), math.log(1e4)),
        quats_wxyz=torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        opacity_logits=torch.logit(opacities.double()).float(),
        sh=torch.zeros(count, 1, 3),
        drawable=torch.ones(count, dtype=torch.bool),
    )


def test_light_in_front_of_an_entry_is_the_product_of_what_passes_before():
    counts = torch.tensor([3, 0, 1, 200])
    alphas = torch.rand(204, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.998 + 0.001
    expected = torch.cat([torch.cumprod(1 - run, 0) / (1 - run) for run in alphas.split(counts.tolist())])
    step = step_of(7.0)
    found = torch.exp(_log_light_before(in_steps_of(step, torch.log1p(-alphas)), counts).double() * step)
    assert torch.allclose(found, expected, rtol=1e-6, atol=1e-30)


def test_wall_fills_the_view(make_camera):
    weights = blend_weights(wall(torch.tensor([0.5]), 1.0), make_camera(9, 9))
    assert torch.allclose(weights.alpha, torch.full((81,), 0.5), atol=1e-4)
