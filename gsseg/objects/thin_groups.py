"""What views say of pairs among very many small groups: the words of `gsseg.objects.agreement` on sparse profiles.

Most groups of a few Gaussians are seen by a few views and lie in one mask there, so a profile is a handful of numbers.
The formulas are those of `GroupEvidence.compare`; how much light makes a view's word count half is given.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.objects.agreement import DRAWN, NOT_DRAWN, OCCUPIED
from gsseg.threads import run_all, spans


@dataclass(frozen=True, eq=False)
class ThinProfiles:
    """Light of each group in each row of the evidence, masks and unmasked, as far as it speaks."""

    matrix: sp.csr_array
    """(groups, rows) float32, columns ascending."""
    row_view: Int32[ndarray, " rows"]
    """View of each row, ascending."""
    is_mask: Bool[ndarray, " rows"]
    """Whether a row is a mask, and not a view's unmasked pixels."""

    @property
    def light(self) -> Float64[ndarray, " groups"]:
        """Light of each group in all views."""
        return np.asarray(self.matrix.sum(axis=1), np.float64).reshape(-1)

    def united(self, label: Int64[ndarray, " groups"], count: int) -> "ThinProfiles":
        """The profiles of unions of groups: those of one label become one."""
        ones = np.ones(len(label), np.float32)
        union = sp.csr_array((ones, (label, np.arange(len(label)))), shape=(count, len(label)))
        matrix = sp.csr_array(union @ self.matrix)
        matrix.sort_indices()
        return ThinProfiles(matrix, self.row_view, self.is_mask)

    def compare(
        self, one: Int64[ndarray, " pairs"], other: Int64[ndarray, " pairs"], half_seen: float
    ) -> Float64[ndarray, "3 pairs"]:
        """`weight`, `agreeing` and `dropped` of `gsseg.objects.agreement.PairWords` for each pair of groups."""
        out = np.empty((3, len(one)))
        m = self.matrix
        columns = (m.indptr.astype(np.int64), m.indices.astype(np.int32), m.data, self.row_view, self.is_mask)
        run_all([lambda a=a, b=b: _compare(*columns, one, other, half_seen, out, a, b) for a, b in spans(len(one))])
        return out


@njit(nogil=True, cache=True)
def _compare(indptr, rows, mass, row_view, is_mask, one, other, half_seen, out, start, stop):
    for pair in range(start, stop):
        x, x_end = indptr[one[pair]], indptr[one[pair] + 1]
        y, y_end = indptr[other[pair]], indptr[other[pair] + 1]
        weight, agreeing, dropped = 0.0, 0.0, 0.0
        while x < x_end and y < y_end:
            view, other_view = row_view[rows[x]], row_view[rows[y]]
            x_next, masked, whole = _in_view(rows, mass, row_view, is_mask, x, x_end)
            y_next, other_masked, other_whole = _in_view(rows, mass, row_view, is_mask, y, y_end)
            if view == other_view and whole > 0.0 and other_whole > 0.0:
                seen = whole / (whole + half_seen) * (other_whole / (other_whole + half_seen))
                s, t = masked / whole, other_masked / other_whole
                weight += seen * s * t
                if masked > 0.0 and other_masked > 0.0:
                    common = _containment(rows, mass, is_mask, x, x_next, masked, y, y_next, other_masked)
                    agreeing += seen * s * t * common
                d = min(1.0, max(0.0, (s - NOT_DRAWN) / (DRAWN - NOT_DRAWN)))
                e = min(1.0, max(0.0, (t - NOT_DRAWN) / (DRAWN - NOT_DRAWN)))
                dropped += seen * (d * (1.0 - e) + (1.0 - d) * e)
            x = x_next if view <= other_view else x
            y = y_next if other_view <= view else y
        out[0, pair], out[1, pair], out[2, pair] = weight, agreeing, dropped


@njit(nogil=True, cache=True)
def _in_view(rows, mass, row_view, is_mask, first, end):
    """Where the entries of the view of entry ``first`` end, the light in its masks, and all its light."""
    masked, whole = 0.0, 0.0
    entry = first
    while entry < end and row_view[rows[entry]] == row_view[rows[first]]:
        whole += mass[entry]
        if is_mask[rows[entry]]:
            masked += mass[entry]
        entry += 1
    return entry, masked, whole


@njit(nogil=True, cache=True)
def _containment(rows, mass, is_mask, x, x_end, masked, y, y_end, other_masked):
    """How far one of two groups lies in masks of a view that the other fills."""
    inside, around = 0.0, 0.0
    while x < x_end and y < y_end:
        if rows[x] == rows[y] and is_mask[rows[x]]:
            p, q = mass[x] / masked, mass[y] / other_masked
            inside += q * min(1.0, p / OCCUPIED)
            around += p * min(1.0, q / OCCUPIED)
        row, other_row = rows[x], rows[y]
        x += row <= other_row
        y += other_row <= row
    return max(inside, around)
