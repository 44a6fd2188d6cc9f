"""From evidence to the table of objects: atoms, groups of them, every Gaussian assigned, parts joined, codes nested."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.codebook import Codes
from gsseg.features.evidence import MaskEvidence
from gsseg.objects.agreement import BARELY_SEEN
from gsseg.objects.assignment import AssignmentConfig, assign
from gsseg.objects.atoms import AtomConfig, find_atoms
from gsseg.objects.grouping import GroupingConfig, group_atoms
from gsseg.objects.holes import fill_holes
from gsseg.objects.joining import JoiningConfig, join_objects
from gsseg.objects.nesting import code_owners, nest_codes
from gsseg.objects.pair_facts import CONTACT_NEIGHBOURS, RIM_NEIGHBOURS, evidence_of_groups, joinable
from gsseg.objects.profiles import Profiles, mask_profiles, neighbours
from gsseg.objects.strays import rehome_strays
from gsseg.objects.unmasked import speaking
from gsseg.segmentation import NO_OBJECT, ObjectInfo, Segmentation
from gsseg.segmentation.describe import default_colors, default_name, describe_objects
from gsseg.validation import check_choice

Start = Literal["atoms", "codes"]


@dataclass(frozen=True)
class ObjectConfig:
    """How what masks say becomes objects."""

    start: Start = "atoms"
    """What objects are made of: atoms, or fine codes, as in comparisons with methods whose objects are codes."""
    atoms: AtomConfig = field(default_factory=AtomConfig)
    """How large atoms are."""
    grouping: GroupingConfig = field(default_factory=GroupingConfig)
    """Which atoms are one object."""
    assignment: AssignmentConfig = field(default_factory=AssignmentConfig)
    """Which object a single Gaussian belongs to."""
    joining: JoiningConfig = field(default_factory=JoiningConfig)
    """Which objects were left in two."""

    def __post_init__(self) -> None:
        """ValueError for a start that there is not; the parts check their own."""
        check_choice(self, "start", get_args(Start))


def build_objects(
    evidence: MaskEvidence,
    codes: Codes,
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
    features: Float32[ndarray, "gaussians dim"],
    config: ObjectConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
    ahead: Callable[[], Int64[ndarray, "gaussians neighbours"]] | None = None,
) -> Segmentation:
    """Objects, with codes made to nest inside them and the features of both.

    ``ahead``: hands over what `nearest` found, where somebody has had it searched before.

    Unless ``config.start`` says so, codes have no say in what is an object. A Gaussian whose object is not its code's
    takes the nearest fine code of its object, so an object is a union of whole fine codes and all Gaussians of a code
    stay bit-identical.
    """
    fine = codes.fine.numpy()
    progress(0, 2)
    near = nearest(means, config) if ahead is None else ahead()
    parts = fine if config.start == "codes" else None
    assigned = find_objects(evidence, means, colors, near, config, parts)
    progress(1, 2)
    owner = code_owners(assigned, fine, evidence.visibility, len(codes.fine_codebook))
    ids = largest_first(np.where(np.isin(assigned, owner), assigned, NO_OBJECT))
    owner = code_owners(ids, fine, evidence.visibility, len(codes.fine_codebook))
    nested = nest_codes(codes, owner, ids, features)
    table = _table(evidence, ids, nested.fine.numpy(), means)
    progress(2, 2)
    return Segmentation(
        object_ids=ids.astype(np.int32),
        code_coarse=nested.coarse.numpy().astype(np.int32),
        code_fine=nested.fine.numpy().astype(np.int32),
        discrete=nested.features().numpy(),
        learnt=features.astype(np.float32),
        objects=table,
    )


def find_objects(
    evidence: MaskEvidence,
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
    near: Int64[ndarray, "gaussians neighbours"],
    config: ObjectConfig,
    parts: Int64[ndarray, " gaussians"] | None = None,
) -> Int64[ndarray, " gaussians"]:
    """Object of every Gaussian, before any code is nested, -1 = none; ``near``: of `nearest`.

    ``parts``: what objects are made of instead of atoms, negative for Gaussians of none.
    """
    spoken = speaking(evidence, np.ascontiguousarray(near[:, :RIM_NEIGHBOURS]))
    if parts is None:
        parts = find_atoms(evidence, spoken, near[:, :CONTACT_NEIGHBOURS], means, colors, config.atoms)
    grouped = group_gaussians(evidence, spoken, parts, near, config.grouping)
    parted = assign_objects(evidence, grouped, near, means, colors, config.assignment)
    joined = join_parts(evidence, spoken, parted, near, means, config.joining)
    assigned = assign_objects(evidence, joined, near, means, colors, config.assignment)
    return fill_holes(evidence, assigned, near[:, :RIM_NEIGHBOURS], means)


def nearest(means: Float32[ndarray, "gaussians 3"], config: ObjectConfig) -> Int64[ndarray, "gaussians neighbours"]:
    """One neighbour search serves all: which atoms touch, what is a rim, and who votes along in the assignment."""
    return neighbours(means, max(config.assignment.neighbours, RIM_NEIGHBOURS))


def group_gaussians(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    atoms: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    config: GroupingConfig,
) -> Int64[ndarray, " gaussians"]:
    """Group of every Gaussian that has an atom; see `gsseg.objects.grouping`."""
    if atoms.max() < 0:
        return atoms
    of_atom = group_atoms(*evidence_of_groups(evidence, spoken, atoms, near, int(atoms.max()) + 1), config)
    return np.where(atoms >= 0, of_atom[np.maximum(atoms, 0)], NO_OBJECT)


def assign_objects(
    evidence: MaskEvidence,
    groups: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
    config: AssignmentConfig,
) -> Int64[ndarray, " gaussians"]:
    """Every Gaussian to an object, from groups that most of the Gaussians have; numbered from 0, the largest first.

    Slivers would be classes of their own in the assignment and draw their neighbours in: they go before it, and those
    that it leaves go after it. So do strays.
    """
    near = np.ascontiguousarray(near[:, : config.neighbours])
    start = largest_first(without_slivers(evidence, groups))
    assigned = rehome_strays(assign(evidence, start, near, colors, config), near, means, evidence.visibility)
    return largest_first(without_slivers(evidence, assigned))


def join_parts(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    config: JoiningConfig,
) -> Int64[ndarray, " gaussians"]:
    """Objects that were left in two become one; see `gsseg.objects.joining`."""
    if objects.max() < 0:
        return objects
    whole = join_objects(*joinable(evidence, spoken, objects, near, means), config)
    return np.where(objects >= 0, whole[np.maximum(objects, 0)], NO_OBJECT)


def without_slivers(evidence: MaskEvidence, objects: Int64[ndarray, " gaussians"]) -> Int64[ndarray, " gaussians"]:
    """Gives up objects that own no mask: in every view something else fills most of each mask they lie in.

    Such a group is a rim of another object that the masks did not reach. Its Gaussians become unknown (-1).
    """
    if objects.max() < 0:
        return objects
    profiles = mask_profiles(evidence, objects, int(objects.max()) + 1)
    # Whoever fills most of a mask owns it; one mask in one view is enough, for small things are often seen once.
    owner = profiles.mass.argmax(axis=0)
    real = profiles.mass.max(axis=0) > BARELY_SEEN
    owns = np.zeros(len(profiles.mass), bool)
    owns[owner[real]] = True
    return np.where((objects >= 0) & owns[np.maximum(objects, 0)], objects, NO_OBJECT)


def largest_first(objects: Int64[ndarray, " gaussians"]) -> Int64[ndarray, " gaussians"]:
    """Renumbers from 0 by falling number of Gaussians; empty numbers vanish."""
    if objects.max() < 0:
        return objects
    counts = np.bincount(objects[objects >= 0])
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(counts), np.int64)
    rank[order] = np.arange(len(counts))
    return np.where(objects >= 0, rank[np.maximum(objects, 0)], NO_OBJECT)


def _table(
    evidence: MaskEvidence,
    ids: Int64[ndarray, " gaussians"],
    fine: Int64[ndarray, " gaussians"],
    means: Float32[ndarray, "gaussians 3"],
) -> list[ObjectInfo]:
    """The table of objects."""
    count = int(ids.max()) + 1
    if count == 0:
        return []
    profiles = mask_profiles(evidence, ids, count)
    return describe_objects(
        ids,
        fine,
        means,
        names=[default_name(k) for k in range(count)],
        colors=default_colors(count),
        views=(profiles.view_mass > BARELY_SEEN).sum(axis=1).tolist(),
        agreement=hold_together(profiles).tolist(),
    )


def hold_together(profiles: Profiles) -> Float32[ndarray, " groups"]:
    """Agreement score in [0, 1]: share of the object's light, mean over views by mass, that falls into one mask."""
    largest = np.maximum.reduceat(profiles.mass, profiles.first_mask[:-1], axis=1)
    return largest.sum(axis=1) / np.maximum(profiles.view_mass.sum(axis=1), 1e-9)
