"""The binary quantizer: its laws, Lucene's values, its files, and what it refuses."""

import io
import zipfile
from itertools import pairwise

import numpy as np
import pytest
import torch

from gsseg.errors import InputError
from gsseg.quantize.binary.bits import pack
from gsseg.quantize.binary.codes import SIMILARITIES, WIDTHS, BinaryCodes
from gsseg.quantize.binary.quantizer import BinaryQuantizer
from gsseg.quantize.binary.rotation import rotate

LUCENE = {"EUCLIDEAN": "euclidean", "COSINE": "cosine", "DOT_PRODUCT": "dot",
          "MAXIMUM_INNER_PRODUCT": "max_inner_product"}  # fmt: skip
ARRAYS = ("packed", "lower", "upper", "additional", "component_sum", "centroid")


def gaussian(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.3 * rng.normal(size=dim) + rng.lognormal(0, 0.4, dim) * rng.normal(size=(rows, dim))).astype(np.float32)


def assert_same(first: BinaryCodes, second: BinaryCodes) -> None:
    for name in ARRAYS:
        a, b = getattr(first, name), getattr(second, name)
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    assert (first.similarity, first.bits, first.rotation) == (second.similarity, second.bits, second.rotation)


def plain_estimates(queries: BinaryCodes, codes: BinaryCodes) -> np.ndarray:
    """From the integer product of unpacked codes, in float64."""
    product = queries.components().astype(np.int64) @ codes.components().T.astype(np.int64)
    ay, ly, y1 = (v.astype(np.float64)[:, None] for v in (queries.lower, queries.steps(), queries.component_sum))
    ax, lx, x1 = (v.astype(np.float64) for v in (codes.lower, codes.steps(), codes.component_sum))
    total = ax * ay * codes.dimension + ay * lx * x1 + ax * ly * y1 + lx * ly * product
    additional = queries.additional.astype(np.float64)[:, None] + codes.additional
    return additional - 2 * total if codes.similarity == "euclidean" else additional + total - codes.centroid_dp


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_permuting_rows_permutes_codes(similarity, bits):
    vectors = gaussian(30, 70)
    quantizer = BinaryQuantizer.fit(vectors, similarity, bits)
    order = np.random.default_rng(1).permutation(30)
    assert_same(quantizer.encode(vectors[order]), quantizer.encode(vectors).take(order))


@pytest.mark.parametrize("intervals", ["descent", "exact"])
@pytest.mark.parametrize("dim", [2, 6, 64, 100, 300])
def test_encoding_what_was_decoded_gives_the_same_bits(dim, intervals):
    vectors = gaussian(50, dim)
    quantizer = BinaryQuantizer.fit(vectors, intervals=intervals)
    codes = quantizer.encode(vectors)
    again = quantizer.encode(quantizer.decode(codes))
    np.testing.assert_array_equal(again.packed, codes.packed)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_wider_codes_lower_the_loss(similarity):
    vectors = gaussian(60, 90)
    quantizer = BinaryQuantizer.fit(vectors, similarity)
    losses = [quantizer.loss(vectors, codes).mean() for codes in quantizer.encode_widths(vectors, WIDTHS).values()]
    assert all(wide < 0.5 * narrow for narrow, wide in pairwise(losses))


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_exact_intervals_never_lose_to_the_descent(similarity):
    vectors = gaussian(100, 40)
    by_descent = BinaryQuantizer.fit(vectors, similarity)
    best = BinaryQuantizer.fit(vectors, similarity, intervals="exact")
    descended = by_descent.loss(vectors, by_descent.encode(vectors))
    assert (best.loss(vectors, best.encode(vectors)) <= descended * (1 + 1e-5)).all()


def test_several_widths_are_the_single_ones():
    vectors = gaussian(20, 33)
    codes = BinaryQuantizer.fit(vectors).encode_widths(vectors, (1, 4, 8))
    for bits, many in codes.items():
        assert_same(many, BinaryQuantizer.fit(vectors, bits=bits).encode(vectors))


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize(("bits", "query_bits"), [(1, 4), (2, 4), (4, 8), (7, 4), (8, 8)])
def test_estimates_are_those_of_the_integer_product(similarity, bits, query_bits):
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
def test_a_rotation_keeps_products_and_goes_back(dim):
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
def test_decoding_comes_near_the_vectors(options):
    vectors = gaussian(50, 100)
    quantizer = BinaryQuantizer.fit(vectors, **options)
    error = np.square(quantizer.decode(quantizer.encode(vectors)) - vectors).sum()
    assert error < (0.02 if "bits" in options else 0.7) * np.square(vectors - vectors.mean(0)).sum()


