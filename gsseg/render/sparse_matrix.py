"""A constant sparse matrix as an operator: `map = W @ F`, and the gradient of F is `W.T @ G`.

Every map that training draws is such a product: pixels of a view (blending weights W), means of its masks (the
evidence A, rows divided by their sums). The matrix is frozen with the geometry, so there is one gradient, that of
the dense factor, and it is the product with the transpose.
"""

from dataclasses import dataclass, replace
from typing import cast

import scipy.sparse as sp
import torch
from jaxtyping import Float, Float32, Int32, Int64
from torch import Tensor

from gsseg.render.products import Packing, times_dense, transpose_times_dense

GATHERED_ENTRIES = 1 << 22
"""Entries multiplied at once on a GPU: 100 MB of products at six channels."""


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A (rows, columns) matrix as CSR, or the transpose of what the arrays hold: both need these arrays alone."""

    indptr: Int64[Tensor, " offsets"]
    """Entries of stored row i are ``indptr[i]:indptr[i + 1]``."""
    indices: Int32[Tensor, " entries"]
    """Stored column of each entry."""
    values: Float32[Tensor, " entries"]
    """Value of each entry."""
    columns: int
    """Number of stored columns."""
    packing: Packing | None = None
    """What makes products on the processor fast that are taken again and again; see `packed`."""
    transposed: bool = False
    """Whether the matrix is the transpose of the stored one."""

    @staticmethod
    def of(matrix: sp.csr_array) -> "SparseMatrix":
        """From scipy, whose indices have the width that their values need."""
        _, columns = cast(tuple[int, int], matrix.shape)
        indptr, indices, values = (torch.from_numpy(array) for array in (matrix.indptr, matrix.indices, matrix.data))
        return SparseMatrix(indptr.long(), indices.int(), values.float(), columns)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows = len(self.indptr) - 1
        return (self.columns, rows) if self.transposed else (rows, self.columns)

    @property
    def T(self) -> "SparseMatrix":
        """The transpose; nothing is copied."""
        return replace(self, transposed=not self.transposed)

    def __matmul__(self, dense: Float[Tensor, "columns dim"]) -> Float[Tensor, "rows dim"]:
        """The float32 product, differentiable in ``dense``; ValueError where the sizes do not fit."""
        if dense.shape[0] != self.shape[1]:
            raise ValueError(f"a {self.shape[0]} x {self.shape[1]} matrix times {dense.shape[0]} rows")
        return _Product.apply(dense, self)

    def packed(self) -> "SparseMatrix":
        """The same matrix, prepared for many products on the processor. On a GPU it changes nothing.

        Costs about as much as one product, and 4 bytes an entry.
        """
        if self.packing is not None or self.values.is_cuda:
            return self
        return replace(self, packing=Packing.of(self.indices.numpy(), self.columns))

    def to_dense(self) -> Float[Tensor, "rows columns"]:
        """An ordinary matrix, for tests on small ones."""
        stored_rows = len(self.indptr) - 1
        dense = torch.zeros(stored_rows, self.columns, device=self.values.device)
        dense.index_put_((self._rows(), self.indices.long()), self.values, accumulate=True)
        return dense.T if self.transposed else dense

    def _rows(self) -> Int64[Tensor, " entries"]:
        """Stored row of each entry."""
        counts = self.indptr[1:] - self.indptr[:-1]
        return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)


class _Product(torch.autograd.Function):
    """M @ X for a constant M; the gradient of X is M.T @ G."""

    @staticmethod
    def forward(ctx, dense: Tensor, matrix: SparseMatrix) -> Tensor:
        ctx.matrix = matrix
        return _multiply(matrix, dense.detach())

    @staticmethod
    def backward(ctx, *gradients: Tensor):
        return _multiply(ctx.matrix.T, gradients[0]), None


def _multiply(matrix: SparseMatrix, dense: Tensor) -> Tensor:
    if matrix.values.is_cuda:
        return gathered_product(matrix, dense.float())
    arrays = (matrix.indptr.numpy(), matrix.indices.numpy(), matrix.values.numpy())
    if matrix.transposed:
        return torch.from_numpy(transpose_times_dense(*arrays, dense.numpy(), matrix.columns, matrix.packing))
    return torch.from_numpy(times_dense(*arrays, dense.numpy(), matrix.packing))


def gathered_product(matrix: SparseMatrix, dense: Float[Tensor, "columns dim"]) -> Float[Tensor, "rows dim"]:
    """The product by plain gather and add, in runs of `GATHERED_ENTRIES`: the one form that any device has.

    No torch sparse matrix: the transpose would need a second copy of the entries there.
    """
    out = dense.new_zeros(matrix.shape[0], dense.shape[1])
    rows = matrix._rows()
    for start in range(0, len(rows), GATHERED_ENTRIES):
        run = slice(start, start + GATHERED_ENTRIES)
        source, target = matrix.indices[run], rows[run]
        if matrix.transposed:
            source, target = target, source
        out.index_add_(0, target.long(), matrix.values[run, None] * dense[source.long()])
    return out
