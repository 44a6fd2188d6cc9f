"""The suite measures every part, and the table shows it all."""

from dataclasses import replace

import pytest

from gsseg.bench import binary, compressed, load_baseline, residual, rqvae, run_bench, suite, table
from gsseg.bench.results import Figure, Machine, Part, Ratio, Result
from gsseg.bench.training import CONFIG
from tests.emulated_device import DEVICE, EmulatedDevice
from tests.gsplat_stand_in import gsplat_stood_in


def names(part):
    return [figure.name for figure in part.figures] + [ratio.name for ratio in part.ratios] + list(part.quality)


def test_the_weights_alone(monkeypatch, small_scene, quick_rounds):
    monkeypatch.setattr(suite, "SIZES", (2000, 3000))
    monkeypatch.setattr(suite, "REPEATS", {2000: 1})
    monkeypatch.setattr(suite, "bench_scene", small_scene)
    result = run_bench(quick=True, groups=["weights"])
    assert [part.name for part in result.parts] == ["2000 Gaussians"]
    assert result.peak_memory_mb > 0
    text = table(result)
    for name in names(result.parts[0]):
        assert text.count(f"\n  {name}  ") == 1


def test_weights_on_another_device_are_a_part_of_their_own(monkeypatch, small_scene, quick_rounds):
    monkeypatch.setattr(suite, "SIZES", (2000, 3000))
    monkeypatch.setattr(suite, "REPEATS", {2000: 1})
    monkeypatch.setattr(suite, "bench_scene", small_scene)
    monkeypatch.setattr(suite, "measure_training", lambda *_: Part("on the processor", {}, (), (), {}))
    with gsplat_stood_in() as called, EmulatedDevice():
        result = run_bench(quick=True, groups=["weights"], device=DEVICE)
    assert {"rasterize_to_indices_in_range", "rasterization"} <= set(called)
    assert [part.name for part in result.parts] == ["on the processor", "2000 Gaussians on a GPU"]
    part = result.parts[1]
    assert part.counts == {"views": 4, "pixels a view": 80 * 60, "sampled pixels a view": CONFIG.pixels_per_view}
    assert all(figure.minimum > 0 for figure in part.figures)
    of_w = part.quality["bytes of W a view"]
    assert 0 < part.quality["bytes to the host a view, for the evidence"] < of_w
    text = table(result)
    for name in names(part):
        assert text.count(f"\n  {name}  ") == 1, name
    assert Result.from_json(result.to_json()) == result


def test_the_table_shows_the_baseline_of_the_same_counts_only():
    part = Part("rooms", {"items": 3}, (Figure("pick", 0.25, 0.5),), (Ratio("a / b", 2.0),), {"recall": 0.75})
    machine = Machine(2, "x86_64", "3.11", "2.4", "0.1")
    result = Result(machine, (part,), 5.0)
    known = Part("rooms", {"items": 3}, (Figure("pick", 0.125, 9.0),), (Ratio("a / b", 3.0),), {"recall": 0.5})
    alone, beside = table(result), table(result, Result(machine, (known,), 5.0))
    assert "rooms: 3 items" in alone
    assert "peak memory 5 MiB" in alone
    for shown in ("250.00 ms", "500.00 ms", "2.0 x", "0.75"):
        assert shown in alone
        assert shown in beside
    for shown in ("125.00 ms", "3.0 x", " 0.5\n"):
        assert shown in beside
        assert shown not in alone
    for other in (replace(known, counts={"items": 4}), replace(known, name="halls")):
        assert table(result, Result(machine, (other,), 5.0)) == alone
    partial = replace(known, figures=(), ratios=(), quality={})
    assert table(result, Result(machine, (partial,), 5.0)) == alone


@pytest.fixture
def small_quantizers(monkeypatch, quick_rounds):
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
    result = run_bench(quick=True, groups=["quantizers"])
    found = {part.name: part for part in result.parts}
    assert list(found) == ["residual k-means", "RQ-VAE", "binary quantizer", "scene.gsseg"]
    clusters = found["residual k-means"].quality
    assert 0 < clusters["plain: mse"] < clusters["balanced: mse"] < 0.5
    assert 3000 // 64 - 1 <= clusters["balanced: least size"] <= clusters["balanced: greatest size"] <= 3000 // 64 + 1
    assert found["binary quantizer"].quality["bytes a 512-D vector"] == 78
    assert 0.2 < found["binary quantizer"].quality["recall@10, default"] < 1
    assert found["scene.gsseg"].quality["bytes a Gaussian, objects and codes"] == 1.5
    assert found["scene.gsseg"].quality["bytes a Gaussian, feature residuals"] == 1.0
    assert found["scene.gsseg"].quality["feature error"] < 0.01
    assert {ratio.name for ratio in found["RQ-VAE"].ratios} == {
        "reconstruction: published / default", "collision rate: published / default"
    }  # fmt: skip
    text = table(result)
    for part in result.parts:
        for name in names(part):
            assert text.count(f"\n  {name}  ") == 1, name
    assert Result.from_json(result.to_json()) == result


def test_the_baseline_is_of_this_suite():
    baseline = load_baseline()
    assert [part.name for part in baseline.parts[:2]] == [f"{size} Gaussians" for size in suite.SIZES]
    for part in baseline.parts[:2]:
        assert part.counts == {"views": 4, "pixels a view": 640 * 480, "sampled pixels a view": 8192}
        assert any(ratio.name == "feature step: rasterizer / W" for ratio in part.ratios)
    assert [part.name for part in baseline.parts[2:]] == [
        "residual k-means", "RQ-VAE", "binary quantizer", "scene.gsseg", "learning splats"
    ]  # fmt: skip
    assert any(ratio.name == "forward and backward / forward" for ratio in baseline.parts[-1].ratios)
