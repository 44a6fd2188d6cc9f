"""Polygons with vertices at pixels, filled as OpenCV's ``fillPoly`` does: even-odd, their outline included."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from PIL import Image, ImageDraw

LARGEST = 1 << 20
"""Pixels from the picture's corner to which vertices are cut; farther ones change nothing that is seen."""


def fill_polygons(
    polygons: Iterable[Sequence[tuple[float, float]]], width: int, height: int
) -> Bool[ndarray, "height width"]:
    """Pixels of any of the polygons, each a list of (x, y).

    Coordinates lose their fraction as in LangSplat's evaluation, whose masks are those of published scores. Fewer than
    three vertices are a line or a pixel, as they are to ``fillPoly``.
    """
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        corners = np.array([(_whole(x), _whole(y)) for x, y in polygon], np.int64).reshape(-1, 2)
        # Drawn in its own box: a frame of many small polygons must not cost its size for each of them.
        low = np.clip(corners.min(axis=0, initial=LARGEST), 0, (width, height))
        high = np.clip(corners.max(axis=0, initial=-LARGEST) + 1, 0, (width, height))
        if (high <= low).any():
            continue
        single = Image.new("1", tuple((high - low).tolist()))
        points = [(int(x), int(y)) for x, y in corners - low]
        draw = ImageDraw.Draw(single)
        if len(points) > 2:
            draw.polygon(points, fill=1)
        # The border of a thin part may hold pixels whose centres the inside does not.
        draw.line([*points, points[0]], fill=1)
        mask[low[1] : high[1], low[0] : high[0]] |= np.asarray(single, bool)
    return mask


def _whole(value: float) -> int:
    return int(max(-LARGEST, min(value, LARGEST)))
