"""The door for arrays of rows: numbers come in as any float array or CPU tensor and are checked once."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def finite_rows(x: Any, name: str, dim: int | None = None) -> Float[ndarray, "items dim"]:
    """``x`` as a (items, dim) float array with at least one row and column; ValueError names what is wrong.

    ``name`` is what the caller calls it; ``dim``, where given, the width that it must have.
    """
    rows = np.asarray(x)
    if rows.ndim != 2 or 0 in rows.shape or rows.dtype.kind != "f":
        raise ValueError(f"{name} must be a (items, dim) array of floats, not {rows.dtype} of shape {rows.shape}")
    if dim is not None and rows.shape[1] != dim:
        raise ValueError(f"{name} has {rows.shape[1]} columns, expected {dim}")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        wrong = np.flatnonzero(~finite)
        shown = ", ".join(map(str, wrong[:5])) + (", ..." if len(wrong) > 5 else "")
        raise ValueError(f"{name} must be finite: NaN or infinity in {len(wrong)} of {len(rows)} rows ({shown})")
    return rows
