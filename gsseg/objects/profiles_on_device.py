"""`gsseg.objects.profiles` where the evidence lies on a device; a table of groups and rows is all that leaves it."""

import torch
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.exact_sums import add_at_, largest_of, step_of
from gsseg.features.evidence_on_device import EvidenceOnDevice
from gsseg.render.products_on_device import rows_of

TABLE_AT_ONCE = 1 << 26
"""Numbers of the table that are added up at once: 20 bytes each, 1.3 GB."""


def group_mass_on_device(
    evidence: EvidenceOnDevice, groups: Int64[ndarray, " gaussians"], count: int
) -> Float32[ndarray, "groups rows"]:
    """`gsseg.objects.profiles.group_mass`."""
    device, rows = evidence.values.device, len(evidence.row_label)
    out = torch.zeros((count, rows), dtype=torch.float32)
    step = step_of(largest_of(evidence.values))
    group = torch.from_numpy(groups).to(device)[evidence.indices.long()]
    row = rows_of(evidence.indptr, len(evidence.indices))
    together = max(1, TABLE_AT_ONCE // max(1, rows))
    for first in range(0, count, together):
        last = min(count, first + together)
        mine = (group >= first) & (group < last)
        sums = torch.zeros((last - first) * rows, dtype=torch.int64, device=device)
        add_at_(sums, (group[mine] - first) * rows + row[mine], evidence.values[mine], step)
        out[first:last] = (sums.double() * step).float().reshape(last - first, rows).cpu()
    return out.numpy()
