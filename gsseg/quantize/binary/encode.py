"""From float vectors to codes: prepare a row, find its interval, round it, pack it.

Every step is done in the order and precision of Apache Lucene's quantizer, so that codes agree with it bit for bit.
"""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.quantize.binary.bits import pack_row, plane_bytes
from gsseg.quantize.binary.codes import BinaryCodes, Similarity, squared_length
from gsseg.quantize.binary.intervals import ROUNDS, descend, first_interval, moments, nearest_step, split
from gsseg.threads import run_all, spans

AS_GIVEN, UNIT, UNIT_QUERY = 0, 1, 2
"""What is done to a row before centring: nothing; division by its length; the same unless it is a unit vector."""

UNIT_TOLERANCE = 1e-4
"""A query or centroid whose squared length is this near to one is a unit vector."""

NOT_FINITE, NO_DIRECTION, TOO_LONG = 1, 2, 3
FAULTS = {
    NOT_FINITE: "hold values that are NaN or infinite",
    NO_DIRECTION: "have no direction for the cosine (their squared length is 0 or infinite in float32)",
    TOO_LONG: "are too long (a squared length or inner product overflows float32, about 1e19 for one component)",
}
NAMED = 10
"""Rows that an error names at most."""


def mean_vector(
    vectors: Float32[ndarray, "items dim"], similarity: Similarity, to_unit: bool
) -> Float32[ndarray, " dim"]:
    """Float32 mean, summed in order; cosine: of the unit vectors, itself scaled to unit length if ``to_unit``.

    ValueError naming the rows that cannot be quantized.
    """
    if not len(vectors):
        raise ValueError("the centroid of no vectors is not defined: give at least one")
    unit = UNIT if similarity == "cosine" else AS_GIVEN
    centroid, faults = np.zeros(vectors.shape[1], np.float32), np.zeros(len(vectors), np.uint8)
    _sum(vectors, unit, centroid, faults)
    raise_faults(faults)
    with np.errstate(over="ignore"):
        centroid /= np.float32(len(vectors))
        length2 = squared_length(centroid)
    if similarity == "cosine" and to_unit and length2 > 0 and abs(length2 - 1.0) >= UNIT_TOLERANCE:
        centroid /= np.float32(np.sqrt(length2))
    if not np.isfinite(length2):
        raise ValueError("the mean of the vectors overflows float32: scale them down")
    return centroid


def encode(
    vectors: Float32[ndarray, "items dim"],
    centroid: Float32[ndarray, " dim"],
    similarity: Similarity,
    bits: int,
    exact: bool,
    rotation: int | None,
    query: bool = False,
) -> BinaryCodes:
    """Codes of the vectors (already rotated); ``exact`` takes the best one-bit cut in place of the descent.

    ``query``: a unit vector is left as it is (cosine). ValueError naming the rows that cannot be quantized.
    """
    rows, dim = vectors.shape
    packed = np.empty((rows, bits * plane_bytes(dim)), np.uint8)
    lower, upper, additional = (np.empty(rows, np.float32) for _ in range(3))
    sums, faults = np.empty(rows, np.int32), np.zeros(rows, np.uint8)
    unit = (UNIT_QUERY if query else UNIT) if similarity == "cosine" else AS_GIVEN
    euclidean = similarity == "euclidean"
    run_all(
        [
            lambda a=a, b=b: _encode(
                vectors, centroid, unit, euclidean, bits, exact, packed, lower, upper, additional, sums, faults, a, b
            )
            for a, b in spans(rows)
        ]
    )
    raise_faults(faults)
    return BinaryCodes(packed, lower, upper, additional, sums, centroid, similarity, bits, rotation)


def raise_faults(faults: ndarray) -> None:
    """ValueError that names the rows and what is wrong with them."""
    found = [(np.flatnonzero(faults == fault), text) for fault, text in FAULTS.items()]
    texts = []
    for rows, text in found:
        if len(rows):
            more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
            texts.append(f"rows {', '.join(map(str, rows[:NAMED]))}{more} {text}")
    if texts:
        raise ValueError("; ".join(texts))


@njit(nogil=True, cache=True, error_model="numpy")
def _prepare(vector, unit, out):
    """Copies a row, scaled to unit length if asked for; returns its fault, 0 if there is none."""
    for i in range(len(vector)):
        if not np.isfinite(vector[i]):
            return NOT_FINITE
        out[i] = vector[i]
    if unit != AS_GIVEN:
        length2 = squared_length(vector)
        if length2 == 0.0 or not np.isfinite(length2):
            return NO_DIRECTION
        if unit == UNIT or abs(np.float64(length2) - 1.0) >= UNIT_TOLERANCE:
            length = np.float32(np.sqrt(np.float64(length2)))
            for i in range(len(vector)):
                out[i] = out[i] / length
    return 0


@njit(nogil=True, cache=True, error_model="numpy")
def _sum(vectors, unit, total, faults):
    row = np.empty(vectors.shape[1], np.float32)
    for i in range(len(vectors)):
        faults[i] = _prepare(vectors[i], unit, row)
        for d in range(len(row)):
            total[d] += row[d]


@njit(nogil=True, cache=True, error_model="numpy")
def _encode(
    vectors, centroid, unit, euclidean, bits, exact, packed, lower, upper, additional, sums, faults, start, stop
):
    dim = vectors.shape[1]
    last = np.float32((1 << bits) - 1)
    row, codes = np.empty(dim, np.float32), np.empty(dim, np.uint8)
    for i in range(start, stop):
        faults[i] = _prepare(vectors[i], unit, row)
        if faults[i]:
            continue
        product = np.float32(0.0)
        for d in range(dim):
            product += row[d] * centroid[d]
            row[d] = row[d] - centroid[d]
        least, greatest, norm2, mean, deviation = moments(row)
        additional[i] = norm2 if euclidean else product
        if not (np.isfinite(norm2) and np.isfinite(product)):
            faults[i] = TOO_LONG
            continue
        total = 0
        if exact:
            a, b, cut = split(row)
            for d in range(dim):
                codes[d] = row[d] > cut
                total += codes[d]
        else:
            a, b = first_interval(bits, least, greatest, mean, deviation)
            a, b = descend(row, norm2, 1 << bits, a, b, ROUNDS)
            step = (b - a) / last
            for d in range(dim):
                x = np.float32(min(max(np.float64(row[d]), np.float64(a)), np.float64(b)))
                codes[d] = np.uint8(nearest_step(np.float64((x - a) / step)))
                total += codes[d]
        lower[i], upper[i], sums[i] = a, b, total
        pack_row(codes, bits, packed[i])
