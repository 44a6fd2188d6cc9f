"""The stand-in for gsplat's kernels against gsplat's own torch functions, and what gsseg asks of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gsplat.cuda._torch_impl import _fully_fused_projection, _isect_tiles, _quat_scale_to_covar_preci

from gsseg.render import cpu, cuda
from gsseg.render.projection import project
from gsseg.render.projection_on_device import project_on_device
from tests.emulated_device import DEVICE, Elsewhere, EmulatedDevice
from tests.gsplat_stand_in import gsplat_stood_in, isect_tiles

KINDS = ["plain", "elongated", "behind", "huge", "border", "opaque", "tiny"]


@pytest.fixture
def stood_in(monkeypatch):
    monkeypatch.setattr(cuda, "gpu", lambda: torch.device("cpu"))
    with gsplat_stood_in() as called:
        yield called


@pytest.mark.parametrize("kind", ["plain", "border", "huge"])
def test_tiles_are_gsplat_s(make_gaussians, make_camera, kind):
    projected = project_on_device(make_gaussians(kind, 60, seed=1), make_camera(67, 33))
    radii = torch.ceil(projected.reach).int()[None]
    depths = torch.linspace(1, 2, len(projected.rows))[None]  # no two alike: gsplat's torch function keeps no order
    given = (projected.means.float()[None], radii, depths, 16, 5, 3)
    for found, expected in zip(isect_tiles(*given), _isect_tiles(*given), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_projection_is_gsplat_s_in_float64(make_gaussians, make_camera, kind):
    gaussians, camera = make_gaussians(kind, 200, seed=2), make_camera(67, 33)
    quats = torch.nn.functional.normalize(gaussians.quats_wxyz.double(), dim=1)  # gsplat makes them so again
    found = project_on_device(replace(gaussians, quats_wxyz=quats), camera)
    covars, _ = _quat_scale_to_covar_preci(quats, torch.exp(gaussians.log_scales.double()), compute_preci=False)
    intrinsics = torch.tensor([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]], dtype=torch.float64)
    pose = torch.from_numpy(camera.T_camera_world)
    means = gaussians.means.double()
    _, points, _, conics, _ = _fully_fused_projection(means, covars, pose[None], intrinsics[None], 67, 33)
    assert torch.allclose(found.means, points[0, found.rows], rtol=1e-9, atol=1e-9)
    assert torch.allclose(found.conics, conics[0, found.rows], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_is_the_processor_s(make_gaussians, make_camera, kind):
    gaussians, camera = make_gaussians(kind, 3000, seed=3), make_camera(67, 33)
    gaussians.means[1000:2000] = gaussians.means[:1000]  # of one depth: by row
    gaussians.means[5] = float("nan")
    gaussians.drawable[5] = False
    found, expected = project_on_device(gaussians, camera), project(gaussians, camera)
    assert np.array_equal(found.rows.numpy(), expected.rows)


def test_w_is_the_processor_s_where_float32_alphas_would_decide_otherwise(make_gaussians, make_camera, stood_in):
    """Needles: the listing errs by up to a thousandth, and no pixel has other Gaussians for it."""
    gaussians, camera = make_gaussians("elongated", 3000, seed=4), make_camera(320, 200)
    found, expected = cuda.blend_weights(gaussians, camera), cpu.blend_weights(gaussians, camera)
    counts, others = (each.indptr[1:] - each.indptr[:-1] for each in (found, expected))
    assert (counts != others).float().mean() < 1e-4
    rows = torch.nonzero(counts == others)[:, 0]
    found, expected = found.sampled(rows), expected.sampled(rows)
    assert torch.equal(found.indices, expected.indices)
    assert (found.values - expected.values).abs().max() < 1e-5


def test_strips_follow_the_entries_and_change_no_bit(make_gaussians, make_camera, stood_in, monkeypatch):
    gaussians, camera = make_gaussians("huge", 300, seed=5), make_camera(67, 133)
    whole = cuda.blend_weights(gaussians, camera)
    assert len(list(cuda.strips(gaussians, camera))) == 1
    monkeypatch.setattr(cuda, "STRIP_ENTRIES", len(whole.values) // 3)
    strips = list(cuda.strips(gaussians, camera))
    assert 3 <= len(strips) <= 9
    assert max(len(strip.values) for strip in strips) < 0.7 * len(whole.values)
    for name in ("indptr", "indices", "values"):
        assert torch.equal(getattr(cuda.blend_weights(gaussians, camera), name), getattr(whole, name))
    assert torch.equal(torch.cat([strip.pixels for strip in strips]), torch.arange(67 * 133))


def test_pixels_that_nobody_wants_are_not_listed(make_gaussians, make_camera, stood_in, monkeypatch):
    gaussians, camera = make_gaussians("plain", 300, seed=5), make_camera(67, 133)
    listed, ours = [], cuda._listed
    monkeypatch.setattr(cuda, "_listed", lambda *given: listed.append(ours(*given)) or listed[-1])
    pixels = np.arange(70, 67 * 133, 97)
    some = cuda.blend_weights(gaussians, camera, pixels)
    assert sum(len(pairs[0]) for pairs in listed) < 2 * len(some.values)
    listed.clear()
    none = cuda.blend_weights(gaussians, camera, pixels[:0])
    assert (none.rows, len(none.values), listed) == (0, 0, [])


def test_no_gaussian_at_all_does_not_reach_the_kernels(make_gaussians, make_camera, stood_in):
    nobody = make_gaussians("plain", 10).subset(torch.zeros(0, dtype=torch.int64))
    assert len(cuda.blend_weights(nobody, make_camera(9, 9)).values) == 0
    assert cuda.render_map(torch.zeros(0, 3), nobody, make_camera(9, 9)).shape == (81, 3)
    assert stood_in == []


def test_a_map_drawn_by_gsplat_s_rasterizer_is_w_s(make_gaussians, make_camera, stood_in):
    gaussians, camera = make_gaussians("plain", 200, seed=6), make_camera(40, 30)
    features = torch.rand(200, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    drawn = cuda.render_map(features, gaussians, camera)
    assert torch.allclose(drawn, cuda.blend_weights(gaussians, camera).render(features), atol=1e-3)
    drawn.sum().backward()
    assert features.grad.abs().sum() > 0


def test_the_emulated_device_refuses_what_a_gpu_refuses():
    with EmulatedDevice() as device:
        there = torch.arange(4.0).to(DEVICE)
        assert isinstance(there, Elsewhere)
        with pytest.raises(RuntimeError, match="two devices"):
            _ = there + torch.arange(4.0)
        with pytest.raises(RuntimeError, match="two devices"):
            _ = there[torch.tensor([1, 2])]
        for silent in (there.numpy, there.tolist, lambda: np.asarray(there)):
            with pytest.raises((RuntimeError, TypeError)):
                silent()
        assert device.to_host == []
        assert (there * 2.0 + there[1]).cpu().tolist() == [1.0, 3.0, 5.0, 7.0]
        assert int(there[3]) == 3
        assert device.to_host == [16, 4]
