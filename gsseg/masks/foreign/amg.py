"""What SAM's ``amg.py`` writes for each photo: a folder of pictures with ``metadata.csv``, or a list of run lengths.

    <photo>/0.png, 1.png, ...   one mask each, white inside
    <photo>/metadata.csv        whose first column is the number of the picture
    <photo>.json                with --convert-to-rle: [{"segmentation": {"size", "counts"}, ...}]

Source: facebookresearch/segment-anything, ``scripts/amg.py``.
"""

import csv
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.json_file import read_json
from gsseg.io.numbers import brief
from gsseg.io.picture import decode_picture, open_picture, photo_size
from gsseg.masks.foreign.coco import coco_mask
from gsseg.masks.foreign.stack import ForeignPhoto

METADATA = "metadata.csv"
_AGAIN = "run SAM's amg.py again"


def read_amg(folder: Path) -> list[ForeignPhoto]:
    """Every photo of an output folder; `InputError` where one is damaged or there is none."""
    photos = [_pictures(file.parent, folder) for file in sorted(folder.rglob(METADATA))]
    photos += [photo for file in sorted(folder.rglob("*.json")) if (photo := _listed(file, folder)) is not None]
    if not photos:
        raise InputError(folder, f"holds neither folders with {METADATA} nor lists of run lengths", _AGAIN)
    return photos


def _pictures(folder: Path, above: Path) -> ForeignPhoto:
    file = folder / METADATA
    check_readable(file)
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            numbers = [row[0] for row in csv.reader(stream) if row][1:]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(file, "is no table", _AGAIN) from error
    if not all(number.isascii() and number.isdigit() and len(number) < 8 for number in numbers):
        raise InputError(file, "has a first column that is no number of a mask", _AGAIN)
    files = [folder / f"{number}.png" for number in numbers]
    if not files:
        raise InputError(file, "lists no mask", "remove its folder")
    width, height = photo_size(files[0])
    name = folder.relative_to(above).as_posix()
    return ForeignPhoto(name, width, height, [partial(_white, each, width, height) for each in files])


def _white(file: Path, width: int, height: int) -> Bool[ndarray, "height width"]:
    with open_picture(file) as picture:
        if picture.size != (width, height):
            problem = f"is {picture.size[0]} x {picture.size[1]} pixels, others {width} x {height}"
            raise InputError(file, problem, _AGAIN)
        return np.asarray(decode_picture(file, picture).convert("L")) > 127


def _listed(file: Path, above: Path) -> ForeignPhoto | None:
    content: Any = read_json(file, _AGAIN)
    if not isinstance(content, list) or not content:
        return None
    sizes = {json.dumps(_size(file, row, each)) for row, each in enumerate(content)}
    if len(sizes) != 1:
        raise InputError(file, "holds masks of different sizes", _AGAIN)
    height, width = json.loads(sizes.pop())
    masks = [coco_mask(file, f"mask {row}", each["segmentation"], width, height) for row, each in enumerate(content)]
    return ForeignPhoto(file.relative_to(above).as_posix().removesuffix(".json"), width, height, masks)


def _size(file: Path, row: int, each: Any) -> list[int]:
    segmentation = each.get("segmentation") if isinstance(each, dict) else None
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    if not (isinstance(size, list) and len(size) == 2 and all(type(n) is int and 0 < n < 10**5 for n in size)):
        raise InputError(file, f"mask {row} has no size of two whole numbers: {brief(size)}", _AGAIN)
    return size
