"""The benchmarks measure what they say: the steps that are compared give one gradient, and the table shows it all."""

from dataclasses import replace

import pytest
import torch

from gsseg.bench import binary, compressed, load_baseline, residual, rqvae, run_bench, suite, table
from gsseg.bench.scene import bench_scene
from gsseg.bench.suite import RATIOS, measure, prepare
from gsseg.render.projection import project


def small_scene(count):
    """The room on 80 x 60 pixels."""
    scene = bench_scene(count)
    return replace(scene, camera=scene.camera.resized(80, 60))


@pytest.fixture(scope="module")
def steps():
    return prepare(small_scene(3000))


def test_the_scene_is_opaque_and_has_masks_of_surfaces(steps):
    assert steps.weights.alpha.mean() > 0.8
    assert 15 < len(steps.pooled.mass) < 60
    assert int(steps.labels.min()) == 0
    assert torch.allclose(steps.pooled.mass.sum(), steps.weights.alpha.sum(), rtol=1e-4)


def test_both_ways_to_a_pixel_gradient_agree(steps):
    expected = steps.pixels_by_rasterizer()
    assert expected.abs().max() > 0
    assert torch.allclose(steps.pixels_by_weights(), expected, rtol=1e-3, atol=1e-5 * expected.abs().max().item())


def test_both_ways_to_a_mask_gradient_agree(steps):
    expected = steps.masks_by_rasterizer()
    assert expected.abs().max() > 0
    assert torch.allclose(steps.masks_by_pooled(), expected, rtol=1e-2, atol=1e-4 * expected.abs().max().item())
    projected = project(steps.scene.gaussians, steps.scene.camera)
    assert torch.allclose(steps.masks_by_rasterizer(projected), expected, rtol=1e-2, atol=1e-6)


def test_figures_ratios_and_progress(steps):
    told = []
    measured = measure(steps.scene, 2, lambda *event: told.append(event))
    assert [done for _, done, _ in told] == [0, 1, 2]
    assert set(measured["ratios"]) == set(RATIOS)
    for slow, fast in RATIOS.values():
        assert {slow, fast} <= set(measured["seconds"])
    for seconds in measured["seconds"].values():
        assert 0 < seconds["min"] <= seconds["median"]


def test_the_table_shows_every_figure_beside_the_baseline(monkeypatch):
    monkeypatch.setattr(suite, "SIZES", (2000, 3000))
    monkeypatch.setattr(suite, "REPEATS", {2000: 1})
    monkeypatch.setattr(suite, "bench_scene", small_scene)
    result = run_bench(quick=True, parts=["weights"])
    assert list(result["sizes"]) == ["2000"]
    assert result["quantizers"] == {}
    text = table(result, {"sizes": {"2000": {"seconds": {"pick": {"min": 0.125}}, "ratios": {}}}})
    for name in (*result["sizes"]["2000"]["seconds"], *RATIOS):
        assert text.count(f"\n  {name}  ") == 1
    assert "125.00 ms" in text
    assert "125.00 ms" not in table(result)


@pytest.fixture
def small_quantizers(monkeypatch):
    """A few items, epochs and codes; no peer, whose speed says nothing on these."""
    monkeypatch.setattr(residual, "QUICK_ITEMS", 3000)
    monkeypatch.setattr(rqvae, "QUICK_EPOCHS", 2)
    monkeypatch.setattr(compressed, "QUICK_GAUSSIANS", 30_000)
    monkeypatch.setattr(rqvae, "ITEMS", 300)
    monkeypatch.setattr(binary, "BLOCK", 600)
    monkeypatch.setattr(binary, "QUERIES", 20)
    for module in (residual, binary):
        monkeypatch.setattr(module, "find_spec", lambda name: None)


def test_quantizers_are_measured_for_what_they_are_for(small_quantizers):
    result = run_bench(quick=True, parts=["quantizers"])
    assert list(result["sizes"]) == []
    found = result["quantizers"]
    assert list(found) == list(suite.QUANTIZERS)
    quality = {name: measured["quality"] for name, measured in found.items()}
    clusters = quality["residual k-means"]
    assert 0 < clusters["plain: mse"] < clusters["balanced: mse"] < 0.5
    assert 3000 // 64 - 1 <= clusters["balanced: least size"] <= clusters["balanced: greatest size"] <= 3000 // 64 + 1
    assert quality["binary quantizer"]["bytes a 512-D vector"] == 78
    assert 0.2 < quality["binary quantizer"]["recall@10, default"] < 1
    assert quality["scene.gsseg"]["bytes a Gaussian, objects and codes"] == 1.5
    assert quality["scene.gsseg"]["bytes a Gaussian, feature residuals"] == 1.0
    assert quality["scene.gsseg"]["feature error"] < 0.01
    assert set(found["RQ-VAE"]["ratios"]) == {
        "reconstruction: published / default", "collision rate: published / default"
    }  # fmt: skip
    text = table(result, {"sizes": {}, "quantizers": {}})
    for measured in found.values():
        for name in (*measured["seconds"], *measured["ratios"], *measured["quality"]):
            assert text.count(f"\n  {name}  ") == 1, name


def test_the_baseline_is_of_this_suite():
    baseline = load_baseline()
    assert list(baseline["sizes"]) == [str(size) for size in suite.SIZES]
    for measured in baseline["sizes"].values():
        assert set(measured["ratios"]) == set(RATIOS)
        assert measured["counts"]["pixels"] == 640 * 480
    assert list(baseline["quantizers"]) == list(suite.QUANTIZERS)
