"""From codes to the table of objects: group, assign every Gaussian, join and assign again, keep the hierarchy whole."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from gsseg.clustering.nearest import nearest_codes_in_blocks
from gsseg.codebook import Codes
from gsseg.features.evidence import MaskEvidence
from gsseg.objects.agreement import BARELY_SEEN, GroupEvidence
from gsseg.objects.assignment import AssignmentConfig, assign
from gsseg.objects.grouping import GroupingConfig, group_codes
from gsseg.objects.holes import fill_holes
from gsseg.objects.joining import JoiningConfig, join_objects
from gsseg.objects.profiles import Profiles, mask_profiles, neighbours, touching
from gsseg.objects.strays import rehome_strays
from gsseg.objects.unmasked import unmasked_light
from gsseg.segmentation import NO_OBJECT, ObjectInfo, Segmentation
from gsseg.segmentation.describe import default_colors, default_name, describe_objects


@dataclass(frozen=True)
class ObjectConfig:
    """How codes become objects."""

    grouping: GroupingConfig = field(default_factory=GroupingConfig)
    """Which codes are one object."""
    assignment: AssignmentConfig = field(default_factory=AssignmentConfig)
    """Which object a single Gaussian belongs to."""
    joining: JoiningConfig = field(default_factory=JoiningConfig)
    """Which objects were left in two."""


CONTACT_NEIGHBOURS, RIM_NEIGHBOURS = 8, 12
"""Neighbours of a Gaussian that say which groups touch, and whether it lies on the rim of a mask."""


def build_objects(
    evidence: MaskEvidence,
    codes: Codes,
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
    features: Float32[ndarray, "gaussians dim"],
    config: ObjectConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Segmentation:
    """Objects, with codes made to nest inside them and the features of both.

    A Gaussian whose object is not its code's takes the nearest fine code of its object, so an object is a union
    of whole fine codes and all Gaussians of a code stay bit-identical.
    """
    fine = codes.fine.numpy()
    count = len(codes.fine_codebook)
    progress(0, 3)
    # One neighbour search serves both: grouping asks which codes touch, the assignment who votes along.
    near = neighbours(means, max(config.assignment.neighbours, RIM_NEIGHBOURS))
    of_code = group_codes(*evidence_of_groups(evidence, fine, near, count), config.grouping)
    grouped = np.where(fine >= 0, of_code[np.maximum(fine, 0)], NO_OBJECT)
    progress(1, 3)
    parted = assign_objects(evidence, grouped, near, colors, config.assignment)
    joined = join_parts(evidence, parted, near, config.joining)
    assigned = assign_objects(evidence, joined, near, colors, config.assignment)
    assigned = fill_holes(evidence, assigned, near[:, :RIM_NEIGHBOURS], means)
    progress(2, 3)
    # A code goes to the object that holds most of its light. An object that gets no code at all could not be told from
    # its neighbours by its codes, so it is given up, and owners are found once more among those that are left.
    owner = _code_owners(assigned, fine, evidence.visibility, count)
    ids = _largest_first(np.where(np.isin(assigned, owner[owner >= 0]), assigned, NO_OBJECT))
    owner = _code_owners(ids, fine, evidence.visibility, count)
    nested = nest_codes(codes, owner, ids, features)
    table = _table(evidence, ids, nested.fine.numpy(), means)
    progress(3, 3)
    return Segmentation(
        object_ids=ids.astype(np.int32),
        code_coarse=nested.coarse.numpy().astype(np.int32),
        code_fine=nested.fine.numpy().astype(np.int32),
        discrete=nested.features().numpy(),
        learnt=features.astype(np.float32),
        objects=table,
    )


def evidence_of_groups(
    evidence: MaskEvidence,
    groups: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    count: int,
) -> tuple[GroupEvidence, Bool[ndarray, "groups groups"]]:
    """What the views say of groups of Gaussians, and which of them touch."""
    unmasked = unmasked_light(evidence, groups, near[:, :RIM_NEIGHBOURS], count)
    said = GroupEvidence(mask_profiles(evidence, groups, count), unmasked)
    return said, touching(near[:, :CONTACT_NEIGHBOURS], groups, count)


def assign_objects(
    evidence: MaskEvidence,
    groups: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    colors: Float32[ndarray, "gaussians 3"],
    config: AssignmentConfig,
) -> Int64[ndarray, " gaussians"]:
    """Every Gaussian to an object, from groups that most of the Gaussians have; numbered from 0, the largest first.

    Slivers would be classes of their own in the assignment and draw their neighbours in: they go before it, and those
    that it leaves go after it. So do strays.
    """
    near = np.ascontiguousarray(near[:, : config.neighbours])
    start = _largest_first(without_slivers(evidence, groups))
    assigned = rehome_strays(assign(evidence, start, near, colors, config), near, evidence.visibility)
    return _largest_first(without_slivers(evidence, assigned))


def join_parts(
    evidence: MaskEvidence,
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    config: JoiningConfig,
) -> Int64[ndarray, " gaussians"]:
    """Objects that were left in two become one; see `gsseg.objects.joining`."""
    if objects.max() < 0:
        return objects
    whole = join_objects(*evidence_of_groups(evidence, objects, near, int(objects.max()) + 1), config)
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


def _largest_first(objects: Int64[ndarray, " gaussians"]) -> Int64[ndarray, " gaussians"]:
    """Renumbers from 0 by falling number of Gaussians; empty numbers vanish."""
    if objects.max() < 0:
        return objects
    counts = np.bincount(objects[objects >= 0])
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(counts), np.int64)
    rank[order] = np.arange(len(counts))
    return np.where(objects >= 0, rank[np.maximum(objects, 0)], NO_OBJECT)


def _code_owners(ids, fine, visibility, count: int) -> Int64[ndarray, " codes"]:
    """Object of each fine code: the one that holds most of its visible light; -1 for unused codes."""
    both = (fine >= 0) & (ids >= 0)
    if not both.any():
        return np.full(count, NO_OBJECT)
    objects = int(ids.max()) + 1
    # Gaussians that no view sees still count a little, or a code of nothing else would belong to nobody.
    weight = np.bincount(fine[both] * objects + ids[both], visibility[both] + 1e-6, count * objects)
    weight = weight.reshape(count, objects)
    return np.where(weight.max(axis=1) > 0, weight.argmax(axis=1), NO_OBJECT)


def nest_codes(
    codes: Codes,
    owner: Int64[ndarray, " codes"],
    ids: Int64[ndarray, " gaussians"],
    features: Float32[ndarray, "gaussians dim"],
) -> Codes:
    """Moves each Gaussian of an object onto a fine code of that object, the nearest by feature.

    Gaussians without a learnt feature, which is zero, take the object's shortest code. Gaussians without an object
    keep their code.
    """
    fine = codes.fine.numpy().copy()
    size = len(codes.fine_codebook) // len(codes.coarse_codebook)
    book = codes.fine_codebook.numpy()
    stray = np.flatnonzero((ids >= 0) & ((fine < 0) | (owner[np.maximum(fine, 0)] != ids)))
    # Sorted by object, so that each object's codes are compared with its own strays in one call.
    order = stray[np.argsort(ids[stray], kind="stable")]
    for object_id in np.unique(ids[order]):
        rows = order[ids[order] == object_id]
        own = np.flatnonzero(owner == object_id)
        nearest, _ = nearest_codes_in_blocks(features[rows], book[own], np.zeros(len(rows), np.int64), len(own))
        fine[rows] = own[nearest]
    coarse = np.where(fine >= 0, fine // size, codes.coarse.numpy())
    return replace(codes, fine=torch.from_numpy(fine), coarse=torch.from_numpy(coarse))


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
