"""W, the constant of a view: `map = W @ F` renders any per-Gaussian quantity, because geometry is frozen.

A row of W holds the blending weights alpha_i T_i of the Gaussians a pixel sees, front to back, and sums to the
pixel's alpha. `pool` adds up the rows of each mask: A = M W, the sparse (masks, gaussians) matrix on which
everything that speaks of masks and not of pixels is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int32, Int64
from torch import Tensor

from gsseg.exact_sums import add_at_, step_of
from gsseg.render.pooling import pool_rows
from gsseg.render.pooling_on_device import pool_on_device
from gsseg.render.products import Packing
from gsseg.render.products_on_device import ByColumn
from gsseg.render.sparse_matrix import SparseMatrix


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
    packing: Packing | ByColumn | None = None
    """What makes products fast that are taken again and again; see `packed`."""

    @staticmethod
    def stacked(parts: Sequence["BlendWeights"], gaussians: int, device: torch.device) -> "BlendWeights":
        """The rows of all parts, which hold a sample of pixels each, one after the other; none where there are none."""
        none = BlendWeights(
            torch.zeros(1, dtype=torch.int64, device=device), torch.zeros(0, dtype=torch.int32, device=device),
            torch.zeros(0, device=device), gaussians, torch.zeros(0, dtype=torch.int64, device=device),
        )  # fmt: skip
        held = [none, *parts]
        counts = torch.cat([part.indptr[1:] - part.indptr[:-1] for part in held])
        return BlendWeights(
            torch.cat([none.indptr, torch.cumsum(counts, 0)]),
            torch.cat([part.indices for part in held]),
            torch.cat([part.values for part in held]),
            gaussians,
            torch.cat([part.pixels for part in held if part.pixels is not None]),
        )

    @property
    def matrix(self) -> SparseMatrix:
        """W as an operator: ``matrix @ F`` and ``matrix.T @ G``. Nothing is copied."""
        return SparseMatrix(self.indptr, self.indices, self.values, self.gaussians, self.packing)

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
        if not self.values.is_cpu:
            step = step_of(1.0)
            sums = torch.zeros(self.gaussians, dtype=torch.int64, device=self.values.device)
            add_at_(sums, self.indices, self.values, step)
            return (sums.double() * step).float()
        return self.backproject(torch.ones(self.rows, 1, device=self.values.device))[:, 0]

    def render(self, features: Float[Tensor, "gaussians dim"]) -> Float[Tensor, "pixels dim"]:
        """W @ F, differentiable in F (its gradient is `backproject` of the map's gradient)."""
        if features.shape[0] != self.gaussians:
            raise ValueError(f"W has {self.gaussians} Gaussians, the features have {features.shape[0]} rows")
        return self.matrix @ features

    def backproject(self, maps: Float[Tensor, "pixels dim"]) -> Float[Tensor, "gaussians dim"]:
        """W.T @ G, differentiable in G."""
        if maps.shape[0] != self.rows:
            raise ValueError(f"W has {self.rows} pixels, the map has {maps.shape[0]} rows")
        return self.matrix.T @ maps

    def pool(self, labels: Int[Tensor, " pixels"], count: int | None = None) -> Tensor:
        """A = M W: row l is the sum of the rows of W whose pixel has label l; negative labels belong to nothing.

        Returns a coalesced sparse COO float32 tensor (labels, gaussians), so rows ascend and columns ascend inside
        a row; ``count`` sets its number of rows (default: the largest label + 1). ValueError for a label >= count.
        """
        if len(labels) != self.rows:
            raise ValueError(f"W has {self.rows} pixels, there are {len(labels)} labels")
        labels = labels.long()
        largest = int(labels.max().cpu()) if len(labels) else -1
        if count is None:
            count = max(0, largest + 1)
        elif largest >= count:
            raise ValueError(f"label {largest} has no row among {count}")
        if self.values.is_cpu:
            indptr, indices, values = (array.numpy() for array in (self.indptr, self.indices, self.values))
            rows, columns, sums = pool_rows(indptr, indices, values, labels.numpy(), count, self.gaussians)
            entries, pooled = torch.from_numpy(np.stack([rows, columns])), torch.from_numpy(sums)
        else:
            *places, pooled = pool_on_device(self.indptr, self.indices, self.values, labels, self.gaussians)
            entries = torch.stack(places)
        return torch.sparse_coo_tensor(
            entries, pooled, (count, self.gaussians), check_invariants=False, is_coalesced=True
        )

    def packed(self) -> "BlendWeights":
        """The same weights, prepared for many products where they lie.

        Costs about as much as one product; 4 bytes an entry on the processor, 8 elsewhere. `gsseg bench` shows what a
        product gains.
        """
        packing = self.matrix.packed().packing
        return self if packing is self.packing else replace(self, packing=packing)

    def sampled(self, rows: Int64[Tensor, " sample"]) -> "BlendWeights":
        """The weights of some of the held rows only."""
        counts = (self.indptr[1:] - self.indptr[:-1])[rows]
        indptr = torch.cat([counts.new_zeros(1), torch.cumsum(counts, 0)])
        entries = torch.repeat_interleave(self.indptr[rows] - indptr[:-1], counts)
        entries += torch.arange(len(entries), device=entries.device)
        pixels = rows if self.pixels is None else self.pixels[rows]
        return BlendWeights(indptr, self.indices[entries], self.values[entries], self.gaussians, pixels)

    def to(self, device: torch.device | str) -> "BlendWeights":
        """The same weights on that device: these very ones where they lie on it already.

        On another device they are not packed: what makes products fast differs from device to device.
        """
        values = self.values.to(device)
        if values is self.values:  # torch hands back the tensor itself where nothing has to move
            return self
        pixels = None if self.pixels is None else self.pixels.to(device)
        return BlendWeights(self.indptr.to(device), self.indices.to(device), values, self.gaussians, pixels)

    def to_dense(self) -> Float[Tensor, "pixels gaussians"]:
        """W as an ordinary matrix, for tests on small scenes."""
        return self.matrix.to_dense()
