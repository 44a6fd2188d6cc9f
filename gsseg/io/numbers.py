"""Numbers that a file states: read within bounds, so that no arithmetic on them overflows, divides by 0 or gives NaN.

JSON and YAML hold truth values, texts and whole numbers of any length where numbers are meant. Every reader of them
asks here, and the error names file, key and value.
"""

import math
import reprlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError

Bound: TypeAlias = int | float

LARGEST_COORDINATE = 1e12
"""World units from the origin: what surveyors use stays below 10^8, and a square of this is still a float32."""
LARGEST_SCALE = 1e6
"""By which one world is larger or smaller than another."""
LARGEST_FOCAL, LEAST_FOCAL = 1e9, 1e-3
"""Pixels."""
LARGEST_OFFSET = 1e9
"""Pixels between a picture's corner and its principal point."""
_LARGEST_FLOAT = sys.float_info.max


def real_number(
    path: Path, key: str, value: object, remedy: str, *, least: Bound = -math.inf, most: Bound = math.inf
) -> float:
    """A finite number from ``least`` to ``most``; `InputError` with file, key and value for anything else."""
    # A whole number of 400 digits is compared before it is converted, because it has no float.
    low, high = max(least, -_LARGEST_FLOAT), min(most, _LARGEST_FLOAT)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(path, f"{key} is {brief(value)}, must be {_rule('a finite number', least, most)}", remedy)
    return float(value)


def whole_number(path: Path, key: str, value: object, remedy: str, *, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``, 3.0 among them; `InputError` as `real_number`."""
    number = real_number(path, key, value, remedy, least=least, most=most)
    if number != int(number):
        raise InputError(path, f"{key} is {brief(value)}, must be {_rule('a whole number', least, most)}", remedy)
    return int(number)


def matrix(
    path: Path, key: str, value: object, remedy: str, *, shapes: Sequence[tuple[int, int]], most: Bound
) -> Float64[ndarray, "rows columns"]:
    """Rows of numbers of one of these shapes; NaN and infinities are let through, and finite ones reach to ``most``.

    Raises `InputError` for anything else.
    """
    rows = value if isinstance(value, list) else []
    lengths = {len(row) if isinstance(row, list) else -1 for row in rows}
    shape = (len(rows), lengths.pop()) if len(lengths) == 1 else None
    if shape not in shapes:
        named = " or ".join(f"{height} x {width}" for height, width in shapes)
        raise InputError(path, f"{key} is no matrix of {named} numbers", remedy)
    for number in (number for row in rows for number in row):
        if not (isinstance(number, float) and not math.isfinite(number)):
            real_number(path, key, number, remedy, least=-most, most=most)
    return np.array(rows, np.float64)


def brief(value: object) -> str:
    """A value as an error shows it: short, whatever it is."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 64:
        return f"a whole number of about {round(value.bit_length() * 0.30103)} digits"
    return reprlib.repr(value)[:60]


def _rule(kind: str, least: Bound, most: Bound) -> str:
    if math.isinf(least) and math.isinf(most):
        return kind
    if math.isinf(most):
        return f"{kind} of at least {least:g}"
    return f"{kind} from {least:g} to {most:g}"
