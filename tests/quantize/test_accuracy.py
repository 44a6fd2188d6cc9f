"""Accuracy statistics agree with their definitions, and a search finds what Lucene finds."""

import sys

import numpy as np
import pytest

from gsseg.quantize.binary.accuracy import measure_accuracy
from gsseg.quantize.binary.quantizer import BinaryQuantizer


@pytest.mark.parametrize("similarity", ["euclidean", "cosine", "max_inner_product"])
def test_statistics_are_what_they_say(similarity):
    rng = np.random.default_rng(0)
    vectors, queries = (rng.normal(0.5, 1, (rows, 30)).astype(np.float32) for rows in (300, 70))
    quantizer = BinaryQuantizer.fit(vectors, similarity)
    codes = quantizer.encode(vectors)
    x, y = vectors.astype(np.float64), queries.astype(np.float64)
    if similarity == "cosine":
        x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    exact = np.square(y[:, None] - x).sum(2) if similarity == "euclidean" else y @ x.T
    estimates = quantizer.estimate(queries, codes).astype(np.float64)
    found = measure_accuracy(quantizer, queries, vectors, k=5, oversamples=(1, 4))
    assert found == measure_accuracy(quantizer, queries, vectors, codes, k=5, oversamples=(1, 4))
    error = estimates - exact
    assert found.mean_error == pytest.approx(error.mean(), abs=1e-9)
    assert found.root_mean_square_error == pytest.approx(np.sqrt(np.square(error).mean()), rel=1e-6)
    assert found.relative_error == pytest.approx(np.sqrt(np.square(error).mean()) / exact.std(), rel=1e-6)
    assert found.correlation == pytest.approx(np.corrcoef(exact.ravel(), estimates.ravel())[0, 1], rel=1e-6)
    sign = 1 if similarity == "euclidean" else -1
    for oversample, recall in found.recall.items():
        true, best = (np.argsort(sign * v, axis=1)[:, :n] for v, n in ((exact, 5), (estimates, 5 * oversample)))
        hits = [len(set(a) & set(b)) for a, b in zip(true, best, strict=True)]
        assert recall == pytest.approx(np.mean(hits) / 5)


def test_everything_is_recalled_when_everything_is_taken():
    vectors = np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32)
    found = measure_accuracy(BinaryQuantizer.fit(vectors), vectors, vectors, k=4, oversamples=(1, 5, 50))
    assert found.recall[5] == found.recall[50] == 1.0 > found.recall[1]


def test_equal_vectors_have_no_spread():
    vectors = np.ones((5, 8), np.float32)
    found = measure_accuracy(BinaryQuantizer.fit(vectors), vectors[:1], vectors, k=5)
    assert (found.mean_error, found.relative_error, found.correlation) == (0.0, 0.0, 0.0)


def test_wrong_arguments_are_refused():
    vectors = np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32)
    quantizer = BinaryQuantizer.fit(vectors)
    for queries, k in ((vectors[:0], 3), (vectors, 21), (vectors, 0)):
        with pytest.raises(ValueError, match="accuracy needs queries and k vectors"):
            measure_accuracy(quantizer, queries, vectors, k=k)


def test_the_options_beyond_lucene_raise_the_recall():
    vectors, queries = np.split(unequal_clusters(5100, 128), [5000])
    plain = measure_accuracy(BinaryQuantizer.fit(vectors, "cosine"), queries, vectors)
    centred = BinaryQuantizer.fit(vectors, "cosine", intervals="exact", unit_centroid=False)
    better = measure_accuracy(centred, queries, vectors)
    assert all(better.recall[o] >= plain.recall[o] for o in plain.recall)
    assert better.recall[1] > 1.1 * plain.recall[1]
    assert better.root_mean_square_error < 0.6 * plain.root_mean_square_error
    assert abs(better.mean_error) < 0.03 * abs(plain.mean_error)


def unequal_clusters(rows: int, dim: int) -> np.ndarray:
    """Like embeddings: clusters whose spread falls along the axes of a random rotation, in float32."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(100, dim)) / np.sqrt(dim)
    spread = np.arange(1, dim + 1) ** -0.5
    axes, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    noise = rng.normal(size=(rows, dim)) * (spread / np.linalg.norm(spread))
    return (centres[rng.integers(0, 100, rows)] + 0.7 * noise @ axes.T).astype(np.float32)


def test_the_java_program_finds_the_same_rows(shared):
    folder = shared / "oracle" / "bbq"
    sys.path.insert(0, str(folder))
    try:
        import gen_data  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.remove(str(folder))
    vectors, queries = gen_data.recall_data([21, 128, 1], 20000, 200, 128, "spec")
    truth = np.load(folder / "recall_topk.npz")
    for similarity in ("euclidean", "cosine", "max_inner_product"):
        name = f"d128_spec_{similarity.replace('max_', 'maximum_')}"
        quantizer = BinaryQuantizer.fit(vectors, similarity)
        codes = quantizer.encode(vectors)
        found, _ = quantizer.search(queries, codes, 100)
        # Final scores that are cut at their bound tie there: only those may stand in another order.
        scores = np.take_along_axis(quantizer.score(queries, codes), truth[f"{name}/bbq_top100"].astype(np.int64), 1)
        np.testing.assert_array_equal(scores, truth[f"{name}/bbq_top100_scores"])
        assert (found == truth[f"{name}/bbq_top100"]).mean() > 0.999
