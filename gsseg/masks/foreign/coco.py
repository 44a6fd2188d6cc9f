"""COCO's annotation files: polygons, run lengths, and run lengths as text.

``{"images": [{"id", "file_name", "width", "height"}], "annotations": [{"image_id", "segmentation"}]}``; a segmentation
is a list of polygons ``[x0, y0, x1, y1, ...]``, or ``{"size": [height, width], "counts": ...}``. Also SAM's
``<photo>.json``, a list of such annotations without images. Source: cocodataset.org, "Data format".
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from jaxtyping import Bool
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import real_number
from gsseg.io.run_lengths import runs_from_text
from gsseg.masks.foreign.stack import ForeignPhoto, polygons, runs

_AGAIN = "export the annotations again"
_FARTHEST = 1e6


def read_coco(file: Path) -> list[ForeignPhoto]:
    """Every photo of the file that has annotations; `InputError` where it is no such file."""
    content = read_json_object(file, _AGAIN)
    images, annotations = content.get("images"), content.get("annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise InputError(file, "has no lists 'images' and 'annotations'", _AGAIN)
    masks: dict[Any, list[Callable[[], Bool[ndarray, "height width"]]]] = {}
    known = {}
    for image in images:
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
            raise InputError(file, "an image has no 'file_name'", _AGAIN)
        known[_key(image.get("id"))] = image
    for row, annotation in enumerate(annotations):
        if not isinstance(annotation, dict) or _key(annotation.get("image_id")) not in known:
            raise InputError(file, f"annotation {row} is of no image of the file", _AGAIN)
        image = known[_key(annotation["image_id"])]
        drawn = coco_mask(file, f"annotation {row}", annotation.get("segmentation"), *size_of(file, image))
        masks.setdefault(_key(annotation["image_id"]), []).append(drawn)
    return [ForeignPhoto(known[key]["file_name"], *size_of(file, known[key]), drawn) for key, drawn in masks.items()]


def size_of(file: Path, image: dict) -> tuple[int, int]:
    """Width and height that an entry states."""
    where = f"image {str(image.get('file_name'))[:60]}"
    return tuple(int(real_number(file, f"{where}: {key}", image.get(key), _AGAIN, least=1, most=1e5))
                 for key in ("width", "height"))  # fmt: skip  # type: ignore[return-value]


def coco_mask(
    file: Path, where: str, value: Any, width: int, height: int
) -> Callable[[], Bool[ndarray, "height width"]]:
    """What draws a segmentation; `InputError` where it is none. Run lengths are checked at once, drawn later."""
    if isinstance(value, list) and all(isinstance(ring, list) and len(ring) % 2 == 0 for ring in value):
        numbers = [
            [real_number(file, f"{where}: a corner", n, _AGAIN, least=-_FARTHEST, most=_FARTHEST) for n in ring]
            for ring in value
        ]
        return partial(polygons, [list(zip(ring[::2], ring[1::2], strict=True)) for ring in numbers], width, height)
    if not isinstance(value, dict) or value.get("size") != [height, width]:
        raise InputError(file, f"{where}: is neither polygons nor run lengths of {height} x {width}", _AGAIN)
    counts = value.get("counts")
    try:
        lengths = runs_from_text(counts) if isinstance(counts, str) else _whole(counts)
        if min(lengths, default=0) < 0 or sum(lengths) != width * height:
            raise ValueError(f"its run lengths do not add up to {width} x {height}")
    except ValueError as error:
        raise InputError(file, f"{where}: {error}", _AGAIN) from error
    return partial(runs, lengths, width, height, by_columns=True)


def _whole(counts: Any) -> list[int]:
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise ValueError("its counts are neither text nor whole numbers")
    return counts


def _key(value: Any) -> Any:
    return value if isinstance(value, int | str) else repr(value)
