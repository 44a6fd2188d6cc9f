"""All that is known of pairs of objects: what the views say, how the two touch, and what is usual in the scene."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from gsseg.features.evidence import MaskEvidence
from gsseg.objects.agreement import GroupEvidence, PairWords
from gsseg.objects.contacts import Contacts, Folds
from gsseg.objects.normals import outward_normals
from gsseg.objects.profiles import mask_profiles, touching
from gsseg.objects.unmasked import unmasked_light

CONTACT_NEIGHBOURS, RIM_NEIGHBOURS = 8, 12
"""Neighbours of a Gaussian that say which groups touch, and whether it lies on the rim of a mask."""

LEAST_WEIGHT = 0.25
"""Weight of views below which nothing is known of a pair, and it stays two."""


@dataclass(frozen=True, eq=False)
class PairFacts:
    """What is known of pairs of objects."""

    words: PairWords
    """What the views say."""
    folds: Folds
    """How they touch."""
    typical_size: float
    """Gaussians of the object that a Gaussian is of, on average."""


class Joinable:
    """Objects that are being joined, kept ready for comparison; changed in place by `merge`."""

    def __init__(self, evidence: GroupEvidence, contacts: Contacts, touch: Bool[ndarray, "objects objects"]) -> None:
        """Takes over the tables; ``touch``: which objects lie against each other, either way round."""
        self.evidence, self.contacts = evidence, contacts
        # What is usual is asked once, before anything is joined: the odds are fitted on objects as they are then.
        sizes = contacts.sizes
        self.typical_size = float(np.square(sizes).sum() / max(sizes.sum(), 1.0))
        words = evidence.compare(*np.nonzero(np.triu(touch | touch.T, 1)))
        known = words.weight >= LEAST_WEIGHT
        self.dropping = float(share_dropped(words)[known].mean()) if known.any() else 0.0

    def merge(self, keep: int, gone: int) -> None:
        """Object ``keep`` takes over object ``gone``."""
        self.evidence.merge(keep, gone)
        self.contacts.merge(keep, gone)

    def compare(self, one: Int64[ndarray, " pairs"], other: Int64[ndarray, " pairs"]) -> PairFacts:
        """What is known of the two objects of each pair."""
        words, folds = self.evidence.compare(one, other), self.contacts.compare(one, other)
        return PairFacts(words, folds, self.typical_size)


def share_dropped(words: PairWords) -> Float64[ndarray, " pairs"]:
    """Share of the views that drop one of the two; half a view of doubt draws it to 0."""
    return words.dropped / (words.weight + words.dropped + 0.5)


def joinable(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
) -> tuple[Joinable, Bool[ndarray, "objects objects"]]:
    """All that is known of objects that may be parts of one, and which of them touch."""
    count = int(objects.max()) + 1
    said, touch = evidence_of_groups(evidence, spoken, objects, near, count)
    normals = outward_normals(evidence, means, near[:, :RIM_NEIGHBOURS])
    contacts = Contacts(objects, count, near[:, :CONTACT_NEIGHBOURS], means, normals)
    return Joinable(said, contacts, touch), touch


def evidence_of_groups(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    groups: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    count: int,
) -> tuple[GroupEvidence, Bool[ndarray, "groups groups"]]:
    """What the views say of groups of Gaussians, and which of them touch."""
    unmasked = unmasked_light(evidence, spoken, groups, count)
    said = GroupEvidence(mask_profiles(evidence, groups, count), unmasked)
    return said, touching(near[:, :CONTACT_NEIGHBOURS], groups, count)
