"""`gsseg.objects.votes` on tensors: the evidence stays where it is, a number a Gaussian crosses in each round.

Sums go over the entries of a Gaussian, in whole numbers (`gsseg.exact_sums`); among equals the first is chosen, as by
numpy.
"""

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.exact_sums import double_sums, largest_of, step_of
from gsseg.features.evidence_on_device import EvidenceOnDevice
from gsseg.objects.mean_field import NOBODY
from gsseg.objects.mean_field_on_device import mean_field_on_device, neighbour_weights_on_device
from gsseg.objects.votes import CANDIDATES, SMALLEST_OWNER, AssignmentConfig
from gsseg.render.products_on_device import rows_of

TERMS_AT_ONCE = 1 << 24
"""Products that are added up at once: some 50 bytes each, 0.8 GB."""


class VotesOnDevice:
    """`gsseg.objects.votes.Votes` on the evidence's device."""

    def __init__(
        self,
        evidence: EvidenceOnDevice,
        near: Int64[ndarray, "gaussians neighbours"],
        colors: Float32[ndarray, "gaussians 3"],
        config: AssignmentConfig,
    ) -> None:
        self._device, self._config, self._central = evidence.values.device, config, evidence.central
        self._columns = evidence.by_column
        self._ends = self._columns.indptr.cpu().numpy()
        self._largest = largest_of(evidence.values)
        self._most = max(1, len(evidence.row_label))
        self._near = self._there(near)
        weights = neighbour_weights_on_device(evidence.visibility, self._near, self._there(colors))
        self._weights = config.smoothing * weights

    def main_owners(
        self, owners: Float32[ndarray, "rows objects"], lost: Int64[ndarray, " lost"]
    ) -> Int64[ndarray, " lost"]:
        """As `gsseg.objects.votes.Votes` says."""
        out = np.full(len(lost), NOBODY)
        if not owners.shape[1]:
            return out
        table = self._there(owners.T)
        step = step_of(self._largest * largest_of(table), self._most)
        sizes = (self._ends[1:] - self._ends[:-1])[lost]
        for first, last in runs_of(sizes, TERMS_AT_ONCE >> 4):
            ends, entry = self._entries_of(lost[first:last])
            rows, values = self._columns.rows[entry].long(), self._columns.values[entry]
            together = max(1, TERMS_AT_ONCE // max(1, len(entry)))
            shares = [double_sums(values * part[:, rows], ends, step) for part in table.split(together)]
            best, share = first_largest(torch.cat(shares).T)
            out[first:last] = torch.where(share > 0, best, NOBODY).cpu().numpy()
        return out

    def chosen(
        self,
        likely: Int64[ndarray, " gaussians"],
        group: Int64[ndarray, " gaussians"],
        current: Int64[ndarray, " gaussians"],
        looks: Float32[ndarray, "rows classes"],
        owners: Float32[ndarray, "rows classes"],
    ) -> Int64[ndarray, " gaussians"]:
        """As `gsseg.objects.votes.Votes` says."""
        candidates = candidates_on_device(self._there(likely), self._there(current), self._near, looks.shape[1] - 1)
        likelihood = self._likelihood(candidates, self._there(group), self._there(looks), self._there(owners))
        chance = mean_field_on_device(candidates, likelihood, self._near, self._weights, self._config.sweeps)
        best, _ = first_largest(chance)
        return torch.gather(candidates, 1, best[:, None])[:, 0].long().cpu().numpy()

    def _likelihood(
        self,
        candidates: Int32[Tensor, "gaussians candidates"],
        group: Int64[Tensor, " gaussians"],
        looks: Float32[Tensor, "rows classes"],
        owners: Float32[Tensor, "rows classes"],
    ) -> Float32[Tensor, "gaussians candidates"]:
        out = torch.zeros(candidates.shape, device=self._device)
        step = step_of(max(largest_of(looks), self._largest), self._most)
        for first, last in runs_of(self._ends[1:] - self._ends[:-1], TERMS_AT_ONCE // CANDIDATES):
            out[first:last] = self._likelihood_of(slice(first, last), candidates[first:last], looks, owners, step)
        out += self._config.kept * ((candidates == group[:, None]) & (candidates >= 0))
        return out

    def _likelihood_of(
        self,
        some: slice,
        candidates: Int32[Tensor, "some candidates"],
        looks: Float32[Tensor, "rows classes"],
        owners: Float32[Tensor, "rows classes"],
        step: float,
    ) -> Float32[Tensor, "some candidates"]:
        """Of a run of Gaussians, before what speaks for the group of an atom."""
        start, stop = int(self._ends[some.start]), int(self._ends[some.stop])
        ends = self._columns.indptr[some.start : some.stop + 1] - start
        rows, values = self._columns.rows[start:stop].long(), self._columns.values[start:stop]
        mine = rows_of(ends, stop - start)
        central = self._central[some]
        by_looks = central[mine]
        heard = values.double() / (values.double() + self._config.half_seen)
        terms = []
        for column in candidates.clamp(min=0).long().unbind(1):
            place = rows * looks.shape[1] + column[mine]
            look, owner = looks.reshape(-1)[place], owners.reshape(-1)[place]
            terms.append(torch.where(by_looks, heard * look, (values * owner).double()))
        total = double_sums(torch.stack(terms), ends, step).T
        light = double_sums(values[None], ends, step)[0][:, None]
        by_tails = torch.log((total / light.clamp(min=1e-30)).clamp(min=SMALLEST_OWNER))
        total = torch.where(central[:, None], total, torch.where(light > 0, by_tails, 0.0))
        return torch.where(candidates >= 0, total, 0.0).float()

    def _entries_of(self, gaussians: Int64[ndarray, " some"]) -> tuple[Int64[Tensor, " offsets"], Int64[Tensor, " e"]]:
        """Entries of some Gaussians, one behind the other, and where each one's end."""
        rows = self._there(gaussians)
        starts, sizes = self._columns.indptr[rows], self._columns.indptr[rows + 1] - self._columns.indptr[rows]
        ends = torch.zeros(len(rows) + 1, dtype=torch.int64, device=self._device)
        torch.cumsum(sizes, 0, out=ends[1:])
        count = int(ends[-1].cpu())
        of = rows_of(ends, count)
        return ends, starts[of] + torch.arange(count, device=self._device) - ends[of]

    def _there(self, values: ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)


def candidates_on_device(
    likely: Int64[Tensor, " gaussians"],
    current: Int64[Tensor, " gaussians"],
    near: Int64[Tensor, "gaussians neighbours"],
    background: int,
) -> Int32[Tensor, "gaussians candidates"]:
    """Background, a likely object of each Gaussian, its present one, and those of its neighbours, nearest first."""
    out = torch.full((len(likely), CANDIDATES), NOBODY, dtype=torch.int32, device=likely.device)
    out[:, 0] = background
    count = torch.ones(len(likely), dtype=torch.int64, device=likely.device)
    for proposed in (likely, current, *(current[column] for column in near.unbind(1))):
        known = (proposed < 0) | (out == proposed[:, None]).any(1) | (count == CANDIDATES)
        new = torch.nonzero(~known)[:, 0]
        out[new, count[new]] = proposed[new].int()
        count[new] += 1
    return out


def first_largest(values: Float[Tensor, "rows columns"]) -> tuple[Int64[Tensor, " rows"], Float[Tensor, " rows"]]:
    """Column and value of the largest of each row; of several the first, which torch does not promise."""
    most = values.amax(1)
    columns = torch.arange(values.shape[1], device=values.device)
    return torch.where(values == most[:, None], columns, values.shape[1]).amin(1), most


def runs_of(sizes: Int64[ndarray, " items"], most: int) -> list[tuple[int, int]]:
    """Cuts items into runs that have together at most ``most``; an item that has more is a run by itself."""
    total, first, out = np.concatenate([[0], np.cumsum(sizes)]), 0, []
    while first < len(sizes):
        last = max(first + 1, int(np.searchsorted(total, total[first] + most, side="right")) - 1)
        out.append((first, last))
        first = last
    return out
