"""Sparse products on rows of blending weights: what training consists of.

A matrix is three arrays, as in any CSR: ``indptr`` (rows + 1), ``indices`` and ``values`` (entries). The
transposed product needs no second copy of the matrix: every thread scatters its rows into an accumulator of its
own. Six columns, the width of the instance features, have vector code of their own.

What a product costs is decided by where its Gaussians lie in memory. Neighbouring pixels see the same
Gaussians, but a scene's file has them in any order; `Packing` numbers those that a view sees by first appearance,
so that what is used together lies together.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.six_channels import SIX, fetch_ahead, gather_row, scatter_row
from gsseg.threads import run_all, spans, thread_count


@dataclass(frozen=True, eq=False)
class Packing:
    """Another numbering of the columns of a sparse matrix, by first appearance."""

    columns: Int32[ndarray, " held"]
    """The column that each new number stands for."""
    indices: Int32[ndarray, " entries"]
    """The matrix's indices in new numbers."""

    @staticmethod
    def of(indices: Int32[ndarray, " entries"], columns: int) -> "Packing":
        """One pass over the entries of a matrix with so many columns."""
        numbers = np.full(columns, -1, np.int32)
        packed = np.empty(len(indices), np.int32)
        held = np.empty(min(columns, len(indices)), np.int32)
        count = _pack(indices, numbers, packed, held)
        return Packing(held[:count].copy(), packed)

    @property
    def nbytes(self) -> int:
        """Bytes of both arrays."""
        return self.columns.nbytes + self.indices.nbytes


def times_dense(
    indptr: Int[ndarray, " offsets"],
    indices: Int[ndarray, " entries"],
    values: Float32[ndarray, " entries"],
    dense: Float[ndarray, "columns dim"],
    packing: Packing | None = None,
) -> Float32[ndarray, "rows dim"]:
    """M @ dense for CSR M (rows, columns)."""
    indptr, indices = _indices(indptr, indices if packing is None else packing.indices)
    out = np.empty((len(indptr) - 1, dense.shape[1]), np.float32)
    dense = np.ascontiguousarray(dense, np.float32)
    if packing is not None:
        dense = _taken(dense, packing.columns)
    kernel = _gather_six if dense.shape[1] == SIX else _gather
    jobs = _even_spans(indptr, 4 * thread_count())  # several a thread: one that is held up delays the others less
    run_all([lambda a=a, b=b: kernel(indptr, indices, values, dense, out, a, b) for a, b in jobs])
    return out


def transpose_times_dense(
    indptr: Int[ndarray, " offsets"],
    indices: Int[ndarray, " entries"],
    values: Float32[ndarray, " entries"],
    dense: Float[ndarray, "rows dim"],
    columns: int,
    packing: Packing | None = None,
) -> Float32[ndarray, "columns dim"]:
    """M.T @ dense for CSR M (rows, columns)."""
    indptr, indices = _indices(indptr, indices if packing is None else packing.indices)
    dense = np.ascontiguousarray(dense, np.float32)
    kernel = _scatter_six if dense.shape[1] == SIX else _scatter
    jobs = _even_spans(indptr, thread_count())
    held = columns if packing is None else len(packing.columns)
    parts = np.zeros((len(jobs), held, dense.shape[1]), np.float32)
    run_all(
        [
            lambda a=a, b=b, part=part: kernel(indptr, indices, values, dense, part, a, b)
            for (a, b), part in zip(jobs, parts, strict=True)
        ]
    )
    return _total(parts) if packing is None else _spread(parts, packing.columns, columns)


def _taken(dense: ndarray, rows: ndarray) -> ndarray:
    """``dense[rows]``."""
    held = np.empty((len(rows), dense.shape[1]), np.float32)
    if dense.shape[1] == SIX:
        flat = (np.ascontiguousarray(dense).reshape(-1), rows, held.reshape(-1))
        run_all([lambda a=a, b=b: _take_six(*flat, a, b) for a, b in spans(len(held))])
    else:
        run_all([lambda a=a, b=b: _take(dense, rows, held, a, b) for a, b in spans(len(held))])
    return held


