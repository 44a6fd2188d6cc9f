"""One photo's masks as a foreign file gives them: any number, overlapping or not, collected into a label map.

Coordinates are (x, y) in pixels, the corner of the picture at 0. Smaller masks come to lie on larger ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt16
from numpy import ndarray
from PIL import Image, ImageDraw

from gsseg.errors import InputError
from gsseg.io.picture import check_size

MOST_MASKS = 65535
"""Of a photo: what a label map holds."""


@dataclass(frozen=True)
class ForeignPhoto:
    """The masks of one photo, drawn when they are asked for."""

    name: str
    """The photo as the file calls it: a path, with or without its ending."""
    width: int
    height: int
    masks: Sequence[Callable[[], Bool[ndarray, "height width"]]]
    """Each draws one mask. Hundreds at full size at once would fill the memory."""


def label_map(file: Path, photo: ForeignPhoto) -> UInt16[ndarray, "height width"]:
    """One label a pixel, from 1 by falling size, 0 = none. Masks without a pixel, or wholly under others, go.

    `InputError` for ``file`` where there are more than 65535, or the size is no photo's.
    """
    check_size(file, photo.width, photo.height)
    if len(photo.masks) > MOST_MASKS:
        raise InputError(
            file, f"{photo.name[:60]}: {len(photo.masks)} masks, at most {MOST_MASKS} fit", "leave some out"
        )
    # Twice over the masks: once for their sizes, once to paint, so that one is in memory at a time.
    areas = [int(draw().sum()) for draw in photo.masks]
    labels = np.zeros((photo.height, photo.width), np.int64)
    for label, row in enumerate(np.argsort([-area for area in areas], kind="stable"), 1):
        if areas[row]:
            labels[photo.masks[row]()] = label
    there = np.unique(labels[labels > 0])
    dense = np.zeros(len(photo.masks) + 1, np.uint16)
    dense[there] = np.arange(1, len(there) + 1)
    return dense[labels]


def polygons(rings: Sequence[Sequence[tuple[float, float]]], width: int, height: int) -> Bool[ndarray, "height width"]:
    """The union of filled polygons."""
    picture = Image.new("1", (width, height))
    draw = ImageDraw.Draw(picture)
    for ring in rings:
        if len(ring) >= 3:
            draw.polygon(list(ring), fill=1)
    return np.asarray(picture, bool)


def runs(counts: Sequence[int], width: int, height: int, by_columns: bool) -> Bool[ndarray, "height width"]:
    """Run lengths, of zeros first, of a mask read by columns (COCO) or by rows (CVAT).

    ValueError where they do not add up to the picture.
    """
    lengths = np.asarray(counts, np.int64)
    if (lengths < 0).any() or int(lengths.sum()) != width * height:
        raise ValueError(f"its run lengths add up to {int(lengths.sum())}, not {width} x {height}")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(width, height).T if by_columns else flat.reshape(height, width)