@pytest.mark.parametrize("kind", [np.float64, np.float16, torch.float32, torch.bfloat16])
def test_any_float_array_will_do(kind):
    vectors = np.round(gaussian(10, 20) * 16) / 16  # exact in every one of the types
    vectors = np.clip(vectors, -4, 4).astype(np.float32)
    other = torch.from_numpy(vectors).to(kind) if isinstance(kind, torch.dtype) else vectors.astype(kind)
    quantizer = BinaryQuantizer.fit(vectors)
    assert_same(BinaryQuantizer.fit(other).encode(other), quantizer.encode(vectors))
    strided = np.asfortranarray(np.repeat(vectors, 2, axis=0))[::2]
    assert_same(quantizer.encode(strided), quantizer.encode(vectors))


def test_codes_tell_what_they_hold():
    vectors = gaussian(9, 100)
    codes = BinaryQuantizer.fit(vectors).encode(vectors)
    assert (codes.dimension, codes.size, len(codes), codes.bytes_per_vector) == (100, 9, 9, 16 + 14)
    np.testing.assert_array_equal(codes.vector_value(3), codes.packed[3])
    terms = codes.corrective_terms(3)
    assert terms == (codes.lower[3], codes.upper[3], codes.additional[3], codes.components()[3].sum())
    assert codes.centroid_dp == pytest.approx(codes.centroid @ codes.centroid, rel=1e-5)


# Lucene's values


def oracle_files(shared):
    for path in sorted((shared / "oracle" / "bbq").glob("*_*.npz")):
        with np.load(path) as truth:
            if "index_packed" in truth and path.stem != "zero_row_cosine":
                yield path.stem, {name: truth[name] for name in truth}


def test_codes_and_estimates_are_lucenes(shared):
    compared = 0
    for name, truth in oracle_files(shared):
        quantizer = BinaryQuantizer.fit(truth["index_input"], LUCENE[str(truth["similarity"])])
        codes, asked = quantizer.encode(truth["index_input"]), quantizer.encode_query(truth["query_input"])
        for side, ours in (("index", codes), ("query", asked)):
            np.testing.assert_array_equal(ours.components(), truth[f"{side}_codes"], name)
            np.testing.assert_array_equal(ours.packed, truth[f"{side}_packed"], name)
            for field in ("lower", "upper", "additional"):
                np.testing.assert_array_equal(getattr(ours, field), truth[f"{side}_{field}"], name)
            np.testing.assert_array_equal(ours.component_sum, truth[f"{side}_sum"], name)
        np.testing.assert_array_equal(codes.centroid, truth["centroid"], name)
        assert codes.centroid_dp == truth["centroid_dp"][0]
        np.testing.assert_array_equal(quantizer.estimate(asked, codes), truth["estimate"], name)
        np.testing.assert_array_equal(quantizer.score(asked, codes), truth["score"], name)
        compared += 1
    assert compared > 40


def test_wider_codes_are_lucenes(shared):
    compared = 0
    for name, truth in oracle_files(shared):
        if "multi_codes" not in truth:
            continue
        quantizer = BinaryQuantizer.fit(truth["index_input"], LUCENE[str(truth["similarity"])])
        for bits, codes in quantizer.encode_widths(truth["index_input"], (2, 4, 7, 8)).items():
            np.testing.assert_array_equal(codes.components(), truth[f"bits{bits}_codes"], name)
            for field in ("lower", "upper", "additional"):
                np.testing.assert_array_equal(getattr(codes, field), truth[f"bits{bits}_{field}"], name)
            np.testing.assert_array_equal(codes.component_sum, truth[f"bits{bits}_sum"], name)
            if f"bits{bits}_dequantized" in truth:
                decoded = truth[f"bits{bits}_dequantized"]
                np.testing.assert_allclose(quantizer.decode(codes), decoded, rtol=1e-5, atol=1e-5, err_msg=name)
            compared += 1
        for i, codes in enumerate(quantizer.encode_widths(truth["index_input"][:10], (1, 4, 8)).values()):
            np.testing.assert_array_equal(codes.components(), truth["multi_codes"][:, i], name)
            np.testing.assert_array_equal(codes.component_sum, truth["multi_sum"][:, i], name)
            terms = np.stack([codes.lower, codes.upper, codes.additional], axis=1)
            np.testing.assert_array_equal(terms, truth["multi_lower_upper_additional"][:, i], name)
    assert compared == 4 * 14


