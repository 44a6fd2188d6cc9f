"""Label Studio's JSON export: polygons and rectangles in percent, and brushes as its own packed runs.

``[{"data": {"image": URL}, "annotations": [{"result": [{"type", "original_width", "original_height", "value"}]}]}]``.
Brushes hold the RGBA picture, of which the last channel is the mask, as a stream of bits. Sources:
labelstud.io/guide/export, and HumanSignal's converter for the bits.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import read_json
from gsseg.io.numbers import real_number
from gsseg.masks.foreign.stack import ForeignPhoto, polygons

_AGAIN = "export the project again as JSON"
_POLYGON, _RECTANGLE, _BRUSH = "polygonlabels", "rectanglelabels", "brushlabels"


def read_label_studio(file: Path) -> list[ForeignPhoto]:
    """Every task with regions; of several annotations of a task the last counts. `InputError` for other files."""
    tasks = read_json(file, _AGAIN)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        raise InputError(file, "is no list of tasks", _AGAIN)
    photos = [photo for row, task in enumerate(tasks) if (photo := _photo(file, row, task)) is not None]
    if not photos:
        raise InputError(file, "holds no task with polygons, rectangles or brushes", _AGAIN)
    return photos


def _photo(file: Path, row: int, task: dict) -> ForeignPhoto | None:
    data, annotations = task["data"], task.get("annotations")
    names = [value for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []
    if not names or not isinstance(annotations, list):
        raise InputError(file, f"task {row} names no image, or has no annotations", _AGAIN)
    results = annotations[-1].get("result") if annotations and isinstance(annotations[-1], dict) else []
    if not isinstance(results, list):
        raise InputError(file, f"task {row}: its result is no list", _AGAIN)
    masks, size = [], (0, 0)
    for number, region in enumerate(results):
        kind = region.get("type") if isinstance(region, dict) else None
        if kind not in (_POLYGON, _RECTANGLE, _BRUSH):
            continue
        where = f"task {row}, region {number}"
        size = tuple(
            int(real_number(file, f"{where}: {key}", region.get(key), _AGAIN, least=1, most=1e5))
            for key in ("original_width", "original_height")
        )
        masks.append(_mask(file, where, kind, region.get("value"), size[0], size[1]))
    # An uploaded file is "/data/upload/1/3f2a9c1b-photo.jpg": its own name follows the first dash.
    name = names[0].rsplit("/", 1)[-1].split("?")[0].split("=")[-1]
    if "/data/upload/" in names[0]:
        name = name.split("-", 1)[-1]
    return ForeignPhoto(name, size[0], size[1], masks) if masks else None


def _mask(
    file: Path, where: str, kind: str, value: Any, width: int, height: int
) -> Callable[[], Bool[ndarray, "height width"]]:
    if not isinstance(value, dict):
        raise InputError(file, f"{where}: has no value", _AGAIN)

    def number(given: Any) -> float:
        return real_number(file, f"{where}: a percentage", given, _AGAIN, least=-1000, most=1000)

    if kind == _POLYGON:
        corners = value.get("points")
        if not isinstance(corners, list) or not all(isinstance(c, list) and len(c) == 2 for c in corners):
            raise InputError(file, f"{where}: its points are no pairs", _AGAIN)
        ring = [(number(x) * width / 100, number(y) * height / 100) for x, y in corners]
        return partial(polygons, [ring], width, height)
    if kind == _RECTANGLE:
        x, y, w, h = (number(value.get(key)) for key in ("x", "y", "width", "height"))
        left, top = x * width / 100, y * height / 100
        right, bottom = (x + w) * width / 100 - 1, (y + h) * height / 100 - 1  # Pillow fills the last pixel, too
        return partial(polygons, [[(left, top), (right, top), (right, bottom), (left, bottom)]], width, height)
    packed = value.get("rle")
    if (
        value.get("format") != "rle"
        or not isinstance(packed, list)
        or not all(type(byte) is int and 0 <= byte < 256 for byte in packed)
    ):
        raise InputError(file, f"{where}: its brush is no list of bytes", _AGAIN)
    return partial(_brush, file, where, np.array(packed, np.uint8), width, height)


def _brush(
    file: Path, where: str, packed: UInt8[ndarray, " bytes"], width: int, height: int
) -> Bool[ndarray, "height width"]:
    try:
        values = unpack_brush(packed, 4 * width * height)
    except ValueError as error:
        raise InputError(file, f"{where}: {error}", _AGAIN) from error
    return values.reshape(height, width, 4)[..., 3] > 127


def unpack_brush(packed: UInt8[ndarray, " bytes"], count: int) -> UInt8[ndarray, " values"]:
    """The values that a stream of bits stands for.

    32 bits: how many values; 5: bits of a value less one; four times 4: lengths of counts in bits less one. Then come
    blocks: 1 bit: a run or single values; 2: which length of a count; the count less one; the value, or as many values.
    ValueError where the stream is of another number of values or ends too early.
    """
    bits = np.unpackbits(packed)
    at = 0

    def take(length: int) -> int:
        nonlocal at
        if at + length > len(bits):
            raise ValueError("its brush ends too early")
        value = int("".join(map(str, bits[at : at + length].tolist())), 2)
        at += length
        return value

    stated, size = take(32), take(5) + 1
    if stated != count or size > 8:
        raise ValueError(f"its brush holds {stated} values of {size} bits, not {count} bytes")
    lengths = [take(4) + 1 for _ in range(4)]
    values, done = np.zeros(count, np.uint8), 0
    while done < count:
        run = take(1)
        end = done + take(lengths[take(2)]) + 1
        if end > count:
            raise ValueError("its brush holds more values than it says")
        values[done:end] = take(size) if run else [take(size) for _ in range(end - done)]
        done = end
    return values
