"""The laws of the binary quantizer."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from gsseg.quantize.binary.codes import SIMILARITIES, WIDTHS, BinaryCodes
from gsseg.quantize.binary.intervals import LAMBDA
from gsseg.quantize.binary.quantizer import BinaryQuantizer
from gsseg.quantize.binary.rotation import rotate


def plain_estimates(queries: BinaryCodes, codes: BinaryCodes) -> np.ndarray:
    """From the integer product of unpacked codes, in float64."""
    product = queries.components().astype(np.int64) @ codes.components().T.astype(np.int64)
    ay, ly, y1 = (v.astype(np.float64)[:, None] for v in (queries.lower, queries.steps(), queries.component_sum))
    ax, lx, x1 = (v.astype(np.float64) for v in (codes.lower, codes.steps(), codes.component_sum))
    total = ax * ay * codes.dimension + ay * lx * x1 + ax * ly * y1 + lx * ly * product
    additional = queries.additional.astype(np.float64)[:, None] + codes.additional
    return additional - 2 * total if codes.similarity == "euclidean" else additional + total - codes.centroid_dp


def loss_of(quantizer: BinaryQuantizer, vectors: np.ndarray) -> np.ndarray:
    """(1 - lambda) (x . e)^2 / |x|^2 + lambda |e|^2 of each vector, with the centred x and the error e of its code."""
    codes, x = quantizer.encode(vectors), vectors.astype(np.float64)
    if quantizer.similarity == "cosine":
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    x -= quantizer.centroid
    error = x - (codes.components() * codes.steps()[:, None].astype(np.float64) + codes.lower[:, None])
    along = np.square((x * error).sum(axis=1)) / np.square(x).sum(axis=1)
    return (1 - float(LAMBDA)) * along + float(LAMBDA) * np.square(error).sum(axis=1)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_permuting_rows_permutes_codes(similarity, bits, gaussian, assert_same):
    vectors = gaussian(30, 70)
    quantizer = BinaryQuantizer.fit(vectors, similarity, bits)
    order = np.random.default_rng(1).permutation(30)
    assert_same(quantizer.encode(vectors[order]), quantizer.encode(vectors).take(order))


@pytest.mark.parametrize("intervals", ["descent", "exact"])
@pytest.mark.parametrize("dim", [2, 6, 64, 100, 300])
def test_encoding_what_was_decoded_gives_the_same_bits(dim, intervals, gaussian):
    vectors = gaussian(50, dim)
    quantizer = BinaryQuantizer.fit(vectors, intervals=intervals)
    codes = quantizer.encode(vectors)
    again = quantizer.encode(quantizer.decode(codes))
    np.testing.assert_array_equal(again.packed, codes.packed)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_wider_codes_lower_the_loss(similarity, gaussian):
    vectors = gaussian(60, 90)
    quantizers = [BinaryQuantizer.fit(vectors, similarity, bits) for bits in WIDTHS]
    losses = [loss_of(quantizer, vectors).mean() for quantizer in quantizers]
    assert all(wide < 0.5 * narrow for narrow, wide in pairwise(losses))


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_exact_intervals_never_lose_to_the_descent(similarity, gaussian):
    vectors = gaussian(100, 40)
    by_descent = BinaryQuantizer.fit(vectors, similarity)
    best = BinaryQuantizer.fit(vectors, similarity, intervals="exact")
    assert (loss_of(best, vectors) <= loss_of(by_descent, vectors) * (1 + 1e-5)).all()


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize(("bits", "query_bits"), [(1, 4), (2, 4), (4, 8), (7, 4), (8, 8)])
def test_estimates_are_those_of_the_integer_product(similarity, bits, query_bits, gaussian):
    vectors, queries = gaussian(40, 77), gaussian(7, 77, 3)
    quantizer = BinaryQuantizer.fit(vectors, similarity, bits, query_bits=query_bits)
    codes, asked = quantizer.encode(vectors), quantizer.encode_query(queries)
    assert asked.packed.shape == (7, query_bits * 16)
    plain = plain_estimates(asked, codes)
    np.testing.assert_allclose(quantizer.estimate(asked, codes), plain, rtol=1e-4, atol=1e-4 * np.abs(plain).max())
    np.testing.assert_array_equal(quantizer.estimate(queries, codes), quantizer.estimate(asked, codes))


@pytest.mark.parametrize(("similarity", "options"), [
    ("euclidean", {}), ("max_inner_product", {}), ("cosine", {"unit_centroid": False}), ("euclidean", {"rotate": True}),
    ("euclidean", {"intervals": "exact"}),
])  # fmt: skip
def test_estimates_are_unbiased_on_random_data(similarity, options):
    rng = np.random.default_rng(5)
    vectors, queries = (rng.normal(size=(rows, 64)).astype(np.float32) for rows in (1500, 100))
    quantizer = BinaryQuantizer.fit(vectors, similarity, **options)
    if similarity == "euclidean":
        exact = np.square(vectors[None].astype(np.float64) - queries[:, None]).sum(2)
    else:
        x, y = vectors.astype(np.float64), queries.astype(np.float64)
        if similarity == "cosine":
            x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
        exact = y @ x.T
    error = quantizer.estimate(queries, quantizer.encode(vectors)) - exact
    # Errors of pairs that share a query are not independent: the queries' means are.
    by_query = error.mean(axis=1)
    assert abs(by_query.mean()) < 4 * by_query.std(ddof=1) / np.sqrt(len(by_query))
    assert np.corrcoef((error + exact).ravel(), exact.ravel())[0, 1] > 0.7


@pytest.mark.parametrize("dim", [1, 2, 3, 6, 64, 100, 129])
def test_a_rotation_keeps_products_and_goes_back(dim, gaussian):
    rows = gaussian(20, dim)
    turned = rotate(rows, seed=4)
    np.testing.assert_allclose(turned @ turned.T, rows @ rows.T, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(rotate(turned, seed=4, back=True), rows, rtol=1e-4, atol=1e-5)
    assert dim == 1 or not np.allclose(turned, rotate(rows, seed=5))


def test_a_rotation_helps_where_axes_differ():
    rng = np.random.default_rng(2)
    vectors = (rng.normal(size=(2000, 64)) / np.arange(1, 65)).astype(np.float32)
    exact = np.square(vectors[:50, None].astype(np.float64) - vectors).sum(2)
    errors = []
    for turned in (False, True):
        quantizer = BinaryQuantizer.fit(vectors, rotate=turned)
        errors.append(np.abs(quantizer.estimate(vectors[:50], quantizer.encode(vectors)) - exact).mean())
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("options", [{}, {"bits": 4}, {"intervals": "exact", "rotate": True}])
def test_decoding_comes_near_the_vectors(options, gaussian):
    vectors = gaussian(50, 100)
    quantizer = BinaryQuantizer.fit(vectors, **options)
    error = np.square(quantizer.decode(quantizer.encode(vectors)) - vectors).sum()
    assert error < (0.02 if "bits" in options else 0.7) * np.square(vectors - vectors.mean(0)).sum()


@pytest.mark.parametrize("kind", [np.float64, np.float16, torch.float32, torch.bfloat16])
def test_any_float_array_will_do(kind, gaussian, assert_same):
    vectors = np.round(gaussian(10, 20) * 16) / 16  # exact in every one of the types
    vectors = np.clip(vectors, -4, 4).astype(np.float32)
    other = torch.from_numpy(vectors).to(kind) if isinstance(kind, torch.dtype) else vectors.astype(kind)
    quantizer = BinaryQuantizer.fit(vectors)
    assert_same(BinaryQuantizer.fit(other).encode(other), quantizer.encode(vectors))
    strided = np.asfortranarray(np.repeat(vectors, 2, axis=0))[::2]
    assert_same(quantizer.encode(strided), quantizer.encode(vectors))


def test_codes_tell_what_they_hold(gaussian):
    vectors = gaussian(9, 100)
    codes = BinaryQuantizer.fit(vectors).encode(vectors)
    assert (codes.dimension, codes.size, len(codes), codes.bytes_per_vector) == (100, 9, 9, 16 + 14)
    np.testing.assert_array_equal(codes.component_sum, codes.components().sum(axis=1))
    assert BinaryQuantizer.of(codes).bytes_per_vector == codes.bytes_per_vector
    assert codes.centroid_dp == pytest.approx(codes.centroid @ codes.centroid, rel=1e-5)
