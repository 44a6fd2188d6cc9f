"""Rows as they come in: any float array or tensor, checked once."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

BLOCK_ENTRIES = 1 << 20
"""Entries worked on in float64 at a time: 8 MB."""


def finite_rows(x: Any, name: str, dim: int | None = None) -> Float[ndarray, "items dim"]:
    """``x`` as a (items, dim) float array with at least one row and column; ValueError names what is wrong.

    ``name`` is what the caller calls it; ``dim``, where given, the width that it must have.
    """
    rows = np.asarray(_without_torch(x))
    if rows.ndim != 2 or rows.dtype.kind != "f":
        raise ValueError(f"{name} must be a (items, dim) array of floats, not {rows.dtype} of shape {rows.shape}")
    if 0 in rows.shape:
        raise ValueError(f"{name} must have at least one row and one column, has the shape {rows.shape}")
    if dim is not None and rows.shape[1] != dim:
        raise ValueError(f"{name} has {rows.shape[1]} columns, expected {dim}")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        wrong = np.flatnonzero(~finite)
        shown = ", ".join(map(str, wrong[:5])) + (", ..." if len(wrong) > 5 else "")
        raise ValueError(f"{name} must be finite: NaN or infinity in {len(wrong)} of {len(rows)} rows ({shown})")
    return rows


def blocks(rows: Float[ndarray, "items dim"]) -> Iterator[slice]:
    """Slices of ``rows`` in order: copies of all in float64 would take several times their memory."""
    step = max(1, BLOCK_ENTRIES // rows.shape[1])
    return (slice(start, start + step) for start in range(0, len(rows), step))


def _without_torch(x: Any) -> Any:
    """A tensor as one that NumPy can read; anything else as it is."""
    torch = sys.modules.get("torch")  # not imported for arrays' sake: who has a tensor has torch
    if torch is None or not isinstance(x, torch.Tensor):
        return x
    x = x.detach().cpu()
    return x.float() if x.dtype == torch.bfloat16 else x
