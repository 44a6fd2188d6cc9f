"""W, the constant of a view: `map = W @ F` renders any per-Gaussian quantity, because geometry is frozen.

A row of W holds the blending weights alpha_i T_i of the Gaussians a pixel sees, front to back, and sums to the
pixel's alpha. `pool` adds up the rows of each mask: A = M W, the sparse (masks, gaussians) matrix on which
everything that speaks of masks and not of pixels is computed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int32, Int64
from numba import njit
from torch import Tensor

from gsseg.render.products import times_dense, transpose_times_dense


@dataclass(frozen=True, eq=False)
class BlendWeights:
    """Sparse (pixels, gaussians) blending weights of one view, as CSR; pixels in row-major order."""

    indptr: Int64[Tensor, " pixels+1"]
    """Entries of row p are ``indptr[p]:indptr[p + 1]``."""
    indices: Int32[Tensor, " entries"]
    """Gaussian of each entry; front to back inside a row."""
    values: Float32[Tensor, " entries"]
    """alpha_i T_i, in (0, 1)."""
    gaussians: int
    """Number of columns."""
    pixels: Int64[Tensor, " pixels"] | None = None
    """Image pixel (row-major index) of each row, where W holds a sample of pixels; None: all pixels in order."""

    @property
    def rows(self) -> int:
        """Number of pixels held."""
        return len(self.indptr) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays."""
        return sum(array.numel() * array.element_size() for array in (self.indptr, self.indices, self.values))

    @property
    def alpha(self) -> Float[Tensor, " pixels"]:
        """W @ 1: how opaque each pixel is."""
        return self.render(torch.ones(self.gaussians, 1, device=self.values.device))[:, 0]

    @property
    def visibility(self) -> Float[Tensor, " gaussians"]:
        """W.T @ 1: the summed weight with which each Gaussian is seen."""
        return self.backproject(torch.ones(self.rows, 1, device=self.values.device))[:, 0]

    def render(self, features: Float[Tensor, "gaussians dim"]) -> Float[Tensor, "pixels dim"]:
        """W @ F, differentiable in F (its gradient is `backproject` of the map's gradient)."""
        if features.shape[0] != self.gaussians:
            raise ValueError(f"W has {self.gaussians} Gaussians, the features have {features.shape[0]} rows")
        return _Product.apply(features, self, False)

    def backproject(self, maps: Float[Tensor, "pixels dim"]) -> Float[Tensor, "gaussians dim"]:
        """W.T @ G, differentiable in G."""
        if maps.shape[0] != self.rows:
            raise ValueError(f"W has {self.rows} pixels, the map has {maps.shape[0]} rows")
        return _Product.apply(maps, self, True)

    def pool(self, labels: Int[Tensor, " pixels"], count: int | None = None) -> Tensor:
        """A = M W: row l is the sum of the rows of W whose pixel has label l; negative labels belong to nothing.

        Returns a sparse CSR float32 tensor (labels, gaussians); ``count`` sets its number of rows
        (default: the largest label + 1). Columns ascend inside a row.
        """
        if len(labels) != self.rows:
            raise ValueError(f"W has {self.rows} pixels, there are {len(labels)} labels")
        count = int(labels.max()) + 1 if count is None else count
        order = torch.argsort(labels, stable=True).cpu().numpy()
        sizes = torch.bincount(labels[labels >= 0].long(), minlength=count).cpu().numpy()
        first = np.concatenate([[0], np.cumsum(sizes)]) + int((labels < 0).sum())
        arrays = (self.indptr.cpu().numpy(), self.indices.cpu().numpy(), self.values.cpu().numpy())
        indptr, indices, values = _pool(*arrays, order, first, self.gaussians)
        return csr_tensor(indptr, indices, values, (count, self.gaussians)).to(self.values.device)

    def sampled(self, rows: Int64[Tensor, " sample"]) -> "BlendWeights":
        """The weights of some of the held rows only."""
        counts = (self.indptr[1:] - self.indptr[:-1])[rows]
        indptr = torch.zeros(len(rows) + 1, dtype=torch.int64)
        torch.cumsum(counts, 0, out=indptr[1:])
        entries = torch.repeat_interleave(self.indptr[rows] - indptr[:-1], counts) + torch.arange(int(indptr[-1]))
        pixels = rows if self.pixels is None else self.pixels[rows]
        return BlendWeights(indptr, self.indices[entries], self.values[entries], self.gaussians, pixels)

    def to_dense(self) -> Float[Tensor, "pixels gaussians"]:
        """W as an ordinary matrix, for tests on small scenes."""
        dense = torch.zeros(self.rows, self.gaussians, device=self.values.device)
        rows = torch.repeat_interleave(
            torch.arange(self.rows, device=dense.device), self.indptr[1:] - self.indptr[:-1]
        )
        return dense.index_put_((rows, self.indices.long()), self.values, accumulate=True)


def csr_tensor(indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """A torch CSR tensor over numpy arrays, without copying them."""
    return torch.sparse_csr_tensor(
        torch.from_numpy(indptr), torch.from_numpy(indices), torch.from_numpy(values), size=shape, check_invariants=False
    )


class _Product(torch.autograd.Function):
    """W @ X or W.T @ X; each is the other's gradient."""

    @staticmethod
    def forward(ctx, dense: Tensor, weights: BlendWeights, transposed: bool) -> Tensor:
        ctx.weights, ctx.transposed = weights, transposed
        return _multiply(weights, dense, transposed)

    @staticmethod
    def backward(ctx, *gradients: Tensor):
        return _multiply(ctx.weights, gradients[0], not ctx.transposed), None, None


def _multiply(weights: BlendWeights, dense: Tensor, transposed: bool) -> Tensor:
    if weights.values.is_cuda:
        matrix = torch.sparse_csr_tensor(
            weights.indptr, weights.indices.long(), weights.values, size=(weights.rows, weights.gaussians)
        )
        return torch.sparse.mm(matrix.t() if transposed else matrix, dense.float())
    arrays = (weights.indptr.numpy(), weights.indices.numpy(), weights.values.numpy(), dense.detach().numpy())
    product = transpose_times_dense(*arrays, weights.gaussians) if transposed else times_dense(*arrays)
    return torch.from_numpy(product)


@njit(nogil=True, cache=True)
def _pool(indptr, indices, values, order, first, gaussians):
    labels = len(first) - 1
    sums = np.zeros(gaussians, np.float32)
    touched = np.empty(gaussians, np.int32)
    out_indptr = np.zeros(labels + 1, np.int64)
    capacity = max(1024, len(indices) // 8)
    out_indices = np.empty(capacity, np.int32)
    out_values = np.empty(capacity, np.float32)
    length = 0
    for label in range(labels):
        count = 0
        for at in range(first[label], first[label + 1]):
            row = order[at]
            for entry in range(indptr[row], indptr[row + 1]):
                column = indices[entry]
                if sums[column] == 0.0:
                    touched[count] = column
                    count += 1
                sums[column] += values[entry]
        if length + count > capacity:
            capacity = 2 * capacity + count
            larger_indices = np.empty(capacity, np.int32)
            larger_values = np.empty(capacity, np.float32)
            larger_indices[:length] = out_indices[:length]
            larger_values[:length] = out_values[:length]
            out_indices, out_values = larger_indices, larger_values
        columns = np.sort(touched[:count])
        for k in range(count):
            out_indices[length + k] = columns[k]
            out_values[length + k] = sums[columns[k]]
            sums[columns[k]] = 0.0
        length += count
        out_indptr[label + 1] = length
    return out_indptr, out_indices[:length].copy(), out_values[:length].copy()
