"""Profiles: for a group of Gaussians, how its light falls on the masks of every view.

A profile is one row of R^T A^T, where R maps Gaussians to groups: a dense (groups, rows) table, small because
groups are atoms or objects, never Gaussians.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int32, Int64
from numpy import ndarray
from scipy.spatial import KDTree

from gsseg.features.evidence import MaskEvidence
from gsseg.objects.profiles_on_device import group_mass_on_device


@dataclass(frozen=True, eq=False)
class Profiles:
    """Mass of each group in each mask, and the view of each mask."""

    mass: Float32[ndarray, "groups masks"]
    """Blending weight of the group's Gaussians that say "I am in this mask"."""
    first_mask: Int32[ndarray, " edges"]
    """Masks of view v are columns ``first_mask[v]:first_mask[v + 1]``; every view has at least one."""

    @property
    def view_mass(self) -> Float32[ndarray, "groups views"]:
        """Mass of each group in the masks of each view."""
        return np.add.reduceat(self.mass, self.first_mask[:-1], axis=1)


def group_mass(
    evidence: MaskEvidence, groups: Int64[ndarray, " gaussians"], count: int
) -> Float32[ndarray, "groups rows"]:
    """Mass of each group in every row of the evidence, unmasked pixels included; a negative group is left out."""
    if evidence.tensors is not None:
        return group_mass_on_device(evidence.tensors, groups, count)
    mass = sp.csr_array(evidence.matrix @ indicator(groups, count))
    return np.ascontiguousarray(mass.toarray().T, np.float32)


def indicator(groups: Int64[ndarray, " gaussians"], count: int) -> sp.csr_array:
    """(gaussians, groups) 1 where a Gaussian is of a group; a negative group is left out."""
    member = np.flatnonzero(groups >= 0)
    ones = np.ones(len(member), np.float32)
    return sp.csr_array((ones, (member, groups[member])), shape=(len(groups), count))


def mask_profiles(evidence: MaskEvidence, groups: Int64[ndarray, " gaussians"], count: int) -> Profiles:
    """The part of `group_mass` that speaks of masks; views without a mask drop out."""
    mask = evidence.row_label > 0
    _, first = np.unique(evidence.row_view[mask], return_index=True)
    edges = np.append(first, mask.sum()).astype(np.int32)
    return Profiles(np.ascontiguousarray(group_mass(evidence, groups, count)[:, mask]), edges)


def neighbours(means: Float32[ndarray, "gaussians 3"], count: int) -> Int64[ndarray, "gaussians neighbours"]:
    """Indices of the nearest Gaussians of each Gaussian by centre, nearest first; the Gaussian itself is left out."""
    count = min(count, len(means) - 1)
    if count < 1:
        return np.zeros((len(means), 0), np.int64)
    found = np.asarray(KDTree(means).query(means, count + 1, workers=-1)[1])
    # Where several centres coincide, the Gaussian itself need not come first.
    own = found == np.arange(len(means))[:, None]
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(means), count)


def touching(
    near: Int64[ndarray, "gaussians neighbours"], groups: Int64[ndarray, " gaussians"], count: int
) -> Bool[ndarray, "groups groups"]:
    """Which groups lie against each other: more than `FEWEST_CONTACTS` neighbour pairs run between them."""
    a = np.repeat(groups, near.shape[1])
    b = groups[near].reshape(-1)
    both = (a >= 0) & (b >= 0)
    contacts = sp.coo_array((np.ones(both.sum(), np.int32), (a[both], b[both])), shape=(count, count)).toarray()
    return contacts + contacts.T > FEWEST_CONTACTS


FEWEST_CONTACTS = 3
"""This many neighbour pairs or fewer are stray Gaussians, not a common border."""
