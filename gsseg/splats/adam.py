"""Adam (Kingma and Ba 2015) for the rows that a photo sees, as one compiled pass over parameters and moments.

A row that is not seen is not touched: its moments wait. So each row counts its own steps for the bias correction.
"""

import math

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.threads import run_all, spans

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-15

_AGES = np.arange(1, 1 << 14)
_PACES = (np.sqrt(1.0 - BETA_2**_AGES) / (1.0 - BETA_1**_AGES)).astype(np.float32)
"""The bias correction of a row by its steps; after so many it is 1."""


def paces(ages: Int32[ndarray, " visible"]) -> Float32[ndarray, " visible"]:
    """The bias correction of rows that take their ``ages``-th step, from 1 on: once for all their columns."""
    return _PACES[np.minimum(ages, len(_PACES)) - 1]


def step_rows(
    values: Float32[ndarray, "rows dim"],
    first: int,
    moments: Float32[ndarray, "2 rows columns"],
    column: int,
    width: int,
    rows: Int32[ndarray, " visible"],
    pace: Float32[ndarray, " visible"],
    gradients: Float32[ndarray, "visible slopes"],
    rate: float,
) -> None:
    """Takes one step, in place, of columns ``first .. first + width - 1`` of ``values`` for each of ``rows``.

    Gradients and moments lie in columns ``column .. column + width - 1``; ``pace``: from `paces`. Rows must not repeat,
    so that threads share none.
    """
    run_all(
        [
            lambda a=a, b=b: _step(values, first, moments, column, width, rows, pace, gradients, np.float32(rate), a, b)
            for a, b in spans(len(rows))
        ]
    )


@njit(nogil=True, cache=True, fastmath=True)
def _step(values, first, moments, column, width, rows, paces, gradients, rate, start, stop):
    for at in range(start, stop):
        row = rows[at]
        pace = rate * paces[at]
        for k in range(width):
            slope = gradients[at, column + k]
            mean = np.float32(BETA_1) * moments[0, row, column + k] + np.float32(1.0 - BETA_1) * slope
            square = np.float32(BETA_2) * moments[1, row, column + k] + np.float32(1.0 - BETA_2) * slope * slope
            # Squares of tiny gradients would be denormal numbers, with which a processor is ten times slower.
            square = max(square, np.float32(EPSILON**2))
            moments[0, row, column + k] = mean
            moments[1, row, column + k] = square
            values[row, first + k] -= pace * mean / (math.sqrt(square) + np.float32(EPSILON))
