"""Sparse products on rows of blending weights: what training consists of.

A matrix is three arrays, as in any CSR: ``indptr`` (rows + 1), ``indices`` and ``values`` (entries). The
transposed product needs no second copy of the matrix: every thread scatters its rows into an accumulator of
its own, and neighbouring pixels see the same Gaussians, so the scatter stays in the processor's cache.
"""

import numpy as np
from numba import njit

from gsseg.threads import run_all, spans


@njit(nogil=True, cache=True, fastmath=True)
def _rows_times_dense(indptr, indices, values, dense, out, start, stop):
    dim = dense.shape[1]
    for row in range(start, stop):
        for d in range(dim):
            out[row, d] = 0.0
        for entry in range(indptr[row], indptr[row + 1]):
            weight = values[entry]
            column = indices[entry]
            for d in range(dim):
                out[row, d] += weight * dense[column, d]


@njit(nogil=True, cache=True, fastmath=True)
def _scatter_rows(indptr, indices, values, dense, out, start, stop):
    dim = dense.shape[1]
    for row in range(start, stop):
        for entry in range(indptr[row], indptr[row + 1]):
            weight = values[entry]
            column = indices[entry]
            for d in range(dim):
                out[column, d] += weight * dense[row, d]


def times_dense(indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """M @ dense for CSR M (rows, columns) and dense (columns, dim); float32 (rows, dim)."""
    out = np.empty((len(indptr) - 1, dense.shape[1]), np.float32)
    dense = np.ascontiguousarray(dense, np.float32)
    jobs = _even_spans(indptr)
    run_all([lambda a=a, b=b: _rows_times_dense(indptr, indices, values, dense, out, a, b) for a, b in jobs])
    return out


def transpose_times_dense(
    indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, dense: np.ndarray, columns: int
) -> np.ndarray:
    """M.T @ dense for CSR M (rows, columns) and dense (rows, dim); float32 (columns, dim)."""
    dense = np.ascontiguousarray(dense, np.float32)
    jobs = _even_spans(indptr)
    parts = [np.zeros((columns, dense.shape[1]), np.float32) for _ in jobs]
    run_all(
        [
            lambda a=a, b=b, part=part: _scatter_rows(indptr, indices, values, dense, part, a, b)
            for (a, b), part in zip(jobs, parts, strict=True)
        ]
    )
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


def _even_spans(indptr: np.ndarray) -> list[tuple[int, int]]:
    """Runs of rows with nearly equal numbers of entries, one a thread."""
    edges = [int(np.searchsorted(indptr, b)) for _, b in spans(int(indptr[-1]))]
    rows = len(indptr) - 1
    starts = [0, *edges[:-1]]
    stops = [*edges[:-1], rows]
    return list(zip(starts, stops, strict=True))
