"""W, the constant of a view: `map = W @ F` renders any per-Gaussian quantity, because geometry is frozen.

A row of W holds the blending weights alpha_i T_i of the Gaussians a pixel sees, front to back, and sums to the
pixel's alpha. `pool` adds up the rows of each mask: A = M W, the sparse (masks, gaussians) matrix on which
everything that speaks of masks and not of pixels is computed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int32, Int64
from torch import Tensor

from gsseg.render.pooling import pool_rows
from gsseg.render.products import times_dense, transpose_times_dense

GATHERED_ENTRIES = 1 << 22
"""Entries of W multiplied at once on a GPU: 100 MB of products at six channels."""


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

        Returns a coalesced sparse COO float32 tensor (labels, gaussians), so rows ascend and columns ascend inside
        a row; ``count`` sets its number of rows (default: the largest label + 1). ValueError for a label >= count.
        """
        if len(labels) != self.rows:
            raise ValueError(f"W has {self.rows} pixels, there are {len(labels)} labels")
        labels = labels.long()
        largest = int(labels.max()) if len(labels) else -1
        if count is None:
            count = max(0, largest + 1)
        elif largest >= count:
            raise ValueError(f"label {largest} has no row among {count}")
        arrays = (array.cpu().numpy() for array in (self.indptr, self.indices, self.values, labels))
        rows, columns, sums = pool_rows(*arrays, count, self.gaussians)
        entries = torch.from_numpy(np.stack([rows, columns]))
        return torch.sparse_coo_tensor(
            entries, torch.from_numpy(sums), (count, self.gaussians), check_invariants=False, is_coalesced=True
        ).to(self.values.device)

    def sampled(self, rows: Int64[Tensor, " sample"]) -> "BlendWeights":
        """The weights of some of the held rows only."""
        counts = (self.indptr[1:] - self.indptr[:-1])[rows]
        indptr = torch.cat([counts.new_zeros(1), torch.cumsum(counts, 0)])
        entries = torch.repeat_interleave(self.indptr[rows] - indptr[:-1], counts)
        entries += torch.arange(len(entries), device=entries.device)
        pixels = rows if self.pixels is None else self.pixels[rows]
        return BlendWeights(indptr, self.indices[entries], self.values[entries], self.gaussians, pixels)

    def to(self, device: torch.device | str) -> "BlendWeights":
        """The same weights on another device."""
        arrays = (array.to(device) for array in (self.indptr, self.indices, self.values))
        return BlendWeights(*arrays, self.gaussians, None if self.pixels is None else self.pixels.to(device))

    def to_dense(self) -> Float[Tensor, "pixels gaussians"]:
        """W as an ordinary matrix, for tests on small scenes."""
        dense = torch.zeros(self.rows, self.gaussians, device=self.values.device)
        rows = torch.repeat_interleave(torch.arange(self.rows, device=dense.device), self.indptr[1:] - self.indptr[:-1])
        return dense.index_put_((rows, self.indices.long()), self.values, accumulate=True)


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
        return _gathered_product(weights, dense.float(), transposed)
    arrays = (weights.indptr.numpy(), weights.indices.numpy(), weights.values.numpy(), dense.detach().numpy())
    product = transpose_times_dense(*arrays, weights.gaussians) if transposed else times_dense(*arrays)
    return torch.from_numpy(product)


def _gathered_product(weights: BlendWeights, dense: Tensor, transposed: bool) -> Tensor:
    """The product by plain gather and add, in runs of `GATHERED_ENTRIES`: the one form that any device has.

    No torch sparse matrix: W.T would need a second copy of W there.
    """
    out = dense.new_zeros(weights.gaussians if transposed else weights.rows, dense.shape[1])
    counts = weights.indptr[1:] - weights.indptr[:-1]
    rows = torch.repeat_interleave(torch.arange(weights.rows, device=dense.device), counts)
    for start in range(0, len(rows), GATHERED_ENTRIES):
        run = slice(start, start + GATHERED_ENTRIES)
        source, target = (rows[run], weights.indices[run]) if transposed else (weights.indices[run], rows[run])
        out.index_add_(0, target.long(), weights.values[run, None] * dense[source.long()])
    return out
