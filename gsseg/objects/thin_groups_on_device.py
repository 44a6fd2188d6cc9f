"""`gsseg.objects.thin_groups` on tensors: pairs are compared by expansion and search instead of by merging lists.

The entries of the smaller group of a pair are written out, each is searched among those of the other one, and runs of
them are added up: first those of a view, then the views of a pair.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor

from gsseg.exact_sums import double_sums, largest_of, step_of
from gsseg.objects.agreement import DRAWN, NOT_DRAWN, OCCUPIED
from gsseg.objects.votes_on_device import runs_of
from gsseg.render.products_on_device import rows_of

EXPANDED = 1 << 22
"""Entries of pairs that are written out at once: some 250 bytes each, a gigabyte."""

MOST_TERMS = 1 << 20
"""Masks of a view, and views, that one sum may have."""


@dataclass(frozen=True, eq=False)
class ThinProfilesOnDevice:
    """Light of each group in each row of the evidence, as far as it speaks."""

    indptr: Int64[Tensor, " offsets"]
    """Entries of group g are ``indptr[g]:indptr[g + 1]``."""
    rows: Int64[Tensor, " entries"]
    """Row of each entry, ascending inside a group."""
    mass: Float32[Tensor, " entries"]
    """Light of each entry."""
    row_view: Int64[Tensor, " rows"]
    """View of each row, ascending."""
    is_mask: Bool[Tensor, " rows"]
    """Whether a row is a mask, and not a view's unmasked pixels."""

    @property
    def light(self) -> Float64[Tensor, " groups"]:
        """Light of each group in all views."""
        return double_sums(self.mass[None], self.indptr, step_of(largest_of(self.mass), MOST_TERMS))[0]

    def united(self, label: Int64[Tensor, " groups"], count: int) -> "ThinProfilesOnDevice":
        """The profiles of unions of groups, of at most two each: those of one label become one."""
        whole = len(self.row_view)
        keys, order = torch.sort(label[rows_of(self.indptr, len(self.rows))] * whole + self.rows, stable=True)
        mass = self.mass[order]
        twice = torch.zeros(len(keys) + 1, dtype=torch.bool, device=keys.device)  # as the one before
        twice[1:-1] = keys[1:] == keys[:-1]
        mass[:-1] += torch.where(twice[1:-1], mass[1:], 0.0)
        first = ~twice[:-1]
        keys, mass = keys[first], mass[first]
        group = torch.div(keys, whole, rounding_mode="floor")
        indptr = torch.searchsorted(group, torch.arange(count + 1, device=keys.device))
        return ThinProfilesOnDevice(indptr, keys - group * whole, mass, self.row_view, self.is_mask)

    def compare(
        self, one: Int64[Tensor, " pairs"], other: Int64[Tensor, " pairs"], half_seen: float
    ) -> Float64[Tensor, "3 pairs"]:
        """`gsseg.objects.thin_groups.ThinProfiles.compare`."""
        out = torch.zeros((3, len(one)), dtype=torch.float64, device=one.device)
        if not len(self.rows) or not len(one):
            return out
        looked = _Views.of(self)
        sizes = self.indptr[1:] - self.indptr[:-1]
        swap = sizes[other] < sizes[one]
        one, other = torch.where(swap, other, one), torch.where(swap, one, other)
        for first, last in runs_of(sizes[one].cpu().numpy(), EXPANDED):
            out[:, first:last] = _compared(self, looked, one[first:last], other[first:last], half_seen)
        return out


