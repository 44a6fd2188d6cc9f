"""gsplat's weights against the float64 oracle, where there is a GPU."""

from dataclasses import replace

import pytest
import torch

from gsseg.render import blend_weights, reference
from gsseg.render.constants import ALPHA_THRESHOLD, TRANSMITTANCE_THRESHOLD
from gsseg.scene import RenderConfig

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")


def decided(blended):
    """Pixels on which float32 projections (relative error 1e-4 in alpha) decide every threshold as float64 does."""
    alive = blended.light > TRANSMITTANCE_THRESHOLD * 0.99
    alpha = (blended.alphas / ALPHA_THRESHOLD - 1.0).abs() < 1e-4
    light = (blended.light_after / TRANSMITTANCE_THRESHOLD - 1.0).abs() < 1e-2
    return ~(alive & (alpha | light)).any(dim=1)


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("kind", ["plain", "elongated", "behind", "huge", "border", "opaque"])
def test_weights_row_sums_and_gradients_agree(make_gaussians, make_camera, kind, antialiased):
    gaussians, camera = make_gaussians(kind, 250, seed=1), make_camera(67, 300)  # two strips, odd width
    gaussians = replace(gaussians, render=RenderConfig(antialiased=antialiased))
    pixels = torch.arange(0, 67 * 300, 5)
    blended = reference.blend(gaussians, camera, pixels.numpy())
    rows, expected = decided(blended), blended.weights.float()
    weights = blend_weights(gaussians.to("cuda"), camera, pixels)
    assert weights.values.is_cuda
    found = weights.to_dense().cpu()
    assert rows.float().mean() > 0.9
    assert (found - expected)[rows].abs().max() < 1e-4
    assert (weights.alpha.cpu() - expected.sum(1))[rows].abs().max() < 1e-4
    maps = torch.randn(len(pixels), 6) * rows[:, None] / len(rows)
    features = torch.randn(250, 6, device="cuda", requires_grad=True)
    weights.render(features).backward(maps.cuda())
    assert features.grad is not None
    exact = expected.T @ maps
    assert (features.grad.cpu() - exact).abs().max() < 1e-4 * max(1.0, exact.abs().max().item())


def test_pooled_and_transposed_products_on_the_gpu(make_gaussians, make_camera):
    gaussians, camera = make_gaussians("plain", 250, seed=1), make_camera(40, 30)
    weights = blend_weights(gaussians.to("cuda"), camera)
    labels = torch.arange(1200, device="cuda") // 100
    hot = torch.nn.functional.one_hot(labels).float().T
    assert (weights.pool(labels).to_dense() - hot @ weights.to_dense()).abs().max() < 1e-4
    assert (weights.visibility - weights.to_dense().sum(0)).abs().max() < 1e-3


def test_gsplat_draws_what_the_weights_draw(make_gaussians, make_camera):
    from gsseg.render.cuda import render_map

    gaussians, camera = make_gaussians("plain", 250, seed=1).to("cuda"), make_camera(40, 30)
    features = torch.rand(250, 3, device="cuda")
    drawn = render_map(features, gaussians, camera)
    assert (drawn - blend_weights(gaussians, camera).render(features)).abs().max() < 1e-3
