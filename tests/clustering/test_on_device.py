"""k-means in torch's operations against the compiled one, on the processor and on a device that refuses copies."""

import numpy as np
import pytest
import torch

from gsseg.clustering import on_device
from gsseg.clustering.blocks import settle
from gsseg.clustering.means import float32_code_means
from gsseg.clustering.nearest import nearest_codes_in_blocks
from gsseg.clustering.on_device import means_on_device, nearest_on_device, settle_on_device
from gsseg.clustering.seeding import sample_codebook
from gsseg.codebook import clusters
from tests.emulated_device import DEVICE, EmulatedDevice


def items(seed: int, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Items of 5 blocks of 4 codes, and the first code of each."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 6)).astype(np.float32), 4 * rng.integers(0, 5, count)


@pytest.mark.parametrize("together", [1 << 25, 100])
@pytest.mark.parametrize("seed", range(4))
def test_settling_ends_where_the_compiled_one_ends(seed, together, monkeypatch):
    monkeypatch.setattr(on_device, "COMPARED_AT_ONCE", together)
    x, first = items(seed)
    start = sample_codebook(x, first, 4, 20, np.random.default_rng(seed))
    start[:3] = 1e18 if seed % 2 else start[0]  # codes that lose all items and are seeded again
    expected = settle(x, start, first, 4, 30)
    found = settle_on_device(*map(torch.from_numpy, (x, start, first)), 4, 30)
    assert np.array_equal(found[0].numpy(), expected[0])
    assert np.allclose(found[1].numpy(), expected[1], atol=1e-6)


def test_halves_of_a_round():
    x, first = items(9)
    codes = np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32)
    codes[6] = codes[5]
    labels, _ = nearest_codes_in_blocks(x, codes, first, 4)
    found = nearest_on_device(*map(torch.from_numpy, (x, codes, first)), 4)
    assert np.array_equal(found.numpy(), labels)
    assert not (found == 6).any(), "ties go to the lowest"
    means, sizes = means_on_device(torch.from_numpy(x), found, 20)
    expected, counts = float32_code_means(x, labels, 20)
    assert np.array_equal(sizes.numpy(), counts)
    assert np.allclose(means.numpy(), expected, atol=1e-7)


def test_blocks_without_items_and_items_of_one_place():
    x = np.ones((6, 3), np.float32)
    first = np.full(6, 4)
    start = sample_codebook(x, first, 4, 12, np.random.default_rng(0))
    expected = settle(x, start, first, 4, 5)
    labels, codebook = settle_on_device(*map(torch.from_numpy, (x, start, first)), 4, 5)
    assert np.array_equal(labels.numpy(), expected[0])
    assert np.array_equal(codebook.numpy(), expected[1])


def test_both_devices_start_and_end_alike():
    x, first = items(3)
    given = torch.from_numpy(x), torch.from_numpy(first)
    here = clusters.start(*given, 4, 20, np.random.default_rng(0))
    assert np.array_equal(here.numpy(), sample_codebook(x, first, 4, 20, np.random.default_rng(0)))
    labels, _ = clusters.settle(given[0], here, given[1], 4, 30)
    with EmulatedDevice():
        there = tuple(part.to(DEVICE) for part in given)
        start = clusters.start(*there, 4, 20, np.random.default_rng(0))
        assert torch.equal(start.cpu(), here)
        found, _ = clusters.settle(there[0], start, there[1], 4, 30)
        assert torch.equal(found.cpu(), labels)
        means, sizes = clusters.code_means(there[0], found, 20)
        expected = clusters.code_means(given[0], labels, 20)
        assert torch.allclose(means.cpu(), expected[0], atol=1e-6)
        assert torch.equal(sizes.cpu(), expected[1])
