"""Where groups of Gaussians touch: how much of them does, and how the surface folds there.

Things rest on one another and stand against one another, so two of them mostly meet in a concave fold; parts of one
thing meet where the surface is flat or convex more often (Stein et al. 2014, Object partitioning using local
convexity). A contact is a pair of neighbours i, j of two groups. With normals n and e the unit vector from i to j,

    fold = (n_j - n_i) . e

is negative where the surface is concave, and n_i . n_j says how sharply it bends at all.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

CONCAVE = -0.2
"""Fold below which a contact is concave: normals of nearly flat surfaces are noisy."""


@dataclass(frozen=True, eq=False)
class Folds:
    """How the groups of each pair touch."""

    contacts: Float64[ndarray, " pairs"]
    """Pairs of neighbours that run between the two."""
    concave: Float64[ndarray, " pairs"]
    """Share of them that are concave."""
    cosine: Float64[ndarray, " pairs"]
    """Mean cosine of the angle between the normals of a contact."""
    smaller: Float64[ndarray, " pairs"]
    """Gaussians of the smaller group."""
    larger: Float64[ndarray, " pairs"]
    """Gaussians of the larger group."""


class Contacts:
    """How groups that are being merged touch, kept ready for comparison; changed in place by `merge`."""

    def __init__(
        self,
        groups: Int64[ndarray, " gaussians"],
        count: int,
        near: Int64[ndarray, "gaussians neighbours"],
        means: Float32[ndarray, "gaussians 3"],
        normals: Float32[ndarray, "gaussians 3"],
    ) -> None:
        """``groups``: of each Gaussian, negative for none; ``near``: neighbours that count as contacts."""
        one = np.repeat(np.arange(len(groups)), near.shape[1])
        other = near.reshape(-1)
        between = (groups[one] >= 0) & (groups[other] >= 0) & (groups[one] != groups[other])
        one, other = one[between], other[between]
        step = means[other].astype(np.float64) - means[one]
        step /= np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-30)
        fold = ((normals[other] - normals[one]) * step).sum(axis=1)
        cosine = (normals[other] * normals[one]).sum(axis=1, dtype=np.float64)
        self.sizes = np.bincount(groups[groups >= 0], minlength=count).astype(np.float64)
        self.contacts, self.concave, self.cosine = (
            _between(groups[one], groups[other], of_pair, count)
            for of_pair in (np.ones(len(one)), (fold < CONCAVE).astype(np.float64), cosine)
        )

    def merge(self, keep: int, gone: int) -> None:
        """Group ``keep`` takes over group ``gone`` with all its borders but their common one."""
        for table in (self.contacts, self.concave, self.cosine):
            table[keep] += table[gone]
            table[keep, keep] = table[keep, gone] = 0.0
            table[:, keep] = table[keep]
        self.sizes[keep] += self.sizes[gone]

    def compare(self, one: Int64[ndarray, " pairs"], other: Int64[ndarray, " pairs"]) -> Folds:
        """How the two groups of each pair touch."""
        contacts = self.contacts[one, other]
        some = np.maximum(contacts, 1.0)
        smaller, larger = (pick(self.sizes[one], self.sizes[other]) for pick in (np.minimum, np.maximum))
        return Folds(contacts, self.concave[one, other] / some, self.cosine[one, other] / some, smaller, larger)


def _between(
    one: Int64[ndarray, " contacts"], other: Int64[ndarray, " contacts"], value: Float64[ndarray, " contacts"], n: int
) -> Float64[ndarray, "n n"]:
    """Sums of ``value`` over the contacts of each pair of groups, the same both ways round."""
    table = sp.coo_array((value, (one, other)), shape=(n, n)).toarray()
    return table + table.T
