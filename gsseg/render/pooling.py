"""Adding up rows of W by label: A = M W with M the one-hot matrix of the masks."""

import itertools

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numba import njit, types
from numba.extending import intrinsic
from numpy import ndarray

from gsseg.threads import run_all, thread_count


def pool_rows(
    indptr: Int64[ndarray, " rows+1"],
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
    parts = run_all(
        [
            lambda a=a, b=b: _pool(indptr, indices, values, order, first, columns, a, b)
            for a, b in itertools.pairwise(edges)
        ]
    )
    sizes, pooled, sums = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return np.repeat(np.arange(count), sizes), pooled, sums


@njit(nogil=True, cache=True)
def _pool(indptr, indices, values, order, first, columns, start, stop):
    sums = np.zeros(columns, np.float32)
    touched = np.zeros(columns // 64 + 1, np.uint64)  # a bit a column: read in order, it sorts the columns
    sizes = np.zeros(stop - start, np.int64)
    capacity = 1024
    out_columns = np.empty(capacity, np.int32)
    out_sums = np.empty(capacity, np.float32)
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
            if bits == 0:
                continue
            touched[word] = 0
            if length + 64 > capacity:
                capacity *= 2
                larger_columns, larger_sums = np.empty(capacity, np.int32), np.empty(capacity, np.float32)
                larger_columns[:length], larger_sums[:length] = out_columns[:length], out_sums[:length]
                out_columns, out_sums = larger_columns, larger_sums
            while bits != 0:
                column = 64 * word + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                out_columns[length] = column
                out_sums[length] = sums[column]
                sums[column] = 0.0
                length += 1
        sizes[label - start] = length - before
    return sizes, out_columns[:length].copy(), out_sums[:length].copy()


@intrinsic
def lowest_bit(typingctx, bits):  # noqa: ARG001
    """Position of the lowest bit that is set in a nonzero uint64."""

    def codegen(context, b, signature, arguments):  # noqa: ARG001
        return b.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), codegen
