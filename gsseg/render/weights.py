"""W, the constant of a view: `map = W @ F` renders any per-Gaussian quantity, because geometry is frozen.

A row of W holds the blending weights alpha_i T_i of the Gaussians a pixel sees, front to back, and sums to the
pixel's alpha. `pool` adds up the rows of each mask: A = M W, the sparse (masks, gaussians) matrix on which
everything that speaks of masks and not of pixels is computed.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int32, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.render.pooling import pool_rows
from gsseg.render.products import Packing, times_dense, transpose_times_dense

GATHERED_ENTRIES = 1 << 22
"""Entries of W multiplied at once on a GPU: 100 MB of products at six channels."""


@dataclass(frozen=True, eq=False)
class BlendWeights:
    """Sparse (pixels, gaussians) blending weights of one view, as CSR; pixels in row-major order."""

    indptr: Int64[Tensor, " offsets"]
    """Entries of row p are ``indptr[p]:indptr[p + 1]``."""
    indices: Int32[Tensor, " entries"]
    """Gaussian of each entry; front to back inside a row."""
    values: Float32[Tensor, " entries"]
    """alpha_i T_i, in (0, 1)."""
    gaussians: int
    """Number of columns."""
    pixels: Int64[Tensor, " pixels"] | None = None
    """Image pixel (row-major index) of each row, where W holds a sample of pixels; None: all pixels in order."""
    packing: Packing | None = None
    """What makes products fast that are taken again and again; see `packed`."""

    @property
    def rows(self) -> int:
        """Number of pixels held."""
        return len(self.indptr) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays and of the packing."""
        arrays = (self.indptr, self.indices, self.values)
        return sum(array.nbytes for array in arrays) + (0 if self.packing is None else self.packing.nbytes)

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
        indptr, indices, values = self._arrays()
        rows, columns, sums = pool_rows(indptr, indices, values, labels.cpu().numpy(), count, self.gaussians)
        entries = torch.from_numpy(np.stack([rows, columns]))
        return torch.sparse_coo_tensor(
            entries, torch.from_numpy(sums), (count, self.gaussians), check_invariants=False, is_coalesced=True
        ).to(self.values.device)

    def packed(self) -> "BlendWeights":
        """The same weights, prepared for many products on the processor: each is then three times as fast.

        Costs about as much as one product, and 4 bytes an entry. On a GPU it changes nothing.
        """
        if self.packing is not None or self.values.is_cuda:
            return self
        return replace(self, packing=Packing.of(self.indices.numpy(), self.gaussians))

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
        return BlendWeights(
            self.indptr.to(device),
            self.indices.to(device),
            self.values.to(device),
            self.gaussians,
            None if self.pixels is None else self.pixels.to(device),
        )

    def _arrays(self) -> tuple[ndarray, ndarray, ndarray]:
        return self.indptr.cpu().numpy(), self.indices.cpu().numpy(), self.values.cpu().numpy()

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
    arrays, factor = weights._arrays(), dense.detach().numpy()
    if transposed:
        return torch.from_numpy(transpose_times_dense(*arrays, factor, weights.gaussians, weights.packing))
    return torch.from_numpy(times_dense(*arrays, factor, weights.packing))


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
