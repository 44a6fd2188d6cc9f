"""Plain k-means: its half-steps against plain numpy, and that no code is left idle."""

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2

from gsseg.clustering import kmeans as module
from gsseg.clustering.kmeans import Clusters, kmeans, lloyd, swap_search
from gsseg.clustering.means import code_means, float32_code_means
from gsseg.clustering.nearest import nearest_codes
from gsseg.clustering.seeding import plus_plus, pulled, subsample


def blobs(items: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(9, dim))[rng.integers(9, size=items)] + 0.1 * rng.normal(size=(items, dim))).astype("f4")


@pytest.mark.parametrize("codes", [1, 2, 7, 16, 33])
def test_nearest_is_an_argmin(codes):
    x, centers = blobs(200, 5), blobs(codes, 5, seed=1)
    labels, distances = nearest_codes(x, centers)
    expected = np.square(x[:, None].astype(np.float64) - centers).sum(axis=-1)
    np.testing.assert_allclose(distances, expected.min(axis=1), rtol=1e-5)
    np.testing.assert_allclose(expected[np.arange(200), labels], expected.min(axis=1), rtol=1e-5)


def test_ties_go_to_the_lowest_code():
    labels, _ = nearest_codes(np.zeros((3, 2), np.float32), np.ones((20, 2)))
    assert labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize("items", [10, 20_000])
def test_means(items):
    x = blobs(items, 3)
    labels = np.random.default_rng(0).integers(0, 4, items).astype(np.int32)
    means, sizes = code_means(x, labels, 6)
    for code in range(4):
        np.testing.assert_allclose(means[code], x[labels == code].mean(axis=0, dtype=np.float64), atol=1e-12)
    np.testing.assert_array_equal(means[4:], 0)
    np.testing.assert_array_equal(sizes, np.bincount(labels, minlength=6))


def test_float32_means_are_sums_in_the_order_of_the_items():
    x = blobs(20_000, 3)
    labels = np.random.default_rng(0).integers(0, 4, len(x))
    means, sizes = float32_code_means(x, labels, 4)
    in_order = np.stack([np.bincount(labels, column) for column in x.T], axis=1)
    np.testing.assert_array_equal(means, (in_order / sizes[:, None]).astype(np.float32))


def test_more_rounds_never_raise_the_error():
    x = blobs(500, 4)
    start = x[:12].astype(np.float64)
    errors = [lloyd(x, start, rounds).error for rounds in range(1, 12)]
    assert (np.diff(errors) <= 1e-6 * errors[0]).all()


def test_blobs_apart_are_found_exactly():
    x = blobs(900, 6)
    found = kmeans(x, 9, np.random.default_rng(0))
    true = np.random.default_rng(0)
    centers = true.normal(size=(9, 6))
    assert (np.square(found.centers[:, None] - centers).sum(axis=-1).min(axis=0) < 0.01).all()


@pytest.mark.parametrize("dim", [1, 3, 16, 64])
def test_no_worse_than_the_best_of_ten_starts_of_scipy(dim):
    rng = np.random.default_rng(dim)
    blob = rng.choice(40, 800, p=rng.dirichlet(np.ones(40)))
    x = (rng.normal(size=(40, dim))[blob] + 0.3 * rng.normal(size=(800, dim))).astype(np.float32)
    tries = (kmeans2(x.astype(np.float64), 12, iter=100, minit="++", seed=seed) for seed in range(10))
    best = min(np.square(x - centers[labels]).sum() for centers, labels in tries)
    assert kmeans(x, 12, np.random.default_rng(0)).error <= best * (1 + 1e-5)


def test_idle_codes_are_put_to_work():
    x = blobs(300, 2)
    start = np.vstack([x[:1], np.full((7, 2), 50.0)])
    found = lloyd(x, start, 50)
    assert len(np.unique(found.labels)) == 8


def test_fewer_unlike_rows_than_codes():
    x = np.repeat(blobs(3, 2), 5, axis=0)
    found = kmeans(x, 8, np.random.default_rng(0))
    assert found.error == pytest.approx(0, abs=1e-12)
    assert np.isfinite(found.centers).all()


def test_a_start_spreads_better_than_chance():
    x = blobs(2000, 6)
    rng = np.random.default_rng(0)
    spread = np.mean([nearest_codes(x, plus_plus(x, 9, rng))[1].sum() for _ in range(5)])
    chance = np.mean([nearest_codes(x, x[rng.choice(2000, 9, replace=False)])[1].sum() for _ in range(5)])
    assert spread < 0.5 * chance


@pytest.mark.parametrize("seed", range(3))
def test_codes_share_the_items_of_shapeless_long_vectors(seed):
    # codes that start on items leave nearly all items to the one nearest to the mean
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2000, 128)).astype(np.float32) * rng.uniform(0.5, 1.5, (2000, 1)).astype(np.float32)
    start = plus_plus(x, 16, rng)
    power = np.square(x).sum()
    gained, gained_on_items = (power - lloyd(x, codes, 60).error for codes in (pulled(x, start), start))
    assert gained > 1.1 * gained_on_items


def test_codes_that_start_well_are_not_pulled():
    x = blobs(900, 6)
    centers = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    np.testing.assert_allclose(pulled(x, centers), centers, rtol=1e-6, atol=1e-6)


def test_swaps_keep_only_what_is_better():
    x = blobs(400, 3)
    found = lloyd(x, x[:9].astype(np.float64), 50)
    tried: list[Clusters] = []

    def settle(centers: np.ndarray) -> Clusters:
        tried.append(lloyd(x, centers, 50))
        return tried[-1]

    best = swap_search(x, found, settle, 20, np.random.default_rng(0))
    assert len(tried) == 20
    assert best.error == min([found.error, *(clusters.error for clusters in tried)])


def test_a_sample_finds_what_all_items_polish(monkeypatch):
    x = blobs(3000, 3)
    every = kmeans(x, 9, np.random.default_rng(0)).error
    monkeypatch.setattr(module, "SAMPLE", 500)
    monkeypatch.setattr(module, "PER_CODE", 10)
    sampled = kmeans(x, 9, np.random.default_rng(0))
    assert len(sampled.labels) == 3000
    assert sampled.error < 1.05 * every


def test_subsample_keeps_the_order_of_distinct_rows():
    x = np.arange(100, dtype=np.float32)[:, None]
    part = subsample(x, 30, np.random.default_rng(0))
    assert len(part) == 30
    assert (np.diff(part[:, 0]) > 0).all()
    assert subsample(x, 100, np.random.default_rng(0)) is x
