"""k-means inside blocks of codes on any device: `gsseg.clustering.blocks` and `means` in torch's operations.

Those are its oracle. Sums are exact (`gsseg.exact_sums`), so that a seed gives one result on a GPU too; distances are
added up in another order than on the processor and may differ in the last bit.
"""

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from gsseg.exact_sums import in_steps_of, largest_of, step_of

COMPARED_AT_ONCE = 1 << 25
"""Differences of an item and a code, a channel each, that are held at once: 4 bytes each, twice."""


def settle_on_device(
    x: Float32[Tensor, "items dim"],
    codebook: Float32[Tensor, "codes dim"],
    first: Int64[Tensor, " items"],
    size: int,
    max_rounds: int,
) -> tuple[Int64[Tensor, " items"], Float32[Tensor, "codes dim"]]:
    """As `gsseg.clustering.blocks.settle`."""
    codebook = codebook.clone()
    labels = nearest_on_device(x, codebook, first, size)
    for _ in range(max_rounds):
        means, sizes = means_on_device(x, labels, len(codebook))
        codebook = torch.where(sizes[:, None] > 0, means, codebook)
        _reseed_(codebook, sizes, x, labels, size)
        moved = nearest_on_device(x, codebook, first, size)
        if bool((moved == labels).all().cpu()):
            break
        labels = moved
    return labels, codebook


def nearest_on_device(
    x: Float32[Tensor, "items dim"], codebook: Float32[Tensor, "codes dim"], first: Int64[Tensor, " items"], size: int
) -> Int64[Tensor, " items"]:
    """For each item the nearest of its codes ``first[i] .. first[i] + size - 1``; ties: the lowest."""
    places = torch.arange(size, device=x.device)
    together = max(1, COMPARED_AT_ONCE // (size * x.shape[1]))
    labels = []
    for start in range(0, len(x), together):
        items, begin = x[start : start + together], first[start : start + together]
        distances = (items[:, None] - codebook[begin[:, None] + places]).square().sum(2)
        least = distances.amin(1, keepdim=True)
        # An argmin may return any of several least ones there.
        labels.append(begin + torch.where(distances == least, places, size).amin(1))
    return torch.cat(labels) if labels else first


def means_on_device(
    x: Float32[Tensor, "items dim"], labels: Int64[Tensor, " items"], codes: int
) -> tuple[Float32[Tensor, "codes dim"], Int64[Tensor, " codes"]]:
    """Mean of the items of each code (zero for empty codes), and how many there are."""
    step = step_of(largest_of(x))
    sums = torch.zeros(codes, x.shape[1], dtype=torch.int64, device=x.device)
    sums.index_add_(0, labels, in_steps_of(step, x))
    sizes = torch.bincount(labels, minlength=codes)
    return (sums.double() * step / sizes.clamp(min=1)[:, None]).float(), sizes


def _reseed_(codebook: Tensor, sizes: Tensor, x: Tensor, labels: Tensor, size: int) -> None:
    """Moves empty codes, in place, onto the worst-fitting items of their block; items that fit exactly stay."""
    empty = torch.nonzero(sizes == 0)[:, 0]
    if not len(empty):
        return
    distances = (x - codebook[labels]).square().sum(1)
    worst = torch.sort(-distances, stable=True)[1]
    blocks, order = torch.sort((labels // size)[worst], stable=True)
    worst = worst[order]
    edges = torch.searchsorted(blocks, torch.arange(len(codebook) // size + 1, device=x.device))
    # The k-th empty code of a block goes to its k-th worst item, where it has one that does not fit.
    block = empty // size
    place = edges[block] + torch.arange(len(empty), device=x.device) - torch.searchsorted(block, block)
    there = place < edges[block + 1]
    item = worst[torch.where(there, place, 0)]
    there &= distances[item] > 0
    codebook[empty[there]] = x[item[there]]