def test_edge_cases_are_lucenes_or_refused(shared):
    truth = np.load(shared / "oracle" / "bbq" / "edge_cases.npz")
    refused = []
    for name in truth["names"]:
        vector, centroid = truth[f"{name}/vector"], truth[f"{name}/centroid"]
        similarity = LUCENE[str(truth[f"{name}/similarity"])]
        quantizer = BinaryQuantizer(centroid.ravel(), similarity)
        try:
            codes = quantizer.encode_widths(vector.reshape(1, -1), WIDTHS)
        except ValueError as error:
            refused.append((str(name), "rows 0 " in str(error)))
            continue
        for bits, ours in codes.items():
            np.testing.assert_array_equal(ours.components()[0], truth[f"{name}/codes"][bits - 1], name)
            terms = [ours.lower[0], ours.upper[0], ours.additional[0]]
            np.testing.assert_array_equal(terms, truth[f"{name}/lower_upper_additional"][bits - 1], name)
            assert ours.component_sum[0] == truth[f"{name}/sum"][bits - 1]
    overflowing = ["huge_all_1e19", "outlier_1e20_norm2_overflow"]
    not_finite = ["all_nan", "minus_inf_component", "nan_component", "plus_inf_component"]
    assert sorted(refused) == [(name, True) for name in sorted(overflowing + not_finite)]


# files


@pytest.mark.parametrize("options", [{}, {"bits": 8, "similarity": "cosine"}, {"rotate": True, "seed": 7}])
def test_a_file_gives_back_what_was_saved(tmp_path, options):
    vectors = gaussian(21, 100)
    codes = BinaryQuantizer.fit(vectors, **options).encode(vectors)
    codes.save(tmp_path / "codes.npz")
    assert_same(BinaryCodes.load(tmp_path / "codes.npz"), codes)
    assert [path.name for path in tmp_path.iterdir()] == ["codes.npz"]
    again = BinaryQuantizer.of(BinaryCodes.load(tmp_path / "codes.npz"))
    np.testing.assert_array_equal(again.estimate(vectors, codes), BinaryQuantizer.of(codes).estimate(vectors, codes))


