"""Masks looked over before hours are spent on them: how much they cover, how many there are, which photos have none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Int32, UInt8
from numpy import ndarray
from PIL import Image
from scipy.ndimage import label

from gsseg.io.photos import read_photo
from gsseg.scene import View
from gsseg.segmentation.describe import default_colors

LITTLE, FEW, MANY = 0.5, 3, 250
"""Coverage below which, and number of masks below and above which, a view is told of."""

CELL, MOST_CELLS, COLUMNS = 240, 48, 4
"""Contact sheet: pixels of a cell's longer side, views on it, and in a row."""

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

    def remarks(self) -> list[str]:
        """What a user should look at, in words."""
        lines = []
        for problem, names in (
            (f"less than {LITTLE:.0%} of the picture has a mask", [v.view for v in self.views if v.covered < LITTLE]),
            (f"fewer than {FEW} masks", [v.view for v in self.views if v.masks < FEW]),
            (f"more than {MANY} masks: is it a photo, or was a colour map resized?",
             [v.view for v in self.views if v.masks > MANY]),
            ("masks in pieces: was a label map resized with smoothing?",
             [v.view for v in self.views if v.torn > 0.5 * v.masks]),
        ):  # fmt: skip
            if names:
                lines.append(f"{len(names)} views, e.g. {names[0]}: {problem}")
        return lines

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


def contact_sheet(views: Sequence[View]) -> UInt8[ndarray, "height width 3"]:
    """Photos with their masks in colours over them, `MOST_CELLS` views evenly chosen."""
    chosen = [views[k] for k in np.unique(np.linspace(0, len(views) - 1, min(len(views), MOST_CELLS)).astype(int))]
    cells = [_cell(view) for view in chosen]
    height, width = max(cell.shape[0] for cell in cells), max(cell.shape[1] for cell in cells)
    rows = -(-len(cells) // COLUMNS)
    sheet = np.full((rows * (height + 4), min(COLUMNS, len(cells)) * (width + 4), 3), 24, np.uint8)
    for k, cell in enumerate(cells):
        top, left = k // COLUMNS * (height + 4) + 2, k % COLUMNS * (width + 4) + 2
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return sheet


def _cell(view: View) -> UInt8[ndarray, "height width 3"]:
    """Photo above, masks over its greys below."""
    camera = view.camera
    shrink = CELL / max(camera.width, camera.height)
    size = max(1, round(camera.width * shrink)), max(1, round(camera.height * shrink))
    shown = np.zeros((camera.height, camera.width, 3), np.uint8) if view.photo is None else read_photo(view)
    photo = np.asarray(Image.fromarray(shown).resize(size, Image.Resampling.BOX))
    grey = photo.mean(axis=2, keepdims=True).repeat(3, 2)
    if view.labels is None:
        return np.concatenate([photo, (grey * 0.5).astype(np.uint8)])
    labels = np.asarray(Image.fromarray(view.labels.astype(np.int32)).resize(size, Image.Resampling.NEAREST))
    colors = np.array([[0, 0, 0], *default_colors(int(labels.max()))], np.float64).reshape(-1, 3)[labels]
    border = np.zeros(labels.shape, bool)
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    border[1:] |= labels[1:] != labels[:-1]
    masked = np.where((labels > 0)[..., None], 0.35 * grey + 0.65 * colors, 0.5 * grey)
    masked[border] = 255
    return np.concatenate([photo, masked.astype(np.uint8)])
