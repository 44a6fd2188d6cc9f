"""LangSplat's ``language_features/<stem>_s.npy``: SAM masks at four levels of detail; ``<stem>_f.npy``: their vectors.

The masks are a float32 array (4, rows, columns); -1 is no mask. Ids are cumulative over the levels: level l holds the
numbers from one above the largest of the levels before, because they are rows of the float32 array (masks, dim) of
vectors: CLIP's of each mask, or after LangSplat's autoencoder 3-D ones. A level can be empty.
Source: minghanqin/LangSplat, ``preprocess.py``.
"""

from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.io.npy import read_npy
from gsseg.io.picture import check_size

MaskLevel = Literal["default", "small", "medium", "large"]
"""SAM's levels of detail, in the order in which LangSplat stacks them."""

MASKS, VECTORS = "_s.npy", "_f.npy"
"""How the names of the two files end."""


class LangSplat:
    """A row in the table of mask formats."""

    name, folder, ending, has_levels = "LangSplat", "language_features", MASKS, True

    def read(self, path: Path, level: MaskLevel) -> Int32[ndarray, "rows columns"]:
        """The ids of `read_langsplat`."""
        return read_langsplat(path, level)


def read_langsplat(path: Path, level: MaskLevel = "default") -> Int32[ndarray, "rows columns"]:
    """One level's instance ids at the masks' own size: 0 = none, otherwise the row of ``<stem>_f.npy`` plus 1.

    Raises `InputError` where the file is no such array.
    """
    stack = _stack(path)
    wanted = get_args(MaskLevel).index(level)
    if wanted >= len(stack):
        raise InputError(path, f"holds {len(stack)} levels, {level!r} is number {wanted + 1}", "choose a lower level")
    return _ids(path, stack[wanted])


def read_langsplat_levels(path: Path) -> Int64[ndarray, "levels rows columns"]:
    """All levels, each as `read_langsplat` gives it."""
    return np.stack([_ids(path, plane).astype(np.int64) for plane in _stack(path)])


def mask_vector_shape(path: Path) -> tuple[int, int]:
    """Masks and components of ``<stem>_f.npy``, from its header alone; `InputError` where it is no such array."""
    return _vectors(path).shape


def read_mask_vectors(path: Path) -> Float32[ndarray, "masks dim"]:
    """The vectors of ``<stem>_f.npy`` as they are in the file; `InputError` where it is no such array."""
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, and is refused so
        vectors = np.array(_vectors(path), np.float32)
    if not np.isfinite(vectors).all():
        raise InputError(path, "holds values that are not finite", "make the vectors again")
    return vectors


def _vectors(path: Path) -> ndarray:
    vectors = read_npy(path, mapped=True)
    if vectors.dtype.kind != "f" or vectors.ndim != 2 or not vectors.shape[1]:
        problem = f"is not LangSplat's array (masks, dim): {vectors.dtype} {vectors.shape}"
        raise InputError(path, problem, "make the vectors again")
    return vectors


def _stack(path: Path) -> ndarray:
    stack = read_npy(path, mapped=True)
    if stack.dtype.kind not in "fiu" or stack.ndim != 3 or 0 in stack.shape:
        problem = f"is not LangSplat's array (levels, rows, columns): {stack.dtype} {stack.shape}"
        raise InputError(path, problem, "make the masks again")
    check_size(path, stack.shape[2], stack.shape[1])
    return stack


def _ids(path: Path, plane: ndarray) -> Int32[ndarray, "rows columns"]:
    numbers = np.array(plane)
    if numbers.dtype.kind == "f":
        numbers[~np.isfinite(numbers)] = -1
        if not np.array_equal(numbers, np.rint(numbers)):
            raise InputError(path, "holds fractions or absurd values, not mask numbers", "make the masks again")
    if float(numbers.max()) >= 2**31 - 1:
        raise InputError(path, "holds fractions or absurd values, not mask numbers", "make the masks again")
    numbers = numbers if numbers.dtype.kind == "u" else np.maximum(numbers, -1)
    return numbers.astype(np.int32) + np.int32(1)
