"""Sparse products on any device, with sums that depend on no order (`gsseg.exact_sums`).

Rows of a CSR are runs of entries, so M @ X adds up runs. M.T @ G needs the runs of the columns: the same entries in
another order, `ByColumn`, which is made once for many products and takes 8 bytes an entry. Adding at random places
would need no second copy, but a training step would wait for hundreds of millions of atomic additions.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32, Int32, Int64
from torch import Tensor

from gsseg.exact_sums import largest_of, segment_sums, step_of

TERMS_AT_ONCE = 1 << 25
"""Products added up at once: 28 bytes each, 0.9 GB."""


@dataclass(frozen=True, eq=False)
class ByColumn:
    """The entries of a CSR, column after column."""

    indptr: Int64[Tensor, " offsets"]
    """Entries of column c are ``indptr[c]:indptr[c + 1]``."""
    rows: Int32[Tensor, " entries"]
    """Row of each entry, ascending inside a column."""
    values: Float32[Tensor, " entries"]
    """Value of each entry."""

    @staticmethod
    def of(
        indptr: Int64[Tensor, " offsets"],
        indices: Int32[Tensor, " entries"],
        values: Float32[Tensor, " entries"],
        columns: int,
    ) -> "ByColumn":
        """One stable sort of the entries by column."""
        by_column, order = torch.sort(indices, stable=True)
        ends = torch.zeros(columns + 1, dtype=torch.int64, device=indices.device)
        torch.cumsum(torch.bincount(by_column, minlength=columns), 0, out=ends[1:])
        return ByColumn(ends, rows_of(indptr, len(indices)).int()[order], values[order])

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays."""
        return self.indptr.nbytes + self.rows.nbytes + self.values.nbytes


def rows_of(indptr: Int64[Tensor, " offsets"], entries: int) -> Int64[Tensor, " entries"]:
    """Row of each entry of a CSR."""
    counts = indptr[1:] - indptr[:-1]
    return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts, output_size=entries)


def product_of_runs(
    indptr: Int64[Tensor, " offsets"],
    indices: Int32[Tensor, " entries"],
    values: Float32[Tensor, " entries"],
    dense: Float[Tensor, "columns dim"],
) -> Float32[Tensor, "rows dim"]:
    """M @ dense for CSR M; ValueError where a term is not finite."""
    step = step_of(largest_of(values) * largest_of(dense))
    columns = dense.float().T.contiguous()
    together = max(1, TERMS_AT_ONCE // max(1, len(indices)))
    sums = [
        segment_sums(values * columns[at : at + together].index_select(1, indices), indptr, step)
        for at in range(0, len(columns), together)
    ]
    return torch.cat(sums).T.contiguous()
