"""Sparse products on rows of blending weights: what training consists of.

A matrix is three arrays, as in any CSR: ``indptr`` (rows + 1), ``indices`` and ``values`` (entries). The
transposed product needs no second copy of the matrix: every thread scatters its rows into an accumulator of
its own, and neighbouring pixels see the same Gaussians, so the scatter stays in the processor's cache.

Six columns, the width of the instance features, have loops of their own that keep a row's six sums in registers:
a quarter faster than the general ones, whose sums go through memory because a compiler cannot know that the
output does not overlap the input.
"""

import numpy as np
from jaxtyping import Float, Float32, Int32, Int64
from numba import njit
from numpy import ndarray

from gsseg.threads import run_all, spans

INSTANCE_DIM = 6


def times_dense(
    indptr: Int64[ndarray, " rows+1"],
    indices: Int32[ndarray, " entries"],
    values: Float32[ndarray, " entries"],
    dense: Float[ndarray, "columns dim"],
) -> Float32[ndarray, "rows dim"]:
    """M @ dense for CSR M (rows, columns)."""
    out = np.empty((len(indptr) - 1, dense.shape[1]), np.float32)
    dense = np.ascontiguousarray(dense, np.float32)
    kernel = _rows_times_six if dense.shape[1] == INSTANCE_DIM else _rows_times_dense
    jobs = _even_spans(indptr)
    run_all([lambda a=a, b=b: kernel(indptr, indices, values, dense, out, a, b) for a, b in jobs])
    return out


def transpose_times_dense(
    indptr: Int64[ndarray, " rows+1"],
    indices: Int32[ndarray, " entries"],
    values: Float32[ndarray, " entries"],
    dense: Float[ndarray, "rows dim"],
    columns: int,
) -> Float32[ndarray, "columns dim"]:
    """M.T @ dense for CSR M (rows, columns)."""
    dense = np.ascontiguousarray(dense, np.float32)
    kernel = _scatter_six if dense.shape[1] == INSTANCE_DIM else _scatter_rows
    jobs = _even_spans(indptr)
    parts = [np.zeros((columns, dense.shape[1]), np.float32) for _ in jobs]
    run_all(
        [
            lambda a=a, b=b, part=part: kernel(indptr, indices, values, dense, part, a, b)
            for (a, b), part in zip(jobs, parts, strict=True)
        ]
    )
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


def _even_spans(indptr: ndarray) -> list[tuple[int, int]]:
    """Runs of rows with nearly equal numbers of entries, one a thread."""
    edges = [int(np.searchsorted(indptr, b)) for _, b in spans(int(indptr[-1]))]
    rows = len(indptr) - 1
    starts = [0, *edges[:-1]]
    stops = [*edges[:-1], rows]
    return list(zip(starts, stops, strict=True))


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


@njit(nogil=True, cache=True, fastmath=True)
def _rows_times_six(indptr, indices, values, dense, out, start, stop):
    for row in range(start, stop):
        first, end = indptr[row], indptr[row + 1]
        a0 = a1 = a2 = a3 = a4 = a5 = np.float32(0.0)
        b0 = b1 = b2 = b3 = b4 = b5 = np.float32(0.0)
        # Two entries a turn: the additions of one need not wait for those of the other.
        for entry in range(first, first + (end - first) // 2 * 2, 2):
            v, i = values[entry], indices[entry]
            w, j = values[entry + 1], indices[entry + 1]
            a0 += v * dense[i, 0]
            a1 += v * dense[i, 1]
            a2 += v * dense[i, 2]
            a3 += v * dense[i, 3]
            a4 += v * dense[i, 4]
            a5 += v * dense[i, 5]
            b0 += w * dense[j, 0]
            b1 += w * dense[j, 1]
            b2 += w * dense[j, 2]
            b3 += w * dense[j, 3]
            b4 += w * dense[j, 4]
            b5 += w * dense[j, 5]
        if (end - first) & 1:
            v, i = values[end - 1], indices[end - 1]
            a0 += v * dense[i, 0]
            a1 += v * dense[i, 1]
            a2 += v * dense[i, 2]
            a3 += v * dense[i, 3]
            a4 += v * dense[i, 4]
            a5 += v * dense[i, 5]
        out[row, 0] = a0 + b0
        out[row, 1] = a1 + b1
        out[row, 2] = a2 + b2
        out[row, 3] = a3 + b3
        out[row, 4] = a4 + b4
        out[row, 5] = a5 + b5


@njit(nogil=True, cache=True, fastmath=True)
def _scatter_six(indptr, indices, values, dense, out, start, stop):
    for row in range(start, stop):
        g0, g1, g2 = dense[row, 0], dense[row, 1], dense[row, 2]
        g3, g4, g5 = dense[row, 3], dense[row, 4], dense[row, 5]
        for entry in range(indptr[row], indptr[row + 1]):
            w, j = values[entry], indices[entry]
            out[j, 0] += w * g0
            out[j, 1] += w * g1
            out[j, 2] += w * g2
            out[j, 3] += w * g3
            out[j, 4] += w * g4
            out[j, 5] += w * g5
