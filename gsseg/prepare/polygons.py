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
    mask = Image.new("L", (width, height))
    for polygon in polygons:
        single = Image.new("L", (width, height))
        points = [(_whole(x), _whole(y)) for x, y in polygon]
        draw = ImageDraw.Draw(single)
        if len(points) > 2:
            draw.polygon(points, fill=1)
        if points:
            # The border of a thin part may hold pixels whose centres the inside does not.
            draw.line([*points, points[0]], fill=1)
        mask.paste(1, mask=single.point([0] + [255] * 255))
    return np.asarray(mask) > 0


def _whole(value: float) -> int:
    return int(max(-LARGEST, min(value, LARGEST)))
