"""Search: the best of all estimates, in order, ties to the smaller row, whatever the number of threads."""

import numpy as np
import pytest
import torch

from gsseg.quantize.binary import search
from gsseg.quantize.binary.codes import SIMILARITIES
from gsseg.quantize.binary.quantizer import BinaryQuantizer
from gsseg.threads import spans


def clustered(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(10, dim))[rng.integers(0, 10, rows)] + 0.7 * rng.normal(size=(rows, dim))).astype("f4")


def by_sorting(keys: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(keys, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize(("rows", "k"), [(1, 1), (50, 50), (50, 90), (3000, 1), (3000, 17), (3000, 800)])
def test_a_search_is_a_sort_of_the_estimates(similarity, rows, k):
    vectors, queries = clustered(rows, 40), clustered(9, 40, 1)
    quantizer = BinaryQuantizer.fit(vectors, similarity)
    codes = quantizer.encode(vectors)
    estimates = quantizer.estimate(queries, codes)
    expected = by_sorting(estimates if similarity == "euclidean" else -estimates, k)
    found, values = quantizer.search(queries, codes, k)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(values, np.take_along_axis(estimates, expected, 1))


def test_ties_go_to_the_smaller_row():
    vectors = np.repeat(clustered(4, 16), 200, axis=0)
    quantizer = BinaryQuantizer.fit(vectors)
    found, _ = quantizer.search(vectors[:1], quantizer.encode(vectors), 150)
    np.testing.assert_array_equal(found[0], found[0, 0] + np.arange(150))
    assert found[0, 0] % 200 == 0


@pytest.mark.parametrize("bound", [{"QUERIES": 6}, {"PLACES": 200}, {"PLACES": 1}])
@pytest.mark.parametrize("threads", [1, 3, 7])
def test_threads_and_bounds_of_memory_change_nothing(threads, bound, monkeypatch):
    vectors = np.repeat(clustered(300, 16), 3, axis=0)
    quantizer = BinaryQuantizer.fit(vectors)
    codes = quantizer.encode(vectors)
    expected = quantizer.search(vectors[:20], codes, 40)
    monkeypatch.setattr(search, "spans", lambda length: spans(length, threads))
    for name, value in bound.items():
        monkeypatch.setattr(search, name, value)
    for ours, theirs in zip(quantizer.search(vectors[:20], codes, 40), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("options", [{}, {"rotate": True}])
def test_rescoring_everything_is_the_exact_search(similarity, options):
    vectors, queries = clustered(200, 24), clustered(11, 24, 1)
    quantizer = BinaryQuantizer.fit(vectors, similarity, **options)
    x, y = vectors.astype(np.float64), queries.astype(np.float64)
    if similarity == "cosine":
        x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    exact = np.square(y[:, None] - x).sum(2) if similarity == "euclidean" else y @ x.T
    expected = by_sorting(exact if similarity == "euclidean" else -exact, 5)
    for rescore in (vectors, vectors.astype(np.float64), torch.from_numpy(vectors)):
        found, values = quantizer.search(queries, quantizer.encode(vectors), 5, rescore=rescore, oversample=40)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(values, np.take_along_axis(exact, expected, 1), rtol=1e-5, atol=1e-6)


def test_rescoring_orders_what_float32_cannot_hold():
    vectors = np.array([[3e18, 0], [-3e18, 0], [9e18, 0], [-9e18, 0]], np.float32)
    quantizer = BinaryQuantizer.fit(vectors)
    found, values = quantizer.search(np.array([[1e19, 0]], np.float32), quantizer.encode(vectors), 4, vectors)
    assert found.tolist() == [[2, 0, 1, 3]]
    np.testing.assert_allclose(values, [[1e36, 4.9e37, 1.69e38, np.inf]], rtol=1e-6)


def test_rescoring_ranks_the_best_estimates_only():
    vectors, queries = clustered(500, 32), clustered(20, 32, 1)
    quantizer = BinaryQuantizer.fit(vectors)
    codes = quantizer.encode(vectors)
    candidates, _ = quantizer.search(queries, codes, 8)
    found, values = quantizer.search(queries, codes, 4, rescore=vectors, oversample=2)
    assert all(set(row) <= set(of) for row, of in zip(found, candidates, strict=True))
    assert (np.diff(values, axis=1) >= 0).all()


@pytest.mark.parametrize(("queries", "rows"), [(0, 30), (3, 0)])
def test_nothing_is_found_among_nothing(queries, rows):
    vectors = clustered(30, 8)
    quantizer = BinaryQuantizer.fit(vectors)
    for rescore in (None, vectors[:rows]):
        found, values = quantizer.search(vectors[:queries], quantizer.encode(vectors[:rows]), 4, rescore)
        assert found.shape == values.shape == (queries, min(rows, 4))


def test_wrong_arguments_are_refused():
    vectors = clustered(30, 8)
    quantizer = BinaryQuantizer.fit(vectors)
    codes = quantizer.encode(vectors)
    for wrong in ({"k": 0}, {"k": 3, "oversample": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            quantizer.search(vectors, codes, **wrong)
    with pytest.raises(ValueError, match="rescore holds the 30 encoded vectors"):
        quantizer.search(vectors, codes, 3, rescore=vectors[:20])
