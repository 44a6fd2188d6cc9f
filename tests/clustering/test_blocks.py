"""k-means inside blocks: assignment and means against brute force, and the laws of taking them in turns."""

import itertools

import numpy as np
import pytest

from gsseg.clustering.blocks import settle
from gsseg.clustering.means import float32_code_means
from gsseg.clustering.nearest import nearest_codes, nearest_codes_in_blocks
from gsseg.clustering.seeding import sample_codebook

ENOUGH = 200
"""Rounds after which the small sets of these tests have settled."""


def items_of(seed: int, count: int = 60, dim: int = 3, grid: bool = False) -> np.ndarray:
    """Random items; on a coarse ``grid`` many coincide and many distances are equal."""
    rng = np.random.default_rng(seed)
    items = rng.integers(0, 4, (count, dim)) if grid else rng.normal(size=(count, dim))
    return items.astype(np.float32)


def one_block(items: np.ndarray) -> np.ndarray:
    return np.zeros(len(items), np.int64)


def distortion(items, codebook, labels) -> float:
    return float(np.square(items.astype(np.float64) - codebook[labels]).sum())


@pytest.mark.parametrize("dim", [1, 3, 6, 9])
@pytest.mark.parametrize("seed", range(2))
def test_nearest_codes_are_those_of_brute_force(seed, dim):
    items, codebook = items_of(seed, 80, dim), items_of(seed + 9, 12, dim)
    first = np.random.default_rng(seed).integers(0, 3, 80) * 4
    labels, distances = nearest_codes_in_blocks(items, codebook, first, 4)
    for i in range(len(items)):
        block = np.square(items[i].astype(np.float64) - codebook[first[i] : first[i] + 4]).sum(axis=1)
        assert labels[i] == first[i] + block.argmin()
        assert distances[i] == pytest.approx(block.min(), rel=1e-5, abs=1e-7)


def test_ties_go_to_the_lowest_code():
    codebook = np.array([[9, 9], [1, 0], [0, 1], [1, 0], [-1, 0]], np.float32)
    labels, distances = nearest_codes_in_blocks(
        np.array([[0, 0], [1, 0]], np.float32), codebook, np.zeros(2, np.int64), 5
    )
    assert labels.tolist() == [1, 1]
    assert distances.tolist() == [1.0, 0.0]
    for seed in range(5):
        items, codebook = items_of(seed, grid=True), items_of(seed + 50, 10, grid=True)
        plain = np.square(items[:, None] - codebook[None]).sum(axis=2)
        assert np.array_equal(nearest_codes_in_blocks(items, codebook, one_block(items), 10)[0], plain.argmin(axis=1))


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("dim", [1, 3, 6, 9, 64])
def test_one_block_is_the_search_among_all_codes(dim, grid):
    """Two kernels that add up in different orders: the same codes, ties included, and distances but for rounding."""
    for seed in range(5):
        items, codebook = items_of(seed, 700, dim, grid), items_of(seed + 90, 20, dim, grid)
        blocks, fast = nearest_codes_in_blocks(items, codebook, one_block(items), 20), nearest_codes(items, codebook)
        np.testing.assert_array_equal(fast[0], blocks[0])
        np.testing.assert_allclose(fast[1], blocks[1], rtol=1e-6)


def test_code_means_are_plain_means():
    items = items_of(0, 50)
    labels = np.random.default_rng(0).integers(0, 6, 50)
    labels[labels == 4] = 5
    means, counts = float32_code_means(items, labels, 8)
    for code in range(8):
        assert counts[code] == (labels == code).sum()
        expected = items[labels == code].mean(axis=0, dtype=np.float64) if counts[code] else np.zeros(3)
        assert np.allclose(means[code], expected, atol=1e-6)
    assert counts[[4, 6, 7]].tolist() == [0, 0, 0]


def test_the_mean_of_equal_items_is_that_item_bit_for_bit():
    items = np.repeat(items_of(1, 4, 6), [1, 3, 7, 1000], axis=0)
    means, _ = float32_code_means(items, np.repeat(np.arange(4), [1, 3, 7, 1000]), 4)
    assert np.array_equal(means, items_of(1, 4, 6))


