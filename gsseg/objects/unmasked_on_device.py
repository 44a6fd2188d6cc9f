"""`gsseg.objects.unmasked.speaking` where the evidence lies on a device."""

import torch
from jaxtyping import Bool, Int32, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.features.evidence_on_device import EvidenceOnDevice
from gsseg.render.products_on_device import rows_of

UNSEEN, UNMASKED, MASKED = 0, 1, 2


def speaking_on_device(
    evidence: EvidenceOnDevice,
    first_row: Int32[ndarray, " edges"],
    near: Int64[ndarray, "gaussians neighbours"],
    rim: float,
) -> Bool[Tensor, " entries"]:
    """Which entries speak: a view at a time, as its oracle does, and the Gaussians of a view all at once."""
    device = evidence.values.device
    around = torch.from_numpy(near).to(device)
    speaks = torch.zeros(len(evidence.values), dtype=torch.bool, device=device)
    masked_row = evidence.row_label > 0
    state = torch.zeros(len(evidence.central), dtype=torch.uint8, device=device)
    edges: list[int] = evidence.indptr[torch.from_numpy(first_row).long().to(device)].cpu().tolist()
    for view in range(len(first_row) - 1):
        if first_row[view + 1] - first_row[view] < 2:
            continue
        start, stop = edges[view], edges[view + 1]
        offsets = evidence.indptr[int(first_row[view]) : int(first_row[view + 1]) + 1] - start
        row = rows_of(offsets, stop - start) + int(first_row[view])
        seen = torch.nonzero(evidence.central[evidence.indices[start:stop].long()])[:, 0]
        gaussian, masked = evidence.indices[start:stop].long()[seen], masked_row[row[seen]]
        state[gaussian] = torch.where(masked, MASKED, UNMASKED).to(torch.uint8)
        beside = state[around[gaussian[~masked]]]
        of_seen, of_masked = ((beside > least).sum(1).double() for least in (UNSEEN, UNMASKED))
        spoken = masked.clone()
        spoken[~masked] = of_masked <= rim * of_seen
        speaks[start + seen] = spoken
        state[gaussian] = UNSEEN
    return speaks
