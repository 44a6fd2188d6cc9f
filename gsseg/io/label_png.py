"""Label maps as PNG: a grey value, palette index or colour is an instance, 0 or black is none.

Also what Gaussian Grouping's ``object_mask`` holds. Colours are told apart exactly, so a colour map must not be
smoothed at its borders; transparent pixels are none.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int32
from numpy import ndarray
from PIL.Image import Image

from gsseg.errors import InputError
from gsseg.io.langsplat import MaskLevel
from gsseg.io.picture import decode_picture, open_picture, pixels_of

_BLOCK_PIXELS = 1 << 20
"""Colours are turned into numbers by so many pixels at a time, so that four channels of integers take 16 MB."""


@dataclass(frozen=True)
class LabelPng:
    """A row in the table of mask formats; two tools write such pictures, to folders of different names."""

    name: str
    folder: str
    ending: str = ".png"
    has_levels: bool = False

    def read(self, path: Path, level: MaskLevel) -> Int32[ndarray, "rows columns"]:
        """The ids of `read_label_png`; there are no levels."""
        return read_label_png(path)


def read_label_png(path: Path) -> Int32[ndarray, "rows columns"]:
    """Instance ids of a label picture at its own size, 0 = none; `InputError` where it is damaged."""
    with open_picture(path) as picture:
        picture = decode_picture(path, picture)
        if picture.mode in ("1", "L", "P", "I", "F") or picture.mode.startswith("I;16"):
            return _numbers(path, np.asarray(picture))  # a palette's indices, not its colours
        with pixels_of(path):
            return _colours(picture)


def _numbers(path: Path, values: ndarray) -> Int32[ndarray, "rows columns"]:
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.array_equal(values, np.rint(values)) and float(values.max()) < 1 << 24
        if not whole:  # nor NaN, which equals nothing; beyond 2^24 float32 skips numbers
            raise InputError(path, "holds fractions, not labels", "save the masks as 8 or 16 bit PNG")
    return np.maximum(values, 0).astype(np.int32)


def _colours(picture: Image) -> Int32[ndarray, "rows columns"]:
    width, height = picture.size
    ids = np.empty((height, width), np.int32)
    step = max(1, _BLOCK_PIXELS // width)
    for top in range(0, height, step):
        block = picture.crop((0, top, width, min(top + step, height))).convert("RGBA")
        rgba = np.asarray(block).astype(np.int32)
        ids[top : top + step] = (rgba[..., 0] | rgba[..., 1] << 8 | rgba[..., 2] << 16) * (rgba[..., 3] > 0)
    return ids
