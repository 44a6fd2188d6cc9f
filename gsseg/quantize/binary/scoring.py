"""Estimates of a distance or inner product from codes alone, and final scores.

Index vector x and query y are centred; S estimates x . y from their codes k (of the index) and q (of the query):

    S = ax ay dim + ay lx sum k + ax ly sum q + lx ly sum k q,

ax, ay: lower ends; lx, ly: steps. With |x|^2, |y|^2 or the products v . c as `additional`, and the centroid c,

    "euclidean":  |x - y|^2  is about  additional_y + additional_x - 2 S       (smaller is nearer)
    the others:   v . w      is about  S + additional_x + additional_y - c . c  (greater is nearer)

all in float32, in the order of Apache Lucene's scorer. An estimate may leave the range of what it estimates (a squared
distance below 0, a cosine above 1): rank by estimates; the final scores below are cut there and tie.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.quantize.binary.bits import interleave, products
from gsseg.quantize.binary.codes import BinaryCodes, Similarity
from gsseg.threads import run_all, spans

QUERY_WIDTHS = (4, 8)
"""Bits a component of an encoded query may have."""

BLOCK = 256
"""Rows that all queries see before the next ones: their codes stay in the first cache."""


class Operands(NamedTuple):
    """Codes as the compiled functions take them."""

    words: UInt64[ndarray, "items words"]
    lower: Float32[ndarray, " items"]
    steps: Float32[ndarray, " items"]
    additional: Float32[ndarray, " items"]
    sums: Int32[ndarray, " items"]
    bits: int


def operands(codes: BinaryCodes, words: UInt64[ndarray, "items words"]) -> Operands:
    """The arrays of the codes in the types and order that the compiled functions know."""
    return Operands(
        words,
        np.ascontiguousarray(codes.lower, np.float32),
        # Lucene's scorer multiplies by a float32 1/15 where its quantizer divides by 15
        np.ascontiguousarray((codes.upper - codes.lower) * np.float32(1 / (2**codes.bits - 1)), np.float32),
        np.ascontiguousarray(codes.additional, np.float32),
        np.ascontiguousarray(codes.component_sum, np.int32),
        codes.bits,
    )


def estimates(queries: BinaryCodes, codes: BinaryCodes) -> Float32[ndarray, "queries items"]:
    """Estimated squared distance or inner product of every query (encoded) and vector."""
    check_pair(queries, codes)
    out = np.empty((len(queries), len(codes)), np.float32)
    asked, index = operands(queries, interleave(queries.words, queries.bits)), operands(codes, codes.words)
    euclidean, centroid_dp = codes.similarity == "euclidean", np.float32(codes.centroid_dp)
    run_all(
        [
            lambda a=a, b=b: _estimates(asked, index, codes.dimension, euclidean, centroid_dp, out, a, b)
            for a, b in spans(len(codes))
        ]
    )
    return out


def final_scores(estimates: Float[ndarray, "queries items"], similarity: Similarity) -> Float[ndarray, "queries items"]:
    """Similarity scores, greater is better, as Lucene's: max(1 / (1 + d), 0) of a squared distance d; of an inner
    product p max((1 + p) / 2, 0) for "cosine" and "dot", 1 / (1 - p) below zero and 1 + p above for
    "max_inner_product".

    A squared distance estimated below -1 scores 0: rank by the estimates.
    """
    one = estimates.dtype.type(1)
    with np.errstate(divide="ignore"):
        if similarity == "euclidean":
            return np.maximum(one / (one + estimates), 0)
        if similarity == "max_inner_product":
            return np.where(estimates < 0, one / (one - np.minimum(estimates, 0)), one + estimates)
        return np.maximum((one + estimates) / 2, 0)


def check_pair(queries: BinaryCodes, codes: BinaryCodes) -> None:
    """ValueError unless the queries were encoded for these codes."""
    if queries.bits not in QUERY_WIDTHS:
        raise ValueError(f"encoded queries have 4 or 8 bits a component, not {queries.bits}")
    same = queries.similarity == codes.similarity and queries.rotation == codes.rotation
    if not same or not np.array_equal(queries.centroid, codes.centroid):
        raise ValueError("queries and vectors were encoded with different centroids, similarities or rotations")


@njit(nogil=True, cache=True)
def estimate_rows(asked, q, index, start, dim, euclidean, centroid_dp, dots, out):
    """The estimates of query ``q`` and the vectors from ``start`` on, one for every place of ``out``; ``dots`` is
    scratch of the same length.

    Every array has a name before the loop: taken from its tuple for each row, it is counted as another owner's and
    given back for each row, which costs several times the counting of bits.
    """
    lowers, steps, additional, sums = index.lower, index.steps, index.additional, index.sums
    size = np.float32(dim)
    ay, ly = asked.lower[q], asked.steps[q]
    sum_y, additional_y = np.float32(asked.sums[q]), asked.additional[q]
    products(index.words, start, index.bits, asked.words, q, asked.bits, dots)
    for i in range(len(out)):
        ax, lx = lowers[start + i], steps[start + i]
        total = ax * ay * size + ay * lx * np.float32(sums[start + i]) + ax * ly * sum_y
        total += lx * ly * np.float32(dots[i])
        if euclidean:
            out[i] = additional_y + additional[start + i] - np.float32(2.0) * total
        else:
            out[i] = total + (additional_y + additional[start + i] - centroid_dp)


@njit(nogil=True, cache=True)
def _estimates(asked, index, dim, euclidean, centroid_dp, out, start, stop):
    dots = np.empty(BLOCK, np.int64)
    for low in range(start, stop, BLOCK):
        high = min(low + BLOCK, stop)
        for q in range(len(out)):
            estimate_rows(asked, q, index, low, dim, euclidean, centroid_dp, dots[: high - low], out[q, low:high])
