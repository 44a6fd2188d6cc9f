"""A random rotation that is cheap, needs no matrix, and is the same on every machine for a seed.

One grid for all components of a vector suits vectors whose components are alike. Where a few axes carry most of the
variance, as in many learned features, one bit each is spent on the others for nothing; in rotated axes every component
carries its share, and distances and inner products are what they were (RaBitQ, Gao & Long, SIGMOD 2024, rotates for
the same reason).

`ROUNDS` times: flip random signs, then apply a Walsh-Hadamard transform, scaled to be orthogonal, to a window of 2^m
components, the greatest power of two that fits; windows start at the first component and end at the last in turns.
The signs are raw bits of PCG64, whose stream is fixed for all versions of numpy.
"""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.threads import run_all, spans

ROUNDS = 4


def rotate(rows: Float32[ndarray, "rows dim"], seed: int, back: bool = False) -> Float32[ndarray, "rows dim"]:
    """The rows in the rotated axes of this seed, or, ``back``, rotated rows in the axes they came from."""
    dim = rows.shape[1]
    bits = np.random.PCG64(seed).random_raw(ROUNDS * dim) >> np.uint64(63)
    signs = (1 - 2 * bits.astype(np.float32)).reshape(ROUNDS, dim)
    out = rows.copy()
    run_all([lambda a=a, b=b: _rotate_(out, signs, back, a, b) for a, b in spans(len(rows))])
    return out


@njit(nogil=True, cache=True)
def _rotate_(rows, signs, back, start, stop):
    rounds, dim = signs.shape
    width = 1
    while 2 * width <= dim:
        width *= 2
    scale = np.float32(1.0 / np.sqrt(width))
    for i in range(start, stop):
        row = rows[i]
        for turn in range(rounds):
            at = rounds - 1 - turn if back else turn
            if not back:
                row *= signs[at]
            window = row[:width] if at % 2 == 0 else row[dim - width :]
            half = 1
            while half < width:
                for block in range(0, width, 2 * half):
                    for d in range(block, block + half):
                        first, second = window[d], window[d + half]
                        window[d], window[d + half] = first + second, first - second
                half *= 2
            window *= scale
            if back:
                row *= signs[at]
