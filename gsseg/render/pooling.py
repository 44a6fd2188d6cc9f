"""Adding up rows of W by label: A = M W with M the one-hot matrix of the masks."""

import itertools

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numba import types
from numpy import ndarray

from gsseg.compiled import intrinsic, njit
from gsseg.threads import run_all, thread_count


def pool_rows(
    indptr: Int64[ndarray, " offsets"],
    indices: Int32[ndarray, " entries"],
    values: Float32[ndarray, " entries"],
    labels: Int64[ndarray, " rows"],
    count: int,
    columns: int,
) -> tuple[Int64[ndarray, " pooled"], Int32[ndarray, " pooled"], Float32[ndarray, " pooled"]]:
    """(label, column, sum) of every nonzero of the pooled matrix, ascending; negative labels belong to nothing."""
    order = np.argsort(labels.astype(np.int32), kind="stable")
    first = np.searchsorted(labels[order], np.arange(count + 1))
    # Labels are shared out by how many rows they have; every thread owns a run of labels and its own sums.
    shares = min(thread_count(), max(count, 1))
    targets = first[0] + (first[-1] - first[0]) * np.arange(1, shares) // shares
    edges = [0, *np.searchsorted(first, targets).tolist(), count]
    # No label has more nonzeros than entries or columns; memory that is never touched costs nothing.
    entries = np.concatenate([[0], np.cumsum(np.diff(indptr)[order])])[first]
    room = np.minimum(np.diff(entries), columns)

    def work(start: int, stop: int) -> tuple[ndarray, ndarray, ndarray]:
        sizes = np.zeros(stop - start, np.int64)
        found = (np.empty(room[start:stop].sum(), np.int32), np.empty(room[start:stop].sum(), np.float32))
        length = _pool(indptr, indices, values, order, first, columns, start, stop, sizes, *found)
        return sizes, found[0][:length], found[1][:length]

    parts = run_all([lambda a=a, b=b: work(a, b) for a, b in itertools.pairwise(edges)])
    sizes, pooled, sums = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return np.repeat(np.arange(count), sizes), pooled, sums


@njit(nogil=True, cache=True)
def _pool(indptr, indices, values, order, first, columns, start, stop, sizes, out_columns, out_sums):
    sums = np.zeros(columns, np.float32)
    touched = np.zeros(columns // 64 + 1, np.uint64)  # a bit a column: read in order, it sorts the columns
    length = 0
    for label in range(start, stop):
        for at in range(first[label], first[label + 1]):
            row = order[at]
            for entry in range(indptr[row], indptr[row + 1]):
                column = indices[entry]
                sums[column] += values[entry]
                touched[column >> 6] |= np.uint64(1) << np.uint64(column & 63)
        before = length
        for word in range(len(touched)):
            bits = touched[word]
            touched[word] = 0
            while bits != 0:
                column = 64 * word + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                out_columns[length] = column
                out_sums[length] = sums[column]
                sums[column] = 0.0
                length += 1
        sizes[label - start] = length - before
    return length


@intrinsic
def lowest_bit(typingctx, bits):
    """Position of the lowest bit that is set in a nonzero uint64."""

    def codegen(context, b, signature, arguments):
        return b.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), codegen
