"""Instances over vertices: average precision as ScanNet's benchmark script defines it, and the IoU of the best match.

Both are class-agnostic here: all instances are of one class. Every vertex counts. An object pays for each of its
vertices that no instance holds; only an object most of which lies there is not held to be a false one.
Source: ScanNet, ``BenchmarkScripts/3d_evaluation/evaluate_semantic_instance.py``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, Integer
from numpy import ndarray

MIN_VERTICES = 100
"""Smaller instances are not asked for, smaller objects not looked at."""
THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(9))
"""IoU from which on a match counts, for AP: 0.50 to 0.90, as ``numpy.arange(0.5, 0.95, 0.05)`` in the script."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """How objects and instances lie over each other; rows of either stand for ids in ascending order."""

    instance_ids: Int64[ndarray, " instances"]
    """Ids of the truth."""
    instance_sizes: Int64[ndarray, " instances"]
    """Vertices."""
    object_sizes: Int64[ndarray, " objects"]
    """Vertices, those of no instance included."""
    unlabelled: Int64[ndarray, " objects"]
    """Vertices of each object that are of no instance."""
    instance: Int64[ndarray, " pairs"]
    """Row of the instance of each pair that shares a vertex."""
    object: Int64[ndarray, " pairs"]
    """Row of its object."""
    common: Int64[ndarray, " pairs"]
    """Vertices that they share."""

    @property
    def iou(self) -> Float64[ndarray, " pairs"]:
        """Of each pair."""
        union = self.instance_sizes[self.instance] + self.object_sizes[self.object] - self.common
        return self.common / union


def overlaps(object_ids: Integer[ndarray, " vertices"], instances: Integer[ndarray, " vertices"]) -> Overlaps:
    """Counts objects (negative = none) and instances (negative = none) over the same vertices."""
    mine, theirs = object_ids >= 0, instances >= 0
    objects, o = np.unique(object_ids[mine], return_inverse=True)
    ids, g = np.unique(instances[theirs], return_inverse=True)
    object_rows, instance_rows = np.full(len(mine), -1), np.full(len(mine), -1)
    object_rows[mine], instance_rows[theirs] = o, g
    both, count = mine & theirs, max(1, len(ids))
    pairs, common = np.unique(object_rows[both] * count + instance_rows[both], return_counts=True)
    return Overlaps(
        ids.astype(np.int64),
        np.bincount(g, minlength=len(ids)).astype(np.int64),
        np.bincount(o, minlength=len(objects)).astype(np.int64),
        np.bincount(object_rows[mine & ~theirs], minlength=len(objects)).astype(np.int64),
        (pairs % count).astype(np.int64),
        (pairs // count).astype(np.int64),
        common.astype(np.int64),
    )


def best_match_iou(found: Overlaps, min_vertices: int = MIN_VERTICES) -> dict[int, float]:
    """Instance id -> IoU of the object that fits it best, of instances of enough vertices; 0 where none touches it."""
    best = np.zeros(len(found.instance_ids))
    np.maximum.at(best, found.instance, found.iou)
    large = found.instance_sizes >= min_vertices
    return {int(i): float(value) for i, value in zip(found.instance_ids[large], best[large], strict=True)}


def average_precision(found: Overlaps, threshold: float, min_vertices: int = MIN_VERTICES) -> float:
    """Area under the curve of precision over recall, all objects being equally sure; ValueError without an instance.

    An instance takes the objects that cover it by more than ``threshold`` IoU: the first of them is right, and no other
    instance may have it; the others are wrong. An object that covers no instance so is wrong, unless more than
    ``threshold`` of it lies where nothing is labelled or where instances are too small to be asked for. With equal
    confidence the curve has one point (recall r, precision p) besides the script's artificial (0, 1), and its rule for
    the area gives r (1 + p) / 2.
    """
    large, looked_at = found.instance_sizes >= min_vertices, found.object_sizes >= min_vertices
    if not large.any():
        raise ValueError(f"no instance has {min_vertices} vertices")
    if not looked_at.any():
        return 0.0
    right, wrong = _matched(found, large, looked_at, threshold)
    wrong += _left_over(found, large, looked_at, threshold)
    missed = int(large.sum()) - right
    if right + wrong == 0:  # every object was excused, and the script's curve has no point but the artificial one
        return 0.0
    precision, recall = right / (right + wrong), right / (right + missed)
    return recall * (1 + precision) / 2


def mean_average_precision(found: Overlaps, min_vertices: int = MIN_VERTICES) -> float:
    """Mean of `average_precision` over `THRESHOLDS`."""
    return float(np.mean([average_precision(found, threshold, min_vertices) for threshold in THRESHOLDS]))


def _matched(
    found: Overlaps, large: Bool[ndarray, " instances"], looked_at: Bool[ndarray, " objects"], threshold: float
) -> tuple[int, int]:
    """How many instances have an object, and how many objects come second to one."""
    iou = found.iou
    hits = np.flatnonzero((iou > threshold) & large[found.instance] & looked_at[found.object])
    # The script goes by the order of its files; here the better one comes first, so that numbering means nothing.
    hits = hits[np.lexsort((-iou[hits], found.instance[hits]))]
    taken, right, wrong, last = np.zeros(len(looked_at), bool), 0, 0, -1
    for pair in hits:
        if taken[found.object[pair]]:
            continue
        if found.instance[pair] == last:
            wrong += 1
        else:
            right, last = right + 1, found.instance[pair]
            taken[found.object[pair]] = True
    return right, wrong


def _left_over(
    found: Overlaps, large: Bool[ndarray, " instances"], looked_at: Bool[ndarray, " objects"], threshold: float
) -> int:
    """How many objects are wrong because they cover nothing."""
    covers = np.zeros(len(looked_at), bool)
    covers[found.object[found.iou > threshold]] = True
    excused = found.unlabelled.astype(np.float64)
    small = ~large[found.instance]
    np.add.at(excused, found.object[small], found.common[small])
    return int((looked_at & ~covers & (excused / np.maximum(found.object_sizes, 1) <= threshold)).sum())
