"""Do two groups of Gaussians lie in the same mask? View by view, as log-odds.

In view v group i falls on mask m with share p_i(m). A segmenter splits objects and merges neighbours, so shares
are compared by containment and not by equality: j agrees with i as far as j lies in masks that i occupies,

    agreement_v(i, j) = max( sum_m p_j(m) min(1, p_i(m) / h),  sum_m p_i(m) min(1, p_j(m) / h) ),    h = 1/2,

so a part that lies wholly in one piece of a split object agrees with it. With `same` and `different` the
probabilities that a view agrees if the two are, or are not, one object, the view adds

    agreement log(same / different) + (1 - agreement) log((1 - same) / (1 - different)),

weighted by how well the view sees both. This is the view consensus of MaskClustering (Yan et al. 2024) turned
into evidence that adds up: two views weigh less than twenty.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.objects.profiles import Profiles
from gsseg.validation import check_real

OCCUPIED = 0.5
"""Share of a group in a mask from which on the group counts as filling its part of it (h above)."""

HALF_SEEN = 2.0
"""Mass (pixels' worth of light) of a group in a view at which the view's word counts half."""

BARELY_SEEN = 0.5
"""Mass below which a view has nothing to say of a group."""


@dataclass(frozen=True)
class Odds:
    """How much an agreeing and a disagreeing view say."""

    same: float = 0.88
    """Probability that a view agrees on two groups of one object (not split between them)."""
    different: float = 0.15
    """Probability that a view agrees on touching groups of two objects (merged by the segmenter)."""

    def __post_init__(self) -> None:
        """ValueError unless both are probabilities that leave room for doubt."""
        check_real(self, "same", "different", above=0, below=1)

    @property
    def agree(self) -> float:
        """Log-odds that an agreeing view adds."""
        return float(np.log(self.same / self.different))

    @property
    def disagree(self) -> float:
        """Log-odds that a disagreeing view adds; negative."""
        return float(np.log((1 - self.same) / (1 - self.different)))


class GroupEvidence:
    """The profiles of groups that are being merged, kept ready for comparison; changed in place by `merge`."""

    def __init__(self, profiles: Profiles) -> None:
        self.first = profiles.first_mask
        self._view_of_mask = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        self.mass = profiles.mass.copy()
        self.view_mass = profiles.view_mass
        self.share = np.empty_like(self.mass)
        self.occupied = np.empty_like(self.mass)
        self.reliability = np.empty_like(self.view_mass)
        self._refresh(np.arange(len(self.mass)))

    def _refresh(self, rows: Int64[ndarray, " groups"]) -> None:
        view_mass = self.view_mass[rows]
        self.share[rows] = self.mass[rows] / np.maximum(view_mass, 1e-9)[:, self._view_of_mask]
        self.occupied[rows] = np.minimum(1.0, self.share[rows] / OCCUPIED)
        self.reliability[rows] = view_mass / (view_mass + HALF_SEEN) * (view_mass > BARELY_SEEN)

    def merge(self, keep: int, gone: int) -> None:
        """Group ``keep`` takes over group ``gone``; what a view says of it is judged anew."""
        self.mass[keep] += self.mass[gone]
        self.view_mass[keep] += self.view_mass[gone]
        self._refresh(np.array([keep]))

    def agreement(
        self, one: int, others: Int64[ndarray, " others"]
    ) -> tuple[Float32[ndarray, "others views"], Float32[ndarray, "others views"]]:
        """Agreement of one group with others in every view, and the weight of the view's word."""
        inside = np.add.reduceat(self.share[others] * self.occupied[one], self.first[:-1], axis=1)
        around = np.add.reduceat(self.occupied[others] * self.share[one], self.first[:-1], axis=1)
        return np.maximum(inside, around), self.reliability[others] * self.reliability[one]

    def log_odds(self, one: int, others: Int64[ndarray, " others"], odds: Odds) -> Float32[ndarray, " others"]:
        """Evidence, summed over views, that one group and each of the others are one object."""
        agreement, weight = self.agreement(one, others)
        return (weight * (odds.disagree + agreement * (odds.agree - odds.disagree))).sum(axis=1)