@pytest.mark.parametrize("seed", range(4))
def test_a_codebook_starts_from_different_items_of_its_block(seed):
    items = items_of(seed)
    first = np.random.default_rng(seed).integers(0, 5, len(items)) * 4
    first[first == 8] = 0  # an empty block
    first[first == 12] = 0
    first[[3, 40]] = 12  # a block with fewer items than codes
    codebook = sample_codebook(items, first, 4, 20, np.random.default_rng(0))
    for block in range(5):
        own = items[first == block * 4]
        codes = codebook[block * 4 : block * 4 + 4]
        for code in codes[: len(own)]:
            assert (own == code).all(axis=1).any()
        assert len(np.unique(codes, axis=0)) == max(1, min(4, len(own)))
    again = sample_codebook(items, first, 4, 20, np.random.default_rng(0))
    other = sample_codebook(items, first, 4, 20, np.random.default_rng(1))
    assert np.array_equal(codebook, again)
    assert not np.array_equal(codebook, other)


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_settled_labels_are_nearest_and_codes_are_means(seed, grid):
    items = items_of(seed, grid=grid)
    start = sample_codebook(items, one_block(items), 7, 7, np.random.default_rng(seed))
    labels, codebook = settle(items, start, one_block(items), 7, ENOUGH)
    distances = np.square(items[:, None].astype(np.float64) - codebook[None]).sum(axis=2)
    assert (distances[np.arange(len(items)), labels] <= distances.min(axis=1) + 1e-6).all()
    means, counts = float32_code_means(items, labels, 7)
    assert np.array_equal(codebook[counts > 0], means[counts > 0])


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_labels_are_nearest_codes_however_few_the_rounds(rounds):
    items = items_of(3)
    labels, codebook = settle(items, items_of(4, 7), one_block(items), 7, rounds)
    assert np.array_equal(labels, nearest_codes_in_blocks(items, codebook, one_block(items), 7)[0])


@pytest.mark.parametrize("seed", range(6))
def test_distortion_never_grows(seed):
    items, start = items_of(seed, grid=seed % 2 == 1), 3 * items_of(seed + 20, 8)
    curve = [distortion(items, *settle(items, start, one_block(items), 8, rounds)[::-1]) for rounds in range(12)]
    assert all(after <= before + 1e-4 for before, after in itertools.pairwise(curve))
    assert curve[-1] < curve[0]


@pytest.mark.parametrize("seed", range(4))
def test_permuting_items_permutes_labels(seed):
    items, start = items_of(seed), items_of(seed + 30, 6)
    order = np.random.default_rng(seed).permutation(len(items))
    first = (np.arange(len(items)) % 2) * 3
    labels, codebook = settle(items, start, first, 3, ENOUGH)
    shuffled, other = settle(items[order], start, first[order], 3, ENOUGH)
    assert np.array_equal(shuffled, labels[order])
    assert np.allclose(other, codebook, atol=1e-6)


def test_blocks_are_respected_and_settle_each_for_itself():
    items, start = items_of(5, 90), items_of(6, 12)
    block = np.random.default_rng(5).integers(0, 3, 90)
    labels, codebook = settle(items, start, block * 4, 4, ENOUGH)
    assert np.array_equal(labels // 4, block)
    for b in range(3):
        own = items[block == b]
        alone, codes = settle(own, start[b * 4 : b * 4 + 4], one_block(own), 4, ENOUGH)
        assert np.array_equal(labels[block == b] - b * 4, alone)
        assert np.array_equal(codebook[b * 4 : b * 4 + 4], codes)


def test_an_empty_code_takes_the_item_that_fits_worst_now():
    """The lone item fitted worst before its code moved onto it; then one of the other three does."""
    items = np.array([[0], [10], [11], [13]], np.float32)
    labels, codebook = settle(items, np.array([[-5], [11.3], [100]], np.float32), one_block(items), 3, ENOUGH)
    assert labels.tolist() == [0, 1, 1, 2]
    assert codebook[:, 0].tolist() == [0.0, 10.5, 13.0]


@pytest.mark.parametrize("grid", [False, True])
def test_no_code_is_idle_while_its_block_has_items_that_do_not_fit(grid):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        items = items_of(seed, int(rng.integers(2, 25)), int(rng.integers(1, 4)), grid)
        size = int(rng.integers(1, 7))
        first = rng.integers(0, 2, len(items)) * size
        start = 3 * items_of(seed + 1000, 2 * size, items.shape[1])
        labels, codebook = settle(items, start, first, size, ENOUGH)
        counts = np.bincount(labels, minlength=2 * size).reshape(2, size)
        for block in range(2):
            own = first == block * size
            if (counts[block] == 0).any():
                assert np.array_equal(items[own], codebook[labels[own]]), (seed, block)


def test_duplicates_and_fewer_items_than_codes():
    items = np.repeat(items_of(0, 3), [5, 1, 9], axis=0)
    for count in (1, 3, 8):
        start = sample_codebook(items, one_block(items), count, count, np.random.default_rng(0))
        labels, codebook = settle(items, start, one_block(items), count, ENOUGH)
        assert len(np.unique(labels)) == min(count, 3)
        assert np.array_equal(codebook[labels], items) == (count >= 3)
    alone = items[:1]
    start = sample_codebook(alone, one_block(alone), 4, 4, np.random.default_rng(0))
    labels, codebook = settle(alone, start, one_block(alone), 4, ENOUGH)
    assert labels.tolist() == [0]
    assert np.array_equal(codebook[:1], alone)


def test_no_items_at_all():
    none = np.zeros((0, 3), np.float32)
    labels, codebook = settle(none, items_of(0, 4), np.zeros(0, np.int64), 4, ENOUGH)
    assert labels.shape == (0,)
    assert np.array_equal(codebook, items_of(0, 4))
