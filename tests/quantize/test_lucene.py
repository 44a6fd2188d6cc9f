"""Codes, corrections and estimates are those of Apache Lucene's quantizer: of a plain one in NumPy, written from its
description, on any machine, and where the stored values of the Java program are at hand, of these too.

Lucene chooses float32 or float64 step by step, and a component on the edge between two codes depends on it: sums of
float32 are therefore taken in order (`np.cumsum` does so) and not as NumPy would.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from gsseg.quantize.binary.codes import SIMILARITIES, WIDTHS
from gsseg.quantize.binary.intervals import ROUNDS, descend, first_interval, interval_loss, moments
from gsseg.quantize.binary.quantizer import BinaryQuantizer

F4 = np.float32
NAMES = {"EUCLIDEAN": "euclidean", "COSINE": "cosine", "DOT_PRODUCT": "dot",
         "MAXIMUM_INNER_PRODUCT": "max_inner_product"}  # fmt: skip
NARROW = F4(0.1)
HALF_WIDTHS = (0.798, 1.493, 2.051, 2.514, 2.916, 3.278, 3.611, 3.922)
"""Of the best even grids of 1..8 bits for a normal distribution."""


class Plain(NamedTuple):
    """One vector, quantized plainly."""

    codes: np.ndarray
    lower: float
    upper: float
    additional: float
    trace: list[tuple[float, float]]
    """Intervals that the rounds went through, the first one included."""


def in_order(values: np.ndarray) -> float:
    """The sum, one after the other, in the values' own type."""
    return np.cumsum(values)[-1]


def dot(a: np.ndarray, b: np.ndarray) -> np.float32:
    """In float32, with four sums side by side from 33 components on."""
    whole = len(a) - len(a) % 4 if len(a) > 32 else 0
    total = in_order(np.cumsum((a * b)[:whole].reshape(-1, 4), axis=0)[-1]) if whole else F4(0)
    for product in (a * b)[whole:]:
        total += product
    return total


def unit(v: np.ndarray) -> np.ndarray:
    return v / F4(np.sqrt(np.float64(dot(v, v))))


def near_unit(v: np.ndarray) -> np.ndarray:
    """Of unit length; what is so but for 1e-4 of the squared length stays as it is."""
    return v if abs(float(dot(v, v)) - 1) < 1e-4 else unit(v)


def half_up(values: np.ndarray) -> np.ndarray:
    """floor(v + 1/2), and 0 where a grid of no width makes v NaN."""
    return np.nan_to_num(np.floor(values.astype(np.float64) + 0.5))


def plain_loss(x: np.ndarray, norm2: np.float32, last: int, a: np.float64, b: np.float64) -> float:
    step = (b - a) / last
    error = x - (a + step * half_up((np.clip(x, a, b) - a) * (1.0 / step)))
    along = in_order(x * error)
    return (1 - np.float64(NARROW)) * along * along / np.float64(norm2) + np.float64(NARROW) * in_order(error * error)


def plain_trace(x: np.ndarray, bits: int) -> list[tuple[float, float]]:
    """The intervals of the rounds for a centred vector, in float32."""
    wide, last, norm2 = x.astype(np.float64), 2**bits - 1, in_order(x * x)
    mean = variance = 0.0
    for i, value in enumerate(wide.tolist()):
        delta = value - mean
        mean += delta / (i + 1)
        variance += delta * (value - mean)
    half = np.float64(F4(HALF_WIDTHS[bits - 1])) * np.sqrt(variance / len(x))
    lower, upper = (F4(np.clip(end, wide.min(), wide.max())) for end in (mean - half, mean + half))
    trace = [(lower, upper)]
    scale = (F4(1) - NARROW) / norm2
    loss = plain_loss(wide, norm2, last, *np.float64(trace[0]))
    for _ in range(5 if np.isfinite(scale) else 0):
        a, b = np.float64(lower), np.float64(upper)
        s = half_up((np.clip(wide, a, b) - a) * np.float64(F4(last) / (upper - lower))).astype(F4) / F4(last)
        rest = 1 - s.astype(np.float64)
        daa, dab, dbb = in_order(rest * rest), in_order(rest * s), in_order((s * s).astype(np.float64))
        dax, dbx = in_order(wide * rest), in_order((x * s).astype(np.float64))
        m0, m1, m2 = (
            np.float64(scale) * p * q + np.float64(NARROW) * d
            for p, q, d in ((dax, dax, daa), (dax, dbx, dab), (dbx, dbx, dbb))
        )
        determinant = m0 * m2 - m1 * m1
        if determinant == 0:
            break
        ends = F4((m2 * dax - m1 * dbx) / determinant), F4((m0 * dbx - m1 * dax) / determinant)
        if abs(ends[0] - lower) < 1e-8 and abs(ends[1] - upper) < 1e-8:
            break
        if (after := plain_loss(wide, norm2, last, *np.float64(ends))) > loss:
            break
        (lower, upper), loss = ends, after
        trace.append(ends)
    return trace


