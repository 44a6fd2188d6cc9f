"""Masks looked over before hours are spent on them: how much they cover, how many there are, which photos have none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Int32
from numpy import ndarray
from scipy.ndimage import label

from gsseg.scene import View

LITTLE, FEW, MANY = 0.5, 3, 250
"""Coverage below which, and number of masks below and above which, a view is told of."""

_TINY = 0.0005


@dataclass(frozen=True)
class ViewMasks:
    """The masks of one view."""

    view: str
    """Its name."""
    masks: int
    """How many."""
    covered: float
    """Share of the picture that has one."""
    largest: float
    """Share of the largest."""
    tiny: int
    """Masks below 0.05 % of the picture."""
    torn: int
    """Masks of which less than 80 % hang together: noise of a colour map that was resized, or one label for two."""


@dataclass(frozen=True)
class MasksCheck:
    """The masks of a scene."""

    views: list[ViewMasks]
    """Those that have masks, by name."""
    without: list[str]
    """Views that have none."""

    def problems(self) -> list[tuple[str, list[str]]]:
        """What a user should look at, in words, and the views that have it."""
        found = (
            (f"less than {LITTLE:.0%} of the picture has a mask", [v.view for v in self.views if v.covered < LITTLE]),
            (f"fewer than {FEW} masks", [v.view for v in self.views if v.masks < FEW]),
            (f"more than {MANY} masks: is it a photo, or was a colour map resized?",
             [v.view for v in self.views if v.masks > MANY]),
            ("masks in pieces: was a label map resized with smoothing?",
             [v.view for v in self.views if v.torn > 0.5 * v.masks]),
        )  # fmt: skip
        return [(problem, names) for problem, names in found if names]

    def remarks(self) -> list[str]:
        """The same, a line each."""
        return [f"{len(names)} views, e.g. {names[0]}: {problem}" for problem, names in self.problems()]

    def values(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def check_masks(views: Sequence[View]) -> MasksCheck:
    """Numbers of every view, at the size of its camera."""
    return MasksCheck(
        [_measure(view) for view in views if view.labels is not None],
        [view.name for view in views if view.labels is None],
    )


def _measure(view: View) -> ViewMasks:
    assert view.labels is not None
    labels = view.labels.astype(np.int64)
    areas = np.bincount(labels.ravel())
    masks = areas[1:]
    # All masks are taken apart at once: where neighbours differ, a seam of one pixel parts them.
    seams = np.zeros(labels.shape, bool)
    seams[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    seams[1:] |= labels[1:] != labels[:-1]
    parts: Int32[ndarray, "height width"] = np.zeros(labels.shape, np.int32)
    label((labels > 0) & ~seams, output=parts)
    of_part = np.zeros(int(parts.max()) + 1, np.int64)
    of_part[parts.ravel()] = labels.ravel()
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    largest, whole = np.zeros(len(areas), np.int64), np.zeros(len(areas), np.int64)
    np.maximum.at(largest, of_part, sizes)
    np.add.at(whole, of_part, sizes)
    torn = int((largest[1:] < 0.8 * whole[1:]).sum())
    share = masks / labels.size
    return ViewMasks(
        view.name, int((masks > 0).sum()), float(share.sum()), float(share.max(initial=0)),
        int((share < _TINY).sum()), torn,
    )  # fmt: skip
