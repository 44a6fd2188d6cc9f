"""Vectors as binary quantization takes them: rows from numpy or torch, as C-ordered float32."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor

Vectors: TypeAlias = Float[ndarray, "_rows _dim"] | Float[Tensor, "_rows _dim"]
"""Rows that come in: numpy or CPU torch, any float type; they are worked on as float32."""


def as_float32(vectors: Vectors) -> Float32[ndarray, "items dim"]:
    """The vectors as C-ordered float32 rows, without a copy where they are."""
    if isinstance(vectors, Tensor):
        vectors = vectors.detach().float().numpy()
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ValueError(f"vectors are rows of at least one component, not an array of shape {vectors.shape}")
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, and is refused by its row
        return np.ascontiguousarray(vectors, np.float32)
