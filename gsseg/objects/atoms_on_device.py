"""`gsseg.objects.atoms` on tensors: the same costs, and in each round the same pairs unite.

Lists of numbers that are added to one another are two long here, as two groups unite, so there is no order to keep.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.features.evidence import MaskEvidence
from gsseg.objects.atoms import ALIKE, COLOUR, HALF_SEEN, LEAST_LIGHT, NO_ATOM, PLACE, PRIOR, AtomConfig
from gsseg.objects.mean_field_on_device import median_of
from gsseg.objects.thin_groups_on_device import ThinProfilesOnDevice
from gsseg.render.products_on_device import ByColumn


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups of Gaussians that still grow, and the pairs of them that touch; as in `gsseg.objects.atoms`."""

    profiles: ThinProfilesOnDevice
    light: Float64[Tensor, " groups"]
    place: Float64[Tensor, "groups 3"]
    colour: Float64[Tensor, "groups 3"]
    one: Int64[Tensor, " pairs"]
    other: Int64[Tensor, " pairs"]
    cost: Float64[Tensor, " pairs"]


def find_atoms_on_device(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
    config: AtomConfig,
) -> Int64[ndarray, " gaussians"]:
    """`gsseg.objects.atoms.find_atoms` where the tensors of ``evidence`` are."""
    assert evidence.tensors is not None
    device = evidence.tensors.values.device
    nodes = np.flatnonzero(evidence.masked)
    out = np.full(len(means), NO_ATOM)
    if not len(nodes):
        return out
    groups, spacing = _singles(evidence, spoken, nodes, near, means, colors, device)
    label = torch.arange(len(nodes), device=device)
    while len(groups.one):
        groups = _priced(groups, spacing)
        low, high = _mutual_best(groups, config)
        if not len(low):
            break
        united, groups = _united(groups, low, high)
        label = united[label]
    out[nodes] = label.cpu().numpy()
    return out


