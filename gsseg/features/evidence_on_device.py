"""The evidence gathered where W is: every strip of W is used up on its device, and no entry of W leaves it.

The rules are those of `gsseg.features.evidence.gather_evidence`, which is its oracle.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int32, Int64
from torch import Tensor

from gsseg.exact_sums import add_at_, step_of
from gsseg.render import BlendWeights
from gsseg.render.pooling_on_device import pool_on_device, pooled_together, weights_at_
from gsseg.render.products_on_device import ByColumn
from gsseg.scene import Camera, Gaussians, View

Entries = tuple[Tensor, Tensor, Tensor]
"""Rows, columns and values."""


@dataclass(frozen=True, eq=False)
class EvidenceOnDevice:
    """The arrays of a `MaskEvidence`, as tensors of one device."""

    indptr: Int64[Tensor, " offsets"]
    """Entries of row r are ``indptr[r]:indptr[r + 1]``."""
    indices: Int32[Tensor, " entries"]
    """Gaussian of each entry, ascending inside a row."""
    values: Float32[Tensor, " entries"]
    """Weight of each entry."""
    row_view: Int32[Tensor, " rows"]
    """View of each row."""
    row_label: Int32[Tensor, " rows"]
    """Label of each row's mask in its view; 0 = the view's unmasked pixels."""
    central: Bool[Tensor, " gaussians"]
    """Gaussians whose centre some view sees."""
    visibility: Float32[Tensor, " gaussians"]
    """Blending weight of each Gaussian summed over all pixels."""

    @property
    def by_column(self) -> ByColumn:
        """The entries of each Gaussian, rows ascending; made anew at every call."""
        return ByColumn.of(self.indptr, self.indices, self.values, len(self.central))

    @staticmethod
    def gathered(
        gaussians: Gaussians,
        weighted_views: Iterable[tuple[View, BlendWeights | Iterable[BlendWeights]]],
        smallest: float,
    ) -> "EvidenceOnDevice":
        """One pass over the views; ``smallest``: weights below are left out."""
        device, count = gaussians.means.device, len(gaussians)
        visibility, step = torch.zeros(count, dtype=torch.int64, device=device), step_of(1.0)
        unseen = torch.ones(count, dtype=torch.bool, device=device)
        central: list[Entries] = []
        pooled: list[Entries] = []
        views, labels_of_rows = [], []
        base = 0
        for number, (view, weights) in enumerate(weighted_views):
            assert view.labels is not None
            labels = torch.from_numpy(view.labels.reshape(-1).astype(np.int32)).to(device).long()
            rows = int(view.labels.max()) + 1
            centres = centre_pixels_on_device(gaussians, view.camera)
            at_centre = torch.zeros(count, device=device)
            parts: list[Entries] = []
            for strip in (weights,) if isinstance(weights, BlendWeights) else weights:
                entries = (strip.indptr, strip.indices, strip.values)
                pixels = torch.arange(strip.rows, device=device) if strip.pixels is None else strip.pixels
                add_at_(visibility, strip.indices, strip.values, step)
                weights_at_(at_centre, *entries, pixels, centres)
                # Only those that no view so far has shown at their centre; the others speak through that.
                parts.append(pool_on_device(*entries, labels[pixels], count, unseen))
            seen = torch.nonzero(at_centre > smallest)[:, 0]
            unseen[seen] = False
            central.append((base + labels[centres[seen]], seen, at_centre[seen]))
            if parts:
                in_view, columns, sums = pooled_together(parts, count)
                pooled.append((base + in_view, columns, sums))
            views.append(np.full(rows, number, np.int32))
            labels_of_rows.append(np.arange(rows, dtype=np.int32))
            base += rows
        kept = [_only(entries, unseen, smallest) for entries in pooled]
        indptr, indices, values = _as_rows([*central, *kept], base, count)
        row_view, row_label = (torch.from_numpy(np.concatenate(each)).to(device) for each in (views, labels_of_rows))
        return EvidenceOnDevice(
            indptr, indices, values, row_view, row_label, ~unseen, (visibility.double() * step).float()
        )


def centre_pixels_on_device(gaussians: Gaussians, camera: Camera) -> Int64[Tensor, " gaussians"]:
    """`gsseg.features.evidence.centre_pixels` where the Gaussians lie."""
    pose: list[list[float]] = camera.T_camera_world.tolist()
    means = gaussians.means.double().unbind(1)
    x, y, z = (row[0] * means[0] + row[1] * means[1] + row[2] * means[2] + row[3] for row in pose[:3])
    scale = torch.where(z > 0, z, 1.0)
    column, row = torch.floor(x / scale * camera.fx + camera.cx), torch.floor(y / scale * camera.fy + camera.cy)
    inside = (z > 0) & (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    return torch.where(inside, row * camera.width + column, -1.0).long()


def _only(entries: Entries, wanted: Bool[Tensor, " gaussians"], smallest: float) -> Entries:
    rows, columns, values = entries
    keep = wanted[columns] & (values > smallest)
    return rows[keep], columns[keep], values[keep]


def _as_rows(parts: list[Entries], rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """All entries as one CSR. No two of them share row and column: a Gaussian has one centre in a view, and speaks in
    one way only."""
    row, column, value = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
    keys, order = torch.sort(row * columns + column)
    indptr = torch.zeros(rows + 1, dtype=torch.int64, device=row.device)
    torch.cumsum(torch.bincount(row, minlength=rows), 0, out=indptr[1:])
    return indptr, (keys % columns).int(), value[order]