def _total(parts: ndarray) -> ndarray:
    """Sum of the threads' accumulators."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


def _spread(parts: ndarray, rows: ndarray, count: int) -> ndarray:
    """Zeros but for ``out[rows] = parts.sum(0)``."""
    threads, length, dim = parts.shape
    out = np.zeros((count, dim), np.float32)
    if dim == SIX:
        flat = (parts.reshape(threads, -1), rows, out.reshape(-1))
        run_all([lambda a=a, b=b: _put_six(*flat, a, b) for a, b in spans(length)])
    else:
        held = _total(parts)
        run_all([lambda a=a, b=b: _put(held, rows, out, a, b) for a, b in spans(length)])
    return out


def _indices(indptr: ndarray, indices: ndarray) -> tuple[ndarray, ndarray]:
    """The types for which the loops are compiled: other libraries choose the width of an index by its value."""
    return np.ascontiguousarray(indptr, np.int64), np.ascontiguousarray(indices, np.int32)


def _even_spans(indptr: ndarray, parts: int) -> list[tuple[int, int]]:
    """Runs of rows with nearly equal numbers of entries."""
    edges = [int(np.searchsorted(indptr, b)) for _, b in spans(int(indptr[-1]), parts)]
    rows = len(indptr) - 1
    starts = [0, *edges[:-1]]
    stops = [*edges[:-1], rows]
    return list(zip(starts, stops, strict=True))


@njit(nogil=True, cache=True)
def _pack(indices, numbers, packed, held):
    count = 0
    for entry in range(len(indices)):
        number = numbers[indices[entry]]
        if number < 0:
            number = count
            numbers[indices[entry]] = number
            held[count] = indices[entry]
            count += 1
        packed[entry] = number
    return count


@njit(nogil=True, cache=True)
def _take(dense, columns, held, start, stop):
    for i in range(start, stop):
        for d in range(dense.shape[1]):
            held[i, d] = dense[columns[i], d]


@njit(nogil=True, cache=True)
def _put(held, columns, out, start, stop):
    for i in range(start, stop):
        for d in range(out.shape[1]):
            out[columns[i], d] = held[i, d]


AHEAD = 32
"""Rows between asking for a row in random order and using it: about one trip to memory."""


@njit(nogil=True, cache=True)
def _take_six(dense, columns, held, start, stop):
    for i in range(start, stop):
        fetch_ahead(dense, np.int64(columns[min(i + AHEAD, stop - 1)]) * SIX)
        source, target = np.int64(columns[i]) * SIX, i * SIX
        for d in range(SIX):
            held[target + d] = dense[source + d]


@njit(nogil=True, cache=True)
def _put_six(parts, columns, out, start, stop):
    for i in range(start, stop):
        fetch_ahead(out, np.int64(columns[min(i + AHEAD, stop - 1)]) * SIX)
        source, target = i * SIX, np.int64(columns[i]) * SIX
        for d in range(SIX):
            out[target + d] = parts[0, source + d]
        for thread in range(1, len(parts)):
            for d in range(SIX):
                out[target + d] += parts[thread, source + d]


@njit(nogil=True, cache=True, fastmath=True)
def _gather(indptr, indices, values, dense, out, start, stop):
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
def _scatter(indptr, indices, values, dense, out, start, stop):
    dim = dense.shape[1]
    for row in range(start, stop):
        for entry in range(indptr[row], indptr[row + 1]):
            weight = values[entry]
            column = indices[entry]
            for d in range(dim):
                out[column, d] += weight * dense[row, d]


@njit(nogil=True, cache=True)
def _gather_six(indptr, indices, values, dense, out, start, stop):
    source, target = dense.reshape(-1), out.reshape(-1)
    for row in range(start, stop):
        gather_row(target, row * SIX, indices, values, indptr[row], indptr[row + 1], source)


@njit(nogil=True, cache=True)
def _scatter_six(indptr, indices, values, dense, out, start, stop):
    source, target = dense.reshape(-1), out.reshape(-1)
    for row in range(start, stop):
        scatter_row(target, indices, values, indptr[row], indptr[row + 1], source, row * SIX)