def _singles(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    nodes: Int64[ndarray, " nodes"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
    device: torch.device,
) -> tuple[_Groups, float]:
    count = len(nodes)

    def there(values: ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    at = there(nodes)
    profiles = _profiles(evidence, spoken, at)
    index = torch.full((len(means),), NO_ATOM, device=device)
    index[at] = torch.arange(count, device=device)
    around = index[there(near)[at]]
    own = torch.arange(count, device=device)[:, None].expand_as(around)
    beside = around >= 0
    one, other = own[beside], around[beside]
    keys = torch.unique(torch.minimum(one, other) * count + torch.maximum(one, other))
    one = torch.div(keys, count, rounding_mode="floor")
    other = keys - one * count
    place, colour = there(means)[at].double(), there(colors)[at].double()
    apart = torch.sqrt(_squares(place[one] - place[other]))
    spacing = float(median_of(apart).cpu()) if len(one) else 1.0
    unknown = torch.full((len(one),), float("nan"), dtype=torch.float64, device=device)
    return _Groups(profiles, profiles.light + LEAST_LIGHT, place, colour, one, other, unknown), max(spacing, 1e-12)


def _profiles(evidence: MaskEvidence, spoken: sp.csr_array, nodes: Int64[Tensor, " nodes"]) -> ThinProfilesOnDevice:
    """What speaks of each node, rows ascending."""
    device = nodes.device
    indptr, indices, values = (
        torch.from_numpy(array).to(device)
        for array in (spoken.indptr.astype(np.int64), spoken.indices.astype(np.int32), spoken.data)
    )
    columns = ByColumn.of(indptr, indices, values, len(evidence.central))
    sizes = columns.indptr[1:] - columns.indptr[:-1]
    member = torch.zeros(len(sizes), dtype=torch.bool, device=device)
    member[nodes] = True
    kept = torch.repeat_interleave(member, sizes, output_size=len(columns.rows))
    ends = torch.zeros(len(nodes) + 1, dtype=torch.int64, device=device)
    torch.cumsum(sizes[nodes], 0, out=ends[1:])
    view, is_mask = evidence.row_view.astype(np.int64), evidence.row_label > 0
    return ThinProfilesOnDevice(
        ends, columns.rows[kept].long(), columns.values[kept],
        torch.from_numpy(view).to(device), torch.from_numpy(is_mask).to(device),
    )  # fmt: skip


def _priced(groups: _Groups, spacing: float) -> _Groups:
    new = torch.nonzero(torch.isnan(groups.cost))[:, 0]
    one, other = groups.one[new], groups.other[new]
    weight, agreeing, dropped = groups.profiles.compare(one, other, HALF_SEEN)
    apart = (weight - agreeing + dropped + PRIOR / 5) / (weight + dropped + PRIOR)
    distance = _squares(groups.place[one] - groups.place[other]) / spacing**2
    contrast = _squares(groups.colour[one] - groups.colour[other])
    light = groups.light[one] * groups.light[other] / (groups.light[one] + groups.light[other])
    cost = groups.cost.clone()
    cost[new] = light * (apart + PLACE * distance + COLOUR * contrast + ALIKE)
    return _Groups(groups.profiles, groups.light, groups.place, groups.colour, groups.one, groups.other, cost)


def _squares(vectors: Float64[Tensor, "rows 3"]) -> Float64[Tensor, " rows"]:
    x, y, z = vectors.unbind(1)
    return x * x + y * y + z * z


def _mutual_best(groups: _Groups, config: AtomConfig) -> tuple[Int64[Tensor, " unions"], Int64[Tensor, " unions"]]:
    count, device = len(groups.light), groups.light.device
    best = torch.full((count,), float("inf"), dtype=torch.float64, device=device)
    for mine in (groups.one, groups.other):  # the least of some numbers depends on no order
        best.scatter_reduce_(0, mine, groups.cost, "amin")
    partner = torch.full((count,), count, device=device)
    for mine, theirs in ((groups.one, groups.other), (groups.other, groups.one)):
        cheapest = groups.cost == best[mine]
        partner.scatter_reduce_(0, mine[cheapest], theirs[cheapest], "amin")
    willing = partner < count
    if count <= config.most:
        willing &= best <= config.room
    own = torch.arange(count, device=device)
    low = torch.nonzero(willing & (partner[partner.clamp(max=count - 1)] == own) & (own < partner))[:, 0]
    return low, partner[low]


def _united(
    groups: _Groups, low: Int64[Tensor, " unions"], high: Int64[Tensor, " unions"]
) -> tuple[Int64[Tensor, " groups"], _Groups]:
    count, device = len(groups.light), groups.light.device
    gone = torch.zeros(count, dtype=torch.bool, device=device)
    gone[high] = True
    left = torch.nonzero(~gone)[:, 0]
    label = torch.cumsum((~gone).long(), 0) - 1
    label[high] = label[low]
    changed = torch.zeros(len(left), dtype=torch.bool, device=device)
    changed[label[low]] = True
    light = groups.light[left]
    light[label[low]] = groups.light[low] + groups.light[high]

    def mean(values: Float64[Tensor, "before 3"]) -> Float64[Tensor, "groups 3"]:
        by_light = groups.light[:, None] * values
        sums = by_light[left]
        sums[label[low]] = by_light[low] + by_light[high]
        return sums / light[:, None]

    one, other = label[groups.one], label[groups.other]
    one, other = torch.minimum(one, other), torch.maximum(one, other)
    cost = torch.where(changed[one] | changed[other], float("nan"), groups.cost)
    keys, order = torch.sort(one * len(left) + other, stable=True)
    first = torch.ones(len(keys), dtype=torch.bool, device=device)
    first[1:] = keys[1:] != keys[:-1]
    kept = order[first & (one != other)[order]]
    profiles = groups.profiles.united(label, len(left))
    places = (mean(groups.place), mean(groups.colour))
    return label, _Groups(profiles, light, *places, one[kept], other[kept], cost[kept])
