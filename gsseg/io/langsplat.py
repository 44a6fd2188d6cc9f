"""LangSplat's ``language_features/<stem>_s.npy``: SAM masks at four levels of detail.

A float32 array (4, rows, columns); -1 is no mask. Ids are cumulative over the levels: level l holds the numbers
from one above the largest of the levels before, because they are rows of ``<stem>_f.npy``. A level can be empty.
Source: minghanqin/LangSplat, ``preprocess.py``.
"""

import tokenize
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable

MaskLevel = Literal["default", "small", "medium", "large"]
"""SAM's levels of detail, in the order in which LangSplat stacks them."""


def read_langsplat(path: Path, level: MaskLevel = "default") -> Int64[ndarray, "rows columns"]:
    """One level's instance ids at the masks' own size: 0 = none, otherwise the row of ``<stem>_f.npy`` plus 1.

    Raises `InputError` where the file is no such array.
    """
    check_readable(path)
    try:
        stack = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, tokenize.TokenError, MemoryError) as error:
        raise InputError(
            path, "is not an array that numpy can read, or is truncated", "copy or make it again"
        ) from error
    wanted = get_args(MaskLevel).index(level)
    if not isinstance(stack, np.ndarray) or stack.dtype.kind not in "fiu" or stack.ndim != 3 or 0 in stack.shape:
        found = f"{stack.dtype} {stack.shape}" if isinstance(stack, np.ndarray) else "an archive"
        raise InputError(path, f"is not LangSplat's array (levels, rows, columns): {found}", "make the masks again")
    if wanted >= len(stack):
        raise InputError(path, f"holds {len(stack)} levels, {level!r} is number {wanted + 1}", "choose a lower level")
    plane = np.array(stack[wanted], dtype=np.float64)
    plane[~np.isfinite(plane) | (plane < 0)] = -1
    if not np.array_equal(plane, np.rint(plane)) or plane.max() > 2**31:
        raise InputError(path, "holds fractions or absurd values, not mask numbers", "make the masks again")
    return plane.astype(np.int64) + 1