def plain_codes(vector: np.ndarray, centroid: np.ndarray, bits: int, euclidean: bool) -> Plain:
    """Of a vector that has been prepared (cosine: is of unit length)."""
    with np.errstate(all="ignore"):
        x = vector - centroid
        trace = plain_trace(x, bits)
        lower, upper = trace[-1]
        step = (upper - lower) / F4(2**bits - 1)
        clipped = np.clip(x.astype(np.float64), lower, upper).astype(F4)
        codes = half_up((clipped - lower) / step).astype(np.uint8)
        return Plain(codes, lower, upper, in_order(x * x) if euclidean else in_order(vector * centroid), trace)


def plain_estimates(asked: list[Plain], index: list[Plain], centroid: np.ndarray, similarity: str) -> np.ndarray:
    """Of 4-bit queries and 1-bit vectors."""
    out = np.empty((len(asked), len(index)), F4)
    for i, q in enumerate(asked):
        ay, ly = q.lower, (q.upper - q.lower) * F4(1 / 15)
        for j, v in enumerate(index):
            ax, lx = v.lower, v.upper - v.lower
            product = F4(int(q.codes.astype(int) @ v.codes))
            total = ax * ay * F4(len(centroid)) + ay * lx * F4(v.codes.sum()) + ax * ly * F4(q.codes.sum())
            total += lx * ly * product
            if similarity == "euclidean":
                out[i, j] = q.additional + v.additional - F4(2) * total
            else:
                out[i, j] = total + (q.additional + v.additional - dot(centroid, centroid))
    return out


def plain_centroid(vectors: np.ndarray, similarity: str) -> np.ndarray:
    mean = np.cumsum(vectors, axis=0)[-1] / F4(len(vectors))
    return near_unit(mean) if similarity == "cosine" else mean


