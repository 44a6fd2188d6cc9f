"""Where codes start: random items of their block, or k-means++ pulled towards the mean."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from numpy import ndarray

from gsseg.clustering.means import code_means
from gsseg.clustering.nearest import nearest_codes

SEEDING_PER_CODE = 64
"""Items for each code among which k-means++ draws."""

PULLS = (1.0, 0.5, 0.25, 0.125)
"""How far from the mean the first codes may stand, as parts of where they were drawn."""


def subsample(
    x: Float32[ndarray, "items dim"], count: int, generator: np.random.Generator
) -> Float32[ndarray, "sample dim"]:
    """``count`` random rows in their order, or all."""
    if len(x) <= count:
        return x
    return x[np.sort(generator.choice(len(x), count, replace=False))]


def sample_codebook(
    x: Float32[ndarray, "items dim"],
    first: Int64[ndarray, " items"],
    size: int,
    codes: int,
    generator: np.random.Generator,
) -> Float32[ndarray, "codes dim"]:
    """Codes that are random items of their block, without repetition while there are enough.

    ``first`` holds the first code of each item's block, ``size`` the codes of a block. A block with fewer items than
    codes leaves its last codes equal to its first item: they stay empty, because a tie goes to the lowest code.
    """
    rows = sample_rows(first, size, codes, generator)
    codebook = np.zeros((codes, x.shape[1]), np.float32)
    codebook[rows >= 0] = x[rows[rows >= 0]]
    return codebook


def sample_rows(
    first: Int64[ndarray, " items"], size: int, codes: int, generator: np.random.Generator
) -> Int64[ndarray, " codes"]:
    """The item that `sample_codebook` puts each code on; -1 in a block without items."""
    order = generator.permutation(len(first))
    order = order[np.argsort(first[order], kind="stable")]
    starts = np.searchsorted(first[order], np.arange(0, codes, size))
    ends = np.searchsorted(first[order], np.arange(0, codes, size), side="right")
    rows = np.full(codes, -1)
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        chosen = order[start : min(end, start + size)]
        if len(chosen):
            rows[block * size : (block + 1) * size] = chosen[0]
            rows[block * size : block * size + len(chosen)] = chosen
    return rows


def plus_plus(
    x: Float32[ndarray, "items dim"], codes: int, generator: np.random.Generator
) -> Float32[ndarray, "codes dim"]:
    """Codes drawn one after the other with odds as their squared distance to those before, the best of a few draws.

    Greedy k-means++ (Arthur and Vassilvitskii 2007, section 4). Distances here come from products and are only odds.
    """
    x = subsample(x, SEEDING_PER_CODE * codes, generator)
    squares = np.square(x).sum(axis=1)
    draws = 2 + int(np.log(codes))
    chosen = [int(generator.integers(len(x)))]
    nearest = np.square(x - x[chosen[0]]).sum(axis=1)
    for _ in range(1, codes):
        cumulative = np.cumsum(nearest, dtype=np.float64)
        drawn = np.searchsorted(cumulative, generator.random(draws) * cumulative[-1], side="right")
        drawn = np.minimum(drawn, len(x) - 1)
        after = np.minimum(nearest, np.maximum(squares + squares[drawn, None] - 2 * (x[drawn] @ x.T), 0))
        best = int(after.sum(axis=1, dtype=np.float64).argmin())
        chosen.append(int(drawn[best]))
        nearest = after[best]
    return x[chosen]


def pulled(x: Float32[ndarray, "items dim"], centers: Float32[ndarray, "codes dim"]) -> Float64[ndarray, "codes dim"]:
    """The codes, all pulled towards the mean by that one of a few factors which leaves the least error.

    In many dimensions items lie about equally far from each other and all nearest to whatever item is nearest to their
    mean: codes on items then have one item each and one code has all others, a minimum that rounds do not leave.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    tries = [mean + pull * (centers - mean) for pull in PULLS]
    return min(tries, key=lambda tried: _error_of_means(x, tried))


def _error_of_means(x: Float32[ndarray, "items dim"], centers: Float[ndarray, "codes dim"]) -> float:
    """Error about the means of the items nearest to each code, less the constant sum of squares of x."""
    means, sizes = code_means(x, nearest_codes(x, centers)[0], len(centers))
    return -float(sizes @ np.square(means).sum(axis=1))