@dataclass(frozen=True, eq=False)
class _Views:
    """What single views have of each group; a *look* is a group in a view that sees it."""

    look: Int64[Tensor, " entries"]
    """Look of each entry."""
    entry_key: Int64[Tensor, " entries"]
    """group * rows + row of each entry, ascending."""
    look_key: Int64[Tensor, " looks"]
    """group * views + view of each look, ascending."""
    whole: Float64[Tensor, " looks"]
    """Light of the group in the view."""
    masked: Float64[Tensor, " looks"]
    """Light of it in the view's masks."""
    views: int

    @staticmethod
    def of(profiles: ThinProfilesOnDevice) -> "_Views":
        group = rows_of(profiles.indptr, len(profiles.rows))
        views = int(profiles.row_view[-1].cpu()) + 1
        key = group * views + profiles.row_view[profiles.rows]
        starts = _starts(key)
        step = step_of(largest_of(profiles.mass), MOST_TERMS)
        in_masks = profiles.mass * profiles.is_mask[profiles.rows]
        whole, masked = (double_sums(light[None], starts, step)[0] for light in (profiles.mass, in_masks))
        look_key = key[starts[:-1]]
        look = rows_of(starts, len(key))
        return _Views(look, group * len(profiles.row_view) + profiles.rows, look_key, whole, masked, views)


def _compared(
    profiles: ThinProfilesOnDevice, looked: _Views, one: Tensor, other: Tensor, half_seen: float
) -> Float64[Tensor, "3 pairs"]:
    """Some pairs; ``one`` is the group whose entries are written out."""
    first = profiles.indptr[one]
    ends = torch.zeros(len(one) + 1, dtype=torch.int64, device=one.device)
    torch.cumsum(profiles.indptr[one + 1] - first, 0, out=ends[1:])
    count = int(ends[-1].cpu())
    if not count:
        return torch.zeros((3, len(one)), dtype=torch.float64, device=one.device)
    pair = rows_of(ends, count)
    entry = first[pair] + torch.arange(count, device=one.device) - ends[pair]
    row, look = profiles.rows[entry], looked.look[entry]
    place, found = _sought(looked.entry_key, other[pair] * len(profiles.row_view) + row)
    both = found & profiles.is_mask[row]
    p = profiles.mass[entry].double() / torch.where(both, looked.masked[look], 1.0)
    q = profiles.mass[place].double() / torch.where(both, looked.masked[looked.look[place]], 1.0)
    terms = torch.stack([q * (p / OCCUPIED).clamp(max=1.0), p * (q / OCCUPIED).clamp(max=1.0)]) * both
    # An entry's look is of one view, and the entries of a pair come view after view.
    starts = _starts(pair * len(looked.whole) + look)
    at = starts[:-1]
    inside, around = double_sums(torch.where(both, terms, 0.0), starts, step_of(1.0, MOST_TERMS))
    pair, look = pair[at], look[at]
    view = looked.look_key[look] - one[pair] * looked.views
    others, there = _sought(looked.look_key, other[pair] * looked.views + view)
    wholes, masks = ((each[look], each[others]) for each in (looked.whole, looked.masked))
    there &= (wholes[0] > 0) & (wholes[1] > 0)
    seen = torch.where(there, wholes[0] / (wholes[0] + half_seen) * (wholes[1] / (wholes[1] + half_seen)), 0.0)
    s, t = (masked / torch.where(there, whole, 1.0) for masked, whole in zip(masks, wholes, strict=True))
    d, e = (((share - NOT_DRAWN) / (DRAWN - NOT_DRAWN)).clamp(0.0, 1.0) for share in (s, t))
    words = torch.stack(
        [
            seen * s * t,
            torch.where((masks[0] > 0) & (masks[1] > 0), seen * s * t * torch.maximum(inside, around), 0.0),
            seen * (d * (1.0 - e) + (1.0 - d) * e),
        ]
    )
    of_pair = torch.searchsorted(pair, torch.arange(len(one) + 1, device=one.device))
    return double_sums(torch.where(there, words, 0.0), of_pair, step_of(1.0, MOST_TERMS))


def _starts(keys: Int64[Tensor, " entries"]) -> Int64[Tensor, " offsets"]:
    """Where runs of one key begin, and where the last one ends."""
    new = torch.ones(len(keys) + 1, dtype=torch.bool, device=keys.device)
    new[1:-1] = keys[1:] != keys[:-1]
    return torch.nonzero(new)[:, 0]


def _sought(
    keys: Int64[Tensor, " keys"], wanted: Int64[Tensor, " wanted"]
) -> tuple[Int64[Tensor, " wanted"], Bool[Tensor, " wanted"]]:
    """Place of each wanted key among ascending ones, and whether it is there."""
    place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return place, keys[place] == wanted
