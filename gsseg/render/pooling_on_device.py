"""`gsseg.render.pooling` on any device, and what else is asked of W on the way, without an entry leaving it."""

import torch
from jaxtyping import Bool, Float32, Int32, Int64
from torch import Tensor

from gsseg.exact_sums import largest_of, segment_sums, step_of
from gsseg.render.products_on_device import rows_of


def pool_on_device(
    indptr: Int64[Tensor, " offsets"],
    indices: Int32[Tensor, " entries"],
    values: Float32[Tensor, " entries"],
    labels: Int64[Tensor, " rows"],
    columns: int,
    wanted: Bool[Tensor, " columns"] | None = None,
) -> tuple[Int64[Tensor, " pooled"], Int64[Tensor, " pooled"], Float32[Tensor, " pooled"]]:
    """(label, column, sum) of every nonzero of the pooled matrix, ascending; negative labels belong to nothing.

    ``wanted``: the columns that are asked for; None: all.
    """
    label = labels[rows_of(indptr, len(indices))]
    kept = label >= 0 if wanted is None else (label >= 0) & wanted[indices]
    return _added_up(label[kept] * columns + indices[kept], values[kept], columns)


def pooled_together(
    parts: list[tuple[Tensor, Tensor, Tensor]], columns: int
) -> tuple[Int64[Tensor, " pooled"], Int64[Tensor, " pooled"], Float32[Tensor, " pooled"]]:
    """What `pool_on_device` found in several strips of one view, as if it had been one."""
    labels, found, sums = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
    return _added_up(labels * columns + found, sums, columns)


def _added_up(
    keys: Int64[Tensor, " entries"], values: Float32[Tensor, " entries"], columns: int
) -> tuple[Int64[Tensor, " pooled"], Int64[Tensor, " pooled"], Float32[Tensor, " pooled"]]:
    """The sum of the values of each key = label * columns + column."""
    keys, order = torch.sort(keys, stable=True)
    new = torch.ones(len(keys) + 1, dtype=torch.bool, device=keys.device)
    new[1:-1] = keys[1:] != keys[:-1]
    ends = torch.nonzero(new)[:, 0]
    sums = segment_sums(values[order][None], ends, step_of(largest_of(values)))[0]
    found = keys[ends[:-1]]
    return torch.div(found, columns, rounding_mode="floor"), found % columns, sums


def weights_at_(
    at_centre: Float32[Tensor, " gaussians"],
    indptr: Int64[Tensor, " offsets"],
    indices: Int32[Tensor, " entries"],
    values: Float32[Tensor, " entries"],
    pixels: Int64[Tensor, " pixels"],
    centres: Int64[Tensor, " gaussians"],
) -> None:
    """Puts each Gaussian's weight in the pixel under its centre, where that pixel is among these rows and sees it."""
    hit = centres[indices] == pixels[rows_of(indptr, len(indices))]  # once at most for a Gaussian: no two write to one
    at_centre[indices[hit].long()] = values[hit]
