"""How good the estimates of codes are: their error, and how many true neighbours they find."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray

from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.binary.exact import all_values
from gsseg.quantize.binary.quantizer import BinaryQuantizer
from gsseg.quantize.binary.vectors import Vectors, as_float32

QUERIES, PAIRS = 32, 1 << 23
"""Queries compared with all vectors at a time, and pairs (64 MB for each of some eight arrays): fewer queries where
those are more."""


@dataclass(frozen=True)
class Accuracy:
    """Estimates against exact values over all pairs of a query and a vector, and recall over the queries."""

    mean_error: float
    """Mean of estimate minus exact value: 0 where estimates are unbiased."""
    root_mean_square_error: float
    """Square root of the mean squared error."""
    relative_error: float
    """The same as a fraction of the exact values' standard deviation (where that is 0: 1, or 0 without errors)."""
    correlation: float
    """Pearson's correlation of estimates and exact values."""
    recall: dict[int, float]
    """Fraction of the exact ``k`` nearest that are among the best ``oversample k`` estimates, for each oversample;
    what a search finds that rescores so many (1: none)."""


def measure_accuracy(
    quantizer: BinaryQuantizer,
    queries: Vectors,
    vectors: Vectors,
    codes: BinaryCodes | None = None,
    k: int = 10,
    oversamples: Sequence[int] = (1, 3, 5, 10),
) -> Accuracy:
    """Error of the estimates and recall@k, in one call; ``codes`` are those of the vectors where they are at hand.

    ValueError as `BinaryQuantizer.encode`, and where there are no queries, fewer than ``k`` vectors or not their codes.
    """
    asked, count = as_float32(queries), len(vectors)
    if not len(asked) or not 1 <= k <= count:
        raise ValueError(f"accuracy needs queries and k vectors: {len(asked)} queries, {count} vectors, k = {k}")
    codes = quantizer.encode(vectors) if codes is None else codes
    if len(codes) != count:
        raise ValueError(f"there are {len(codes)} codes of {count} vectors")
    together = min(QUERIES, max(1, PAIRS // count))
    sign = 1 if quantizer.similarity == "euclidean" else -1
    found, sums, shift = np.zeros(len(oversamples)), np.zeros(7), None
    for start in range(0, len(asked), together):
        block = asked[start : start + together]
        exact = all_values(block, vectors, quantizer.similarity)
        estimated = quantizer.estimate(block, codes).astype(np.float64)
        # Squares about a value near the mean lose little to cancellation.
        shift = exact.mean() if shift is None else shift
        x, y, error = exact - shift, estimated - shift, estimated - exact
        sums += [v.sum() for v in (error, error * error, x, y, x * x, y * y, x * y)]
        true = nearest(sign * exact, k)
        for i, oversample in enumerate(oversamples):
            best = nearest(sign * estimated, min(k * oversample, count))
            found[i] += sum(len(np.intersect1d(a, b)) for a, b in zip(true, best, strict=True))
    error, squared, mean_x, mean_y, square_x, square_y, product = sums / (len(asked) * count)
    variance = square_x - mean_x**2
    spread = np.sqrt(max(variance * (square_y - mean_y**2), 0.0))
    return Accuracy(
        mean_error=float(error),
        root_mean_square_error=float(np.sqrt(squared)),
        relative_error=float(np.sqrt(squared / variance)) if variance > 0 else float(np.sign(squared)),
        correlation=float((product - mean_x * mean_y) / spread) if spread > 0 else 0.0,
        recall={o: float(n / (len(asked) * k)) for o, n in zip(oversamples, found, strict=True)},
    )


def nearest(keys: Float[ndarray, "queries items"], count: int) -> Int64[ndarray, "queries count"]:
    """Columns of the ``count`` smallest keys of each row, in no order."""
    return np.argpartition(keys, count - 1, axis=1)[:, :count]
