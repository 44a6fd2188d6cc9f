"""Label maps as PNG: a grey value, palette index or colour is an instance, 0 or black is none.

Also what Gaussian Grouping's ``object_mask`` holds. Colours are told apart exactly, so a colour map must not be
smoothed at its borders; transparent pixels are none.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.io.photos import decode_picture, open_picture


def read_label_png(path: Path) -> Int64[ndarray, "rows columns"]:
    """Instance ids of a label picture at its own size, 0 = none; `InputError` where it is damaged."""
    with open_picture(path) as picture:
        picture = decode_picture(path, picture)
        if picture.mode in ("1", "L", "P", "I", "F") or picture.mode.startswith("I;16"):
            ids = np.asarray(picture)  # a palette's indices, not its colours
            if ids.dtype.kind == "f" and not np.array_equal(ids, np.rint(ids)):
                raise InputError(path, "holds fractions, not labels", "save the masks as 8 or 16 bit PNG")
            return np.maximum(ids.astype(np.int64), 0)
        rgba = np.asarray(picture.convert("RGBA")).astype(np.int64)
    colour = rgba[..., 0] + 256 * rgba[..., 1] + 65536 * rgba[..., 2]
    return np.where(rgba[..., 3] > 0, colour, 0)