def check_codes(ours, plain: list[Plain], bits: int) -> None:
    codes = np.stack([v.codes for v in plain])
    planes = [np.packbits((codes >> bit) & 1, axis=1) for bit in range(bits)]
    size = -(-codes.shape[1] // 64) * 8
    padded = [np.pad(plane, ((0, 0), (0, size - plane.shape[1]))) for plane in planes]
    np.testing.assert_array_equal(ours.components(), codes)
    np.testing.assert_array_equal(ours.packed, np.concatenate(padded, axis=1))
    np.testing.assert_array_equal(ours.component_sum, codes.sum(axis=1, dtype=np.int64))
    for field in ("lower", "upper", "additional"):
        np.testing.assert_array_equal(getattr(ours, field), [getattr(v, field) for v in plain])


def clustered(rows: int, dim: int, seed: int) -> np.ndarray:
    """Unit vectors about a few directions, some of them almost the same."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, dim))
    x = centres[rng.integers(0, 4, rows)] + rng.choice([0.01, 0.5], (rows, 1)) * rng.normal(size=(rows, dim))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(F4)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("dim", [1, 2, 6, 32, 33, 64, 100, 384])
@pytest.mark.parametrize("kind", ["gaussian", "clustered", "equal"])
def test_codes_and_estimates_are_the_plain_ones(similarity, dim, kind, gaussian):
    make = {"gaussian": gaussian, "clustered": clustered, "equal": lambda *how: gaussian(*how)[:1].repeat(how[0], 0)}
    vectors, queries = np.split(make[kind](20, dim, dim), [15])
    cosine = similarity == "cosine"
    prepared = [unit(v) if cosine else v for v in vectors]
    asked = [near_unit(v) if cosine else v for v in queries]
    centroid = plain_centroid(np.array(prepared), similarity)
    quantizer = BinaryQuantizer.fit(vectors, similarity)
    np.testing.assert_array_equal(quantizer.centroid, centroid)
    index = [plain_codes(v, centroid, 1, similarity == "euclidean") for v in prepared]
    query = [plain_codes(v, centroid, 4, similarity == "euclidean") for v in asked]
    check_codes(quantizer.encode(vectors), index, 1)
    check_codes(quantizer.encode_query(queries), query, 4)
    estimates = quantizer.estimate(queries, quantizer.encode(vectors))
    np.testing.assert_array_equal(estimates, plain_estimates(query, index, centroid, similarity))


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("dim", [5, 16, 130])
def test_wider_codes_are_the_plain_ones(bits, dim, gaussian):
    vectors = gaussian(30, dim)
    quantizer = BinaryQuantizer.fit(vectors, bits=bits)
    check_codes(quantizer.encode(vectors), [plain_codes(v, quantizer.centroid, bits, True) for v in vectors], bits)


EDGES = {
    "zero": np.zeros(9),
    "constant": np.full(9, 2.5),
    "one component": np.array([3.0]),
    "one of many": np.eye(1, 1023, 400)[0] * 7,
    "two values": np.tile([-1.0, 1.0], 20),
    "steps": np.arange(16.0),
    "halves": np.arange(31) / 2 - 7.5,
    "outlier": np.append(np.linspace(-1, 1, 63), 1e4),
    "denormal": np.linspace(-1e-40, 1e-40, 12),
    "square underflows": np.linspace(-1e-25, 1e-25, 12),
    "large": np.linspace(-1e15, 1e15, 12),
    "negative": -np.arange(1.0, 70.0),
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_edge_cases_are_the_plain_ones(name, bits):
    vector = EDGES[name].astype(F4)
    for centroid in (np.zeros_like(vector), np.full_like(vector, 0.25), vector):
        for similarity in ("euclidean", "dot"):
            ours = BinaryQuantizer(centroid, similarity, bits).encode(vector[None])
            check_codes(ours, [plain_codes(vector, centroid, bits, similarity == "euclidean")], bits)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_every_round_is_the_plain_one(bits, gaussian):
    for x in (*gaussian(10, 70), *clustered(10, 33, 1)):
        least, greatest, norm2, mean, deviation = moments(x)
        lower, upper = map(F4, first_interval(bits, F4(least), F4(greatest), mean, deviation))
        trace = plain_trace(x, bits)
        trace += [trace[-1]] * (ROUNDS + 1 - len(trace))  # rounds that end early change nothing
        for rounds in range(ROUNDS + 1):
            assert descend(x, F4(norm2), 1 << bits, lower, upper, rounds) == trace[rounds]


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_scores_are_those_of_the_estimates(similarity, gaussian):
    vectors = gaussian(30, 40)
    quantizer = BinaryQuantizer.fit(vectors, similarity)
    codes = quantizer.encode(vectors)
    e = quantizer.estimate(vectors[:9], codes).astype(np.float64)
    below = 1 / (1 - np.minimum(e, 0))
    expected = {"euclidean": np.maximum(1 / (1 + e), 0), "max_inner_product": np.where(e < 0, below, e + 1)}
    scores = quantizer.score(vectors[:9], codes)
    np.testing.assert_allclose(scores, expected.get(similarity, np.maximum((1 + e) / 2, 0)), rtol=1e-5)


# the Java program's values


def stored(shared):
    """(name, arrays) of the stored sets; in one of them the Java program divides by zero."""
    for path in sorted((shared / "oracle" / "bbq").glob("*_*.npz")):
        with np.load(path) as truth:
            if "index_packed" in truth and path.stem != "zero_row_cosine":
                yield path.stem, {name: truth[name] for name in truth}


def test_stored_codes_and_estimates(shared):
    compared = 0
    for name, truth in stored(shared):
        quantizer = BinaryQuantizer.fit(truth["index_input"], NAMES[str(truth["similarity"])])
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


def test_the_plain_quantizer_gives_the_stored_values(shared):
    for name, truth in stored(shared):
        for side, bits in (("index", 1), ("query", 4)):
            for i in range(0, len(truth[f"{side}_prepared"]), 7):
                euclidean = str(truth["similarity"]) == "EUCLIDEAN"
                plain = plain_codes(truth[f"{side}_prepared"][i], truth["centroid"], bits, euclidean)
                np.testing.assert_array_equal(plain.codes, truth[f"{side}_codes"][i], name)
                for field in ("lower", "upper", "additional"):
                    assert getattr(plain, field) == truth[f"{side}_{field}"][i], (name, side, i, field)


def test_stored_wider_codes(shared):
    compared = 0
    for name, truth in stored(shared):
        if "multi_codes" not in truth:
            continue
        quantizer = BinaryQuantizer.fit(truth["index_input"], NAMES[str(truth["similarity"])])
        for bits in (2, 4, 7, 8):
            codes = replace(quantizer, bits=bits).encode(truth["index_input"])
            np.testing.assert_array_equal(codes.components(), truth[f"bits{bits}_codes"], name)
            for field in ("lower", "upper", "additional"):
                np.testing.assert_array_equal(getattr(codes, field), truth[f"bits{bits}_{field}"], name)
            np.testing.assert_array_equal(codes.component_sum, truth[f"bits{bits}_sum"], name)
            if f"bits{bits}_dequantized" in truth:
                decoded = truth[f"bits{bits}_dequantized"]
                np.testing.assert_allclose(quantizer.decode(codes), decoded, rtol=1e-5, atol=1e-5, err_msg=name)
            compared += 1
        for i, bits in enumerate((1, 4, 8)):
            codes = replace(quantizer, bits=bits).encode(truth["index_input"][:10])
            np.testing.assert_array_equal(codes.components(), truth["multi_codes"][:, i], name)
            np.testing.assert_array_equal(codes.component_sum, truth["multi_sum"][:, i], name)
            terms = np.stack([codes.lower, codes.upper, codes.additional], axis=1)
            np.testing.assert_array_equal(terms, truth["multi_lower_upper_additional"][:, i], name)
    assert compared == 4 * 14


def test_stored_edge_cases(shared):
    truth = np.load(shared / "oracle" / "bbq" / "edge_cases.npz")
    refused = set()
    for name in map(str, truth["names"]):
        vector, centroid = truth[f"{name}/vector"].reshape(1, -1), truth[f"{name}/centroid"].ravel()
        for bits in WIDTHS:
            quantizer = BinaryQuantizer(centroid, NAMES[str(truth[f"{name}/similarity"])], bits)
            try:
                ours = quantizer.encode(vector)
            except ValueError as error:
                refused.add((name, "rows 0 " in str(error)))
                continue
            np.testing.assert_array_equal(ours.components()[0], truth[f"{name}/codes"][bits - 1], name)
            terms = [ours.lower[0], ours.upper[0], ours.additional[0]]
            np.testing.assert_array_equal(terms, truth[f"{name}/lower_upper_additional"][bits - 1], name)
            assert ours.component_sum[0] == truth[f"{name}/sum"][bits - 1]
    overflowing = ["huge_all_1e19", "outlier_1e20_norm2_overflow"]
    not_finite = ["all_nan", "minus_inf_component", "nan_component", "plus_inf_component"]
    assert refused == {(name, True) for name in overflowing + not_finite}


def test_stored_rounds(shared):
    for name in ("d16_clus_cosine", "d128_gauss_euclidean", "d100_clus_dot_product"):
        truth = np.load(shared / "oracle" / "bbq" / f"{name}.npz")
        for side, bits in (("index", 1), ("query", 4)):
            for i, x in enumerate(truth[f"{side}_centered"][:25]):
                least, greatest, norm2, mean, deviation = moments(x)
                norm2 = F4(norm2)
                lower, upper = map(F4, first_interval(bits, F4(least), F4(greatest), mean, deviation))
                assert norm2 == truth[f"{side}_norm2"][i]
                for rounds in range(ROUNDS + 1):
                    ends = descend(x, norm2, 1 << bits, lower, upper, rounds)
                    assert ends == tuple(truth[f"{side}_interval_trace"][i, rounds])
                assert interval_loss(x, norm2, 1 << bits, *map(F4, ends)) == truth[f"{side}_loss_final"][i]
