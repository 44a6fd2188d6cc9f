"""A second segmentation of the same Gaussians beside the one that is open: another run, or this one as it was opened.

Two runs number and colour their objects as they like. Here an object of the other takes the colour of the one of ours
that it is, so that what is the same looks the same, and what differs stands out when one is looked at after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int32, UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.run import Run
from gsseg.segmentation import NO_OBJECT, ObjectInfo
from gsseg.segmentation.table import display_colors

SAME = 0.5
"""Two objects are one where so much of what either holds is of both (intersection over union), or more."""

_UNLIKE = 500
"""Objects that are nobody's take colours from here on, which ours hardly reach."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The other segmentation."""

    title: str
    """What people call it."""
    object_ids: Int32[ndarray, " gaussians"]
    """Its object of each Gaussian, -1 = none."""
    names: Mapping[int, str]
    """Its objects' names, by id."""
    ours: Int32[ndarray, " gaussians"]
    """Object of each Gaussian in the run that is open, as it was opened."""
    our_colors: Mapping[int, tuple[int, int, int]]
    """The colours of those objects."""
    same_ids: bool
    """Whether an id means the same object here and there, however much of it has been edited since."""

    @classmethod
    def of(cls, run: Run, other: Run) -> "Comparison":
        """``other`` beside ``run``; `InputError` where it is not of the same Gaussians."""
        means, others = run.gaussians.means.numpy(), other.gaussians.means.numpy()
        if means.shape != others.shape or not np.array_equal(means, others, equal_nan=True):
            held = f"{len(others)}" if len(means) != len(others) else "other"
            problem = f"holds {held} Gaussians, and {run.path} holds {len(means)}: it is of other splats"
            raise InputError(other.source.opened, problem, "compare runs that were made of the same splats")
        return cls._of_tables(other.path.resolve().name, run, other.object_ids, other.objects, same_ids=False)

    @classmethod
    def as_opened(cls, run: Run) -> "Comparison":
        """The run itself, as it is now."""
        return cls._of_tables("as opened", run, run.object_ids, run.objects, same_ids=True)

    @classmethod
    def _of_tables(
        cls, title: str, run: Run, object_ids: Int32[ndarray, " gaussians"], objects: list[ObjectInfo], same_ids: bool
    ) -> "Comparison":
        colors = {row.id: _three(row.color) for row in run.objects}
        return cls(
            title, object_ids.copy(), {row.id: row.name for row in objects}, run.object_ids.copy(), colors, same_ids
        )

    @cached_property
    def colors(self) -> dict[int, tuple[int, int, int]]:
        """Colour of each of its objects."""
        same = matched(self.object_ids, self.ours)
        unlike = np.round(255 * display_colors(_UNLIKE + len(self.names))[_UNLIKE:]).astype(int)
        own = {each: _three(unlike[place].tolist()) for place, each in enumerate(sorted(self.names))}
        return {each: self.our_colors.get(same[each], own[each]) if each in same else own[each] for each in self.names}

    def painted(self, nobody: tuple[int, int, int]) -> UInt8[ndarray, "gaussians 3"]:
        """Colour of each Gaussian; ``nobody``: of those that belong to no object."""
        palette = np.full((max(self.names, default=NO_OBJECT) + 2, 3), nobody, np.uint8)
        for each, color in self.colors.items():
            palette[each + 1] = color
        return palette[self.object_ids + 1]

    def differs(self, object_ids: Int32[ndarray, " gaussians"]) -> Bool[ndarray, " gaussians"]:
        """Which Gaussians are of another object than here, or of one here and of none there."""
        if self.same_ids:
            return self.object_ids != object_ids
        same = matched(self.object_ids, object_ids)
        there = np.full(int(self.object_ids.max(initial=NO_OBJECT)) + 2, NO_OBJECT - 1)
        there[0] = NO_OBJECT
        for each, ours in same.items():
            there[each + 1] = ours
        return there[self.object_ids + 1] != object_ids

    def shares(self, rows: Bool[ndarray, " gaussians"] | ndarray) -> list[tuple[int, float]]:
        """Its objects that some Gaussians are of, and how much of them each holds, the most first; -1 = none."""
        ids, counts = np.unique(self.object_ids[rows], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return [(int(ids[k]), float(counts[k] / counts.sum())) for k in order]


def matched(one: Int32[ndarray, " gaussians"], other: Int32[ndarray, " gaussians"]) -> dict[int, int]:
    """Object of ``one`` -> the object of ``other`` that it is (`SAME`); each is that of one at most, because two that
    overlap one by half or more of the union are the same two."""
    both = np.flatnonzero((one != NO_OBJECT) & (other != NO_OBJECT))
    if not len(both):
        return {}
    width = int(other.max()) + 1
    pairs, common = np.unique(one[both].astype(np.int64) * width + other[both], return_counts=True)
    left, right = pairs // width, pairs % width
    sizes = [np.bincount(ids[ids != NO_OBJECT]) for ids in (one, other)]
    overlap = common / (sizes[0][left] + sizes[1][right] - common)
    found: dict[int, int] = {}
    taken: set[int] = set()
    for k in np.argsort(-overlap, kind="stable").tolist():  # of two that share one by exactly half, the first
        mine, theirs = int(left[k]), int(right[k])
        if overlap[k] >= SAME and mine not in found and theirs not in taken:
            found[mine] = theirs
            taken.add(theirs)
    return found


def _three(color: list[int]) -> tuple[int, int, int]:
    red, green, blue = color
    return red, green, blue
