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
from gsseg.render.products_on_device import ByColumn, product_of_runs, rows_of


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
    packing: Packing | ByColumn | None = None
    """What makes products fast that are taken again and again, of the kind that the device wants; see `packed`."""
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
        """The same matrix, prepared for many products where it lies.

        Costs about as much as one product; 4 bytes an entry on the processor, 8 elsewhere.
        """
        if self.packing is not None:
            return self
        if self.values.is_cpu:
            return replace(self, packing=Packing.of(self.indices.numpy(), self.columns))
        return replace(self, packing=ByColumn.of(self.indptr, self.indices, self.values, self.columns))

    def to(self, device: torch.device | str) -> "SparseMatrix":
        """The same matrix on that device: this very one where it lies there, else without the packing."""
        values = self.values.to(device)
        if values is self.values:
            return self
        moved = (self.indptr.to(device), self.indices.to(device), values)
        return SparseMatrix(*moved, self.columns, transposed=self.transposed)

    def to_dense(self) -> Float[Tensor, "rows columns"]:
        """An ordinary matrix, for tests on small ones."""
        stored_rows = len(self.indptr) - 1
        dense = torch.zeros(stored_rows, self.columns, device=self.values.device)
        rows = rows_of(self.indptr, len(self.indices))
        dense.index_put_((rows, self.indices.long()), self.values, accumulate=True)
        return dense.T if self.transposed else dense


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
    if not matrix.values.is_cpu:
        return product_on_device(matrix, dense)
    packing = cast(Packing | None, matrix.packing)
    arrays = (matrix.indptr.numpy(), matrix.indices.numpy(), matrix.values.numpy())
    if matrix.transposed:
        return torch.from_numpy(transpose_times_dense(*arrays, dense.numpy(), matrix.columns, packing))
    return torch.from_numpy(times_dense(*arrays, dense.numpy(), packing))


def product_on_device(matrix: SparseMatrix, dense: Float[Tensor, "columns dim"]) -> Float[Tensor, "rows dim"]:
    """The product in torch's own operations, which every device has; the same bits in every run."""
    if not matrix.transposed:
        return product_of_runs(matrix.indptr, matrix.indices, matrix.values, dense)
    runs = matrix.packing
    if not isinstance(runs, ByColumn):
        runs = ByColumn.of(matrix.indptr, matrix.indices, matrix.values, matrix.columns)
    return product_of_runs(runs.indptr, runs.rows, runs.values, dense)
