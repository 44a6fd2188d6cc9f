"""Do two groups of Gaussians belong to one object? View by view, as log-odds.

In view v group i has the mass M_i(m) in mask m, k_i in all masks, and u_i unmasked (`gsseg.objects.unmasked`). With
t = k + u its word counts r = t / (t + HALF_SEEN), and nothing where t <= BARELY_SEEN; its masked share is s = k / t.

*Which mask.* A segmenter splits objects and merges neighbours, so shares p_i(m) = M_i(m) / k_i are compared by
containment and not by equality: j agrees with i as far as j lies in masks that i occupies,

    a = max( sum_m p_j(m) min(1, p_i(m) / OCCUPIED),  sum_m p_i(m) min(1, p_j(m) / OCCUPIED) ),

so a part that lies wholly in one piece of a split object agrees with it.

*Masked or not.* A segmenter drops objects whole. How surely a group is drawn is d = clip((s - 1/4) / (1/2), 0, 1); two
groups, of which one is drawn and the other is not, are hardly one object. Two that are both dropped may be any two, as
far as one view knows; how often two are dropped together is heard by the joining.

With A and D the log-odds of an agreeing and a disagreeing view and X those against one of which one is dropped, it adds

    r_i r_j ( s_i s_j (D + a (A - D)) - (d_i (1 - d_j) + (1 - d_i) d_j) X ).

What the views say of a pair is summed over them once, `PairWords`; the log-odds are one way to judge it
(`gsseg.objects.grouping`), a fitted posterior another (`gsseg.objects.joining`).

This is the view consensus of MaskClustering (Yan et al. 2024) turned into evidence that adds up: two views weigh less
than twenty.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.objects.profiles import Profiles
from gsseg.threads import run_all, spans
from gsseg.validation import check_real

OCCUPIED = 0.5
"""Share of a group in a mask from which on the group counts as filling its part of it."""

HALF_SEEN = 2.0
"""Mass (pixels' worth of light) of a group in a view at which the view's word counts half."""

BARELY_SEEN = 0.5
"""Mass below which a view has nothing to say of a group."""

CLEAR = 0.8
"""Agreement of a view above which it says plainly that two groups lie in one mask."""

NOT_DRAWN, DRAWN = 0.25, 0.75
"""Masked shares of a group at which a view certainly drops it and certainly draws it."""


@dataclass(frozen=True)
class Odds:
    """How much a view says."""

    same: float = 0.88
    """Probability that a view agrees on two groups of one object (not split between them)."""
    different: float = 0.15
    """Probability that a view agrees on touching groups of two objects (merged by the segmenter)."""
    dropped: float = 1.0
    """Log-odds against one object of a view that masks one of two groups and leaves the other unmasked."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "same", "different", above=0, below=1)
        check_real(self, "dropped", least=0)

    @property
    def agree(self) -> float:
        """Log-odds that an agreeing view adds."""
        return float(np.log(self.same / self.different))

    @property
    def disagree(self) -> float:
        """Log-odds that a disagreeing view adds; negative."""
        return float(np.log((1 - self.same) / (1 - self.different)))


@dataclass(frozen=True, eq=False)
class PairWords:
    """What all views together say of pairs of groups."""

    weight: Float64[ndarray, " pairs"]
    """sum_v r_i r_j s_i s_j: how much views have to say of masks that both lie in; about a number of views."""
    agreeing: Float64[ndarray, " pairs"]
    """The same times the agreement a: the part of `weight` in which views put both into one mask."""
    clear: Float64[ndarray, " pairs"]
    """The part of `weight` of views whose agreement is above `CLEAR`: both lie in one mask and nearly whole."""
    dropped: Float64[ndarray, " pairs"]
    """sum_v r_i r_j (d_i (1 - d_j) + (1 - d_i) d_j): the weight of views that drop one of the two."""
    dropped_together: Float64[ndarray, " pairs"]
    """sum_v r_i r_j (1 - d_i) (1 - d_j): the weight of views that drop both."""
    size_ratio: Float64[ndarray, " pairs"]
    """Light of the smaller group over that of the larger."""

    def log_odds(self, odds: Odds) -> Float64[ndarray, " pairs"]:
        """Evidence, summed over views, that the two groups of each pair are one object."""
        disagreeing = self.weight - self.agreeing
        return self.agreeing * odds.agree + disagreeing * odds.disagree - self.dropped * odds.dropped


class GroupEvidence:
    """What views say of groups that are being merged, kept ready for comparison; changed in place by `merge`."""

    def __init__(self, profiles: Profiles, unmasked: Float32[ndarray, "groups views"]) -> None:
        """``profiles``: M above; ``unmasked``: u above. Both are copied."""
        self.first = profiles.first_mask
        self._view_of_mask = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        self.mass = profiles.mass.copy()
        self.view_mass = profiles.view_mass
        self.unmasked = unmasked.copy()
        self.share = np.empty_like(self.mass)
        self.reliability = np.empty_like(self.view_mass)
        self.masked = np.empty_like(self.view_mass)
        self.drawn = np.empty_like(self.view_mass)
        self.light = np.empty(len(self.mass))
        self._refresh(np.arange(len(self.mass)))

    def _refresh(self, rows: Int64[ndarray, " groups"]) -> None:
        view_mass = self.view_mass[rows]
        whole = view_mass + self.unmasked[rows]
        self.share[rows] = self.mass[rows] / np.maximum(view_mass, 1e-9)[:, self._view_of_mask]
        self.reliability[rows] = whole / (whole + HALF_SEEN) * (whole > BARELY_SEEN)
        self.light[rows] = whole.sum(axis=1)
        masked = view_mass / np.maximum(whole, 1e-9)
        self.masked[rows] = masked
        self.drawn[rows] = np.clip((masked - NOT_DRAWN) / (DRAWN - NOT_DRAWN), 0.0, 1.0)

    def merge(self, keep: int, gone: int) -> None:
        """Group ``keep`` takes over group ``gone``; what a view says of it is judged anew."""
        self.mass[keep] += self.mass[gone]
        self.view_mass[keep] += self.view_mass[gone]
        self.unmasked[keep] += self.unmasked[gone]
        self._refresh(np.array([keep]))

    def taken(self, groups: Int64[ndarray, " taken"]) -> "GroupEvidence":
        """The evidence of some of the groups, numbered in the order given."""
        return GroupEvidence(Profiles(self.mass[groups], self.first), self.unmasked[groups])

    def joined(self, label: Int64[ndarray, " groups"]) -> "GroupEvidence":
        """The evidence of unions of groups: those of one label, counted from 0, become one."""
        ones = np.ones(len(label), np.float32)
        union = sp.csr_array((ones, (label, np.arange(len(label)))), shape=(int(label.max(initial=-1)) + 1, len(label)))
        return GroupEvidence(Profiles(union @ self.mass, self.first), union @ self.unmasked)

    def compare(self, one: Int64[ndarray, " pairs"], other: Int64[ndarray, " pairs"]) -> "PairWords":
        """What views say of the two groups of each pair."""
        out = np.empty((5, len(one)))
        tables = (self.first, self.share, self.reliability, self.masked, self.drawn)
        run_all(
            [
                lambda a=a, b=b: _compare(*tables, one, other, out, a, b)
                for a, b in spans(len(one), None if len(one) > FEW_PAIRS else 1)
            ]
        )
        smaller, larger = (pick(self.light[one], self.light[other]) for pick in (np.minimum, np.maximum))
        return PairWords(out[0], out[1], out[2], out[3], out[4], smaller / np.maximum(larger, 1e-12))


FEW_PAIRS = 1024
"""So many pairs are compared before other threads could have begun."""


@njit(nogil=True, cache=True)
def _compare(first, share, reliability, masked, drawn, one, other, out, start, stop):
    for pair in range(start, stop):
        i, j = one[pair], other[pair]
        weight, agreeing, clear, dropped, together = 0.0, 0.0, 0.0, 0.0, 0.0
        for view in range(len(first) - 1):
            seen = reliability[i, view] * reliability[j, view]
            if seen == 0.0:
                continue
            inside, around = 0.0, 0.0
            for m in range(first[view], first[view + 1]):
                p, q = share[i, m], share[j, m]
                inside += q * min(1.0, p / OCCUPIED)
                around += p * min(1.0, q / OCCUPIED)
            both = seen * (masked[i, view] * masked[j, view])
            weight += both
            agreeing += both * max(inside, around)
            if max(inside, around) > CLEAR:
                clear += both
            d, e = drawn[i, view], drawn[j, view]
            dropped += seen * (d * (1.0 - e) + (1.0 - d) * e)
            together += seen * (1.0 - d) * (1.0 - e)
        out[:, pair] = (weight, agreeing, clear, dropped, together)
