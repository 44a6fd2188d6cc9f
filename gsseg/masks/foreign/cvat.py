"""CVAT's "for images" XML: polygons, boxes and run-length masks of each image.

``<image name width height><polygon points="x,y;x,y"/><box xtl ytl xbr ybr/><mask rle left top width height/></image>``
Source: docs.cvat.ai, "CVAT for image".
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.io.numbers import real_number
from gsseg.masks.foreign.stack import ForeignPhoto, polygons, runs

MOST_BYTES = 1 << 28
_AGAIN = "export the task again as 'CVAT for images'"


def read_cvat(file: Path) -> list[ForeignPhoto]:
    """Every image with shapes; `InputError` for other files."""
    check_readable(file)
    if file.stat().st_size > MOST_BYTES:
        raise InputError(file, f"is larger than {MOST_BYTES >> 20} MB", "export fewer images at a time")
    content = file.read_bytes()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:  # entities inside entities fill any memory
        raise InputError(file, "declares a document type, which no export has", _AGAIN)
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise InputError(file, f"is no XML ({error})", _AGAIN) from error
    photos = [photo for image in root.iter("image") if (photo := _photo(file, image)) is not None]
    if not photos:
        raise InputError(file, "holds no image with polygons, boxes or masks", _AGAIN)
    return photos


def _photo(file: Path, image: ElementTree.Element) -> ForeignPhoto | None:
    name = image.get("name") or ""
    if not name:
        raise InputError(file, "an image has no name", _AGAIN)
    width, height = (int(_number(file, f"image {name[:60]}", image, key, 1.0, 1e5)) for key in ("width", "height"))
    drawn: list[Callable[[], Bool[ndarray, "height width"]]] = []
    for shape in image:
        where = f"image {name[:60]}, {shape.tag} {len(drawn)}"
        if shape.tag == "polygon":
            drawn.append(partial(polygons, [_points(file, where, shape)], width, height))
        elif shape.tag == "box":
            left, top, right, bottom = (_number(file, where, shape, key) for key in ("xtl", "ytl", "xbr", "ybr"))
            ring = [(left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1)]
            drawn.append(partial(polygons, [ring], width, height))
        elif shape.tag == "mask":
            drawn.append(_mask(file, where, shape, width, height))
    return ForeignPhoto(name, width, height, drawn) if drawn else None


def _mask(
    file: Path, where: str, shape: ElementTree.Element, width: int, height: int
) -> Callable[[], Bool[ndarray, "height width"]]:
    left, top = (int(_number(file, where, shape, key, 0.0)) for key in ("left", "top"))
    w, h = (int(_number(file, where, shape, key, 1.0, 1e5)) for key in ("width", "height"))
    lengths = [part.strip() for part in (shape.get("rle") or "").split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 12 for part in lengths):
        raise InputError(file, f"{where}: its run lengths are no whole numbers", _AGAIN)
    counts = [int(part) for part in lengths]
    if sum(counts) != w * h or left + w > width or top + h > height:
        raise InputError(file, f"{where}: its run lengths or its place do not fit {width} x {height}", _AGAIN)

    def draw() -> Bool[ndarray, "height width"]:
        whole = np.zeros((height, width), bool)
        whole[top : top + h, left : left + w] = runs(counts, w, h, by_columns=False)
        return whole

    return draw


def _points(file: Path, where: str, shape: ElementTree.Element) -> list[tuple[float, float]]:
    ring = []
    for pair in (shape.get("points") or "").split(";"):
        try:
            x, y = (float(number) for number in pair.split(","))
        except ValueError as error:
            raise InputError(file, f"{where}: {pair[:40]!r} is no corner", _AGAIN) from error
        ring.append((_within(file, where, x), _within(file, where, y)))
    return ring


def _number(
    file: Path, where: str, element: ElementTree.Element, key: str, least: float = -1e6, most: float = 1e6
) -> float:
    try:
        value = float(element.get(key) or "")
    except ValueError as error:
        raise InputError(file, f"{where}: its {key} is no number", _AGAIN) from error
    return real_number(file, f"{where}: {key}", value, _AGAIN, least=least, most=most)


def _within(file: Path, where: str, value: float) -> float:
    return real_number(file, f"{where}: a corner", value, _AGAIN, least=-1e6, most=1e6)
