"""Exact distances and inner products, the measure that estimates are held against."""

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.quantize.binary.codes import Similarity
from gsseg.quantize.binary.vectors import Vectors

VALUES = 1 << 22
"""Components converted to float64 at a time (32 MB)."""


def exact_values(
    queries: Float32[ndarray, "queries dim"],
    vectors: Vectors,
    rows: Int64[ndarray, "queries count"],
    similarity: Similarity,
) -> Float64[ndarray, "queries count"]:
    """Value of each query and of the vectors in its rows: squared distance, cosine or inner product, in float64."""
    values = np.empty(rows.shape)
    block = max(1, VALUES // max(1, rows.shape[1] * vectors.shape[1]))
    for start in range(0, len(queries), block):
        some = rows[start : start + block]
        chosen = gather(vectors, some.ravel()).reshape(*some.shape, vectors.shape[1])
        query = queries[start : start + block].astype(np.float64)
        if similarity == "euclidean":
            values[start : start + block] = np.square(chosen - query[:, None]).sum(2)
            continue
        if similarity == "cosine":
            query /= np.linalg.norm(query, axis=1, keepdims=True)
            chosen = chosen / np.linalg.norm(chosen, axis=2, keepdims=True)
        values[start : start + block] = np.einsum("qcd,qd->qc", chosen, query)
    return values


def all_values(
    queries: Float32[ndarray, "queries dim"], vectors: Vectors, similarity: Similarity
) -> Float64[ndarray, "queries items"]:
    """Value of every query and vector, in float64."""
    values = np.empty((len(queries), len(vectors)))
    asked = queries.astype(np.float64)
    if similarity == "cosine":
        asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    for start in range(0, len(vectors), block := max(1, VALUES // vectors.shape[1])):
        chosen = gather(vectors, np.arange(start, min(start + block, len(vectors))))
        if similarity == "cosine":
            chosen = chosen / np.linalg.norm(chosen, axis=1, keepdims=True)
        product = asked @ chosen.T
        if similarity == "euclidean":
            product = np.square(asked).sum(1)[:, None] + np.square(chosen).sum(1) - 2 * product
        values[:, start : start + block] = product
    return values


def gather(vectors: Vectors, rows: Int64[ndarray, " rows"]) -> Float64[ndarray, "rows dim"]:
    """Some rows in float64, without converting the others."""
    if isinstance(vectors, Tensor):
        return vectors[rows].detach().double().numpy()
    return vectors[rows].astype(np.float64)
