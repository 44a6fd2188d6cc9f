"""k-means where the items lie: compiled code on the processor, torch's operations elsewhere."""

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from gsseg.clustering.blocks import settle as settle_on_host
from gsseg.clustering.means import float32_code_means
from gsseg.clustering.on_device import means_on_device, settle_on_device
from gsseg.clustering.seeding import sample_rows


def start(
    x: Float32[Tensor, "items dim"],
    first: Int64[Tensor, " items"],
    size: int,
    codes: int,
    generator: np.random.Generator,
) -> Float32[Tensor, "codes dim"]:
    """Random items of their block as codes; see `gsseg.clustering.seeding.sample_codebook`."""
    rows = torch.from_numpy(sample_rows(first.cpu().numpy(), size, codes, generator)).to(x.device)
    return torch.where(rows[:, None] >= 0, x[rows.clamp(min=0)], 0.0)


def settle(
    x: Float32[Tensor, "items dim"],
    codebook: Float32[Tensor, "codes dim"],
    first: Int64[Tensor, " items"],
    size: int,
    max_rounds: int,
) -> tuple[Int64[Tensor, " items"], Float32[Tensor, "codes dim"]]:
    """Assignment and means in turns; see `gsseg.clustering.blocks.settle`."""
    if not x.is_cpu:
        return settle_on_device(x, codebook, first, size, max_rounds)
    labels, settled = settle_on_host(x.numpy(), codebook.numpy(), first.numpy(), size, max_rounds)
    return torch.from_numpy(labels), torch.from_numpy(settled)


def code_means(
    x: Float32[Tensor, "items dim"], labels: Int64[Tensor, " items"], codes: int
) -> tuple[Float32[Tensor, "codes dim"], Int64[Tensor, " codes"]]:
    """Mean of the items of each code (zero for empty codes), and how many there are."""
    if not x.is_cpu:
        return means_on_device(x, labels, codes)
    means, sizes = float32_code_means(x.numpy(), labels.numpy(), codes)
    return torch.from_numpy(means), torch.from_numpy(sizes)
