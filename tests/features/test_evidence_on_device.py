"""Evidence gathered on a device: that of the processor, in whatever strips W comes, and no entry of W crosses."""

import numpy as np
import pytest
import torch

from gsseg.features.evidence import MaskEvidence, centre_pixels, gather_evidence
from gsseg.features.evidence_on_device import centre_pixels_on_device
from gsseg.render import blend_weights, cuda
from gsseg.render.cache import SampledWeights
from tests.emulated_device import DEVICE, EmulatedDevice
from tests.features.test_evidence import gaussians as gaussians
from tests.features.test_evidence import views as views
from tests.gsplat_stand_in import gsplat_stood_in

LARGE = 1 << 30


@pytest.fixture(scope="module")
def on_host(gaussians, views) -> MaskEvidence:
    return gather_evidence(gaussians, [(view, blend_weights(gaussians, view)) for view in views])


def gathered(gaussians, views, folder=None) -> tuple[MaskEvidence, SampledWeights, list[int]]:
    """Evidence and samples of a pass on the emulated device, and what crossed to the host."""
    with gsplat_stood_in() as called, EmulatedDevice() as device:
        there = gaussians.to(DEVICE)
        samples = SampledWeights(there, views, folder, 200, 0, LARGE)
        device.to_host.clear()
        found = gather_evidence(there, samples.full_views())
        assert "rasterize_to_indices_in_range" in called
    return found, samples, device.to_host


def check_same(found: MaskEvidence, expected: MaskEvidence) -> None:
    assert np.array_equal(found.central, expected.central)
    assert np.array_equal(found.row_view, expected.row_view)
    assert np.array_equal(found.row_label, expected.row_label)
    assert np.allclose(found.visibility, expected.visibility, atol=1e-4)
    assert abs(found.matrix - expected.matrix).max() < 1e-5
    assert (found.matrix.dtype, found.matrix.indices.dtype) == (np.float32, np.int32)
    assert found.matrix.has_canonical_format


@pytest.mark.parametrize("entries", [1 << 23, 1])
def test_evidence_is_that_of_the_processor(gaussians, views, on_host, entries, monkeypatch):
    monkeypatch.setattr(cuda, "STRIP_ENTRIES", entries)  # one strip a view, or one a row of tiles
    found, _, _ = gathered(gaussians, views)
    check_same(found, on_host)


def test_strips_change_no_bit(gaussians, views, monkeypatch):
    whole, samples, _ = gathered(gaussians, views)
    monkeypatch.setattr(cuda, "STRIP_ENTRIES", 1)
    monkeypatch.setattr(cuda, "CHUNK", 1000)
    parted, again, _ = gathered(gaussians, views)
    central = whole.central
    for name in ("data", "indices", "indptr"):
        of_whole, of_parts = getattr(whole.matrix[:, central], name), getattr(parted.matrix[:, central], name)
        assert np.array_equal(of_whole, of_parts)
    assert np.array_equal(whole.visibility, parted.visibility)
    assert abs(whole.matrix - parted.matrix).max() < 1e-5  # sums over pixels, rounded once a strip
    for i in range(len(views)):
        assert torch.equal(samples.weights(i).values.held, again.weights(i).values.held)


def test_what_crosses_is_the_evidence_and_a_few_numbers_a_strip(gaussians, views):
    found, _, crossed = gathered(gaussians, views)
    entries = sum(len(blend_weights(gaussians, view).indices) for view in views)
    arrays = [found.matrix.data, found.matrix.indices, found.matrix.indptr, found.row_view, found.row_label,
              found.central, found.visibility]  # fmt: skip
    largest = sorted(crossed)[-len(arrays) :]
    assert sorted(array.nbytes for array in arrays) == largest
    assert sum(crossed) - sum(largest) < 200 * len(views)
    assert sum(largest) < entries


def test_samples_lie_on_the_device_in_every_field_wherever_they_come_from(gaussians, views, tmp_path):
    _, fresh, _ = gathered(gaussians, views, tmp_path)
    _, read, _ = gathered(gaussians, views, tmp_path)
    host = SampledWeights(gaussians, views, None, 200, 0, LARGE)
    with EmulatedDevice():
        for i in range(len(views)):
            first, second, expected = fresh.weights(i), read.weights(i), host.weights(i)
            for name in ("indptr", "indices", "values", "pixels"):
                a, b = getattr(first, name), getattr(second, name)
                assert (a.device, b.device) == (DEVICE, DEVICE)
                assert torch.equal(a.cpu(), b.cpu())
            assert torch.equal(first.pixels.cpu(), expected.pixels)
            assert fresh.labels(i).device == DEVICE
            same = first.indptr.cpu() == expected.indptr
            assert same.float().mean() > 0.99
            assert torch.allclose(first.visibility.cpu(), expected.visibility, atol=1e-3)
            assert first.sampled(torch.arange(3).to(DEVICE)).rows == 3


def test_a_run_on_the_processor_does_not_take_files_of_a_gpu(gaussians, views, tmp_path):
    gathered(gaussians, views, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    host = SampledWeights(gaussians, views, tmp_path, 200, 0, LARGE)
    host.weights(0)
    assert sum(path.read_bytes() != before[path] for path in before) == 1


def test_centre_pixels_are_those_of_the_processor(gaussians, views):
    for view in views:
        found = centre_pixels_on_device(gaussians, view.camera)
        assert np.array_equal(found.numpy(), centre_pixels(gaussians, view.camera))