def test_a_file_of_the_other_byte_order_is_the_same(tmp_path):
    vectors = gaussian(5, 70)
    codes = BinaryQuantizer.fit(vectors).encode(vectors)
    codes.save(tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as file:
        arrays = dict(file)
    assert {array.dtype.str for array in arrays.values()} >= {"<f4", "|u1", "<u2", "<i4", "<i8"}
    swapped = {name: array.astype(array.dtype.newbyteorder(">")) for name, array in arrays.items()}
    assert swapped["lower"].dtype.str == ">f4"
    np.savez(tmp_path / "swapped.npz", **swapped)
    assert_same(BinaryCodes.load(tmp_path / "swapped.npz"), codes)


def test_damaged_and_foreign_files_are_refused(tmp_path):
    vectors = gaussian(40, 100)
    BinaryQuantizer.fit(vectors).encode(vectors).save(tmp_path / "codes.npz")
    whole = (tmp_path / "codes.npz").read_bytes()
    other, empty_zip, pickled = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(other, centroid=np.ones(3))
    zipfile.ZipFile(empty_zip, "w").close()
    np.savez(pickled, format=np.array([{}], object))
    files = {
        "half": whole[: len(whole) // 2],
        "end": whole[:-30],
        "empty": b"",
        "text": b"ply\nformat ascii 1.0\n",
        "other": other.getvalue(),
        "zip": empty_zip.getvalue(),
        "pickled": pickled.getvalue(),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=name) as caught:
            BinaryCodes.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        BinaryCodes.load(tmp_path / "absent")


def test_no_damaged_value_is_believed(tmp_path):
    vectors = gaussian(12, 20)
    codes = BinaryQuantizer.fit(vectors).encode(vectors)
    codes.save(tmp_path / "codes.npz")
    whole, refused = (tmp_path / "codes.npz").read_bytes(), 0
    for position in np.random.default_rng(0).permutation(len(whole))[:200]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position % 8)
        (tmp_path / "damaged.npz").write_bytes(damaged)
        try:
            # What is not covered by a checksum, such as the time of writing, changes nothing.
            assert_same(BinaryCodes.load(tmp_path / "damaged.npz"), codes)
        except InputError:
            refused += 1
    assert refused > 120


@pytest.mark.parametrize(("name", "change"), [
    ("packed", lambda a: a[:, :8]), ("packed", lambda a: a.astype(np.uint16)), ("lower", lambda a: a[:-1]),
    ("upper", lambda a: a * np.float32(np.nan)), ("centroid", lambda a: a[:20]), ("component_sum", lambda a: a[:2]),
    ("bits", lambda a: a + 2), ("similarity", lambda a: np.array("hamming")), ("format", lambda a: np.array("v2")),
    ("bits", lambda a: np.array([1, 1])), ("lower", lambda a: a[:, None]),
])  # fmt: skip
def test_files_with_wrong_contents_are_refused(tmp_path, name, change):
    vectors = gaussian(9, 100)
    BinaryQuantizer.fit(vectors).encode(vectors).save(tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "wrong.npz", **(arrays | {name: change(arrays[name])}))
    with pytest.raises(InputError, match=r"wrong\.npz: .+; write it again"):
        BinaryCodes.load(tmp_path / "wrong.npz")


# wrong values


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("options", [{}, {"similarity": "cosine"}, {"rotate": True}, {"bits": 8}])
def test_rows_that_are_not_finite_are_named(value, options):
    good = gaussian(30, 20)
    quantizer = BinaryQuantizer.fit(good, **options)
    bad = good.copy()
    bad[[4, 17], [3, 0]] = value
    for call in (lambda: BinaryQuantizer.fit(bad, **options), lambda: quantizer.encode(bad),
                 lambda: quantizer.encode_query(bad), lambda: quantizer.encode_widths(bad, (1, 4))):  # fmt: skip
        with pytest.raises(ValueError, match=r"rows 4, 17 hold values that are NaN or infinite"):
            call()


def test_rows_without_direction_are_named():
    good = gaussian(30, 20)
    bad = good.copy()
    bad[3], bad[5], bad[6] = 0, 1e-30, 1e25
    for call in (lambda: BinaryQuantizer.fit(bad, "cosine"), lambda: BinaryQuantizer.fit(good, "cosine").encode(bad)):
        with pytest.raises(ValueError, match="rows 3, 5, 6 have no direction"):
            call()
    assert len(BinaryQuantizer.fit(good).encode(bad[:6])) == 6


def test_rows_that_overflow_are_named():
    vectors = gaussian(30, 20)
    quantizer = BinaryQuantizer.fit(vectors)
    vectors[8, 2] = 1e20
    with pytest.raises(ValueError, match="rows 8 are too long"):
        quantizer.encode(vectors)
    with pytest.raises(ValueError, match="rows 0 hold values that are NaN or infinite"):
        quantizer.encode(np.full((1, 20), 1e300))
    with pytest.raises(ValueError, match="overflows float32"):
        BinaryQuantizer.fit(np.full((4, 20), 3e38, np.float32))


def test_many_bad_rows_are_not_all_listed():
    with pytest.raises(ValueError, match=r"rows 0, 1, .*, 9 and 90 more hold"):
        BinaryQuantizer.fit(np.full((100, 3), np.nan, np.float32))


@pytest.mark.parametrize(("options", "words"), [
    ({"bits": 3}, "bits is one of 1, 2, 4, 7, 8"), ({"bits": 4, "intervals": "exact"}, "one bit"),
    ({"query_bits": 5}, "4 or 8"),
])  # fmt: skip
def test_wrong_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        BinaryQuantizer.fit(gaussian(5, 8), **options)


def test_what_does_not_belong_together_is_refused():
    vectors = gaussian(5, 8)
    quantizer = BinaryQuantizer.fit(vectors)
    codes = quantizer.encode(vectors)
    with pytest.raises(ValueError, match="9 components, the centroid has 8"):
        quantizer.encode(gaussian(2, 9))
    with pytest.raises(ValueError, match="different centroids"):
        BinaryQuantizer.fit(gaussian(5, 8, 1)).estimate(vectors, codes)
    with pytest.raises(ValueError, match="different centroids, similarities or rotations"):
        BinaryQuantizer(quantizer.centroid, rotation=3).estimate(vectors, codes)
    with pytest.raises(ValueError, match="4 or 8 bits"):
        quantizer.estimate(codes, codes)
    with pytest.raises(ValueError, match="no vectors"):
        BinaryQuantizer.fit(vectors[:0])
    with pytest.raises(ValueError, match="pack to 8 bytes"):
        BinaryCodes(pack(np.ones((5, 80), np.uint8), 1), codes.lower, codes.upper, codes.additional,
                    codes.component_sum, codes.centroid, "euclidean", 1)  # fmt: skip


def test_nothing_encodes_to_nothing():
    quantizer = BinaryQuantizer.fit(gaussian(5, 8))
    codes = quantizer.encode(np.empty((0, 8), np.float32))
    assert len(codes) == 0
    assert quantizer.estimate(gaussian(3, 8), codes).shape == (3, 0)
