"""LangSplat's ``language_features/<stem>_s.npy``: SAM masks at four levels of detail; ``<stem>_f.npy``: their vectors.

The masks are a float32 array (4, rows, columns); -1 is no mask. Ids are cumulative over the levels: level l holds the
numbers from one above the largest of the levels before, because they are rows of the float32 array (masks, dim) of
vectors: CLIP's of each mask, or after LangSplat's autoencoder 3-D ones. A level can be empty.
Source: minghanqin/LangSplat, ``preprocess.py``.
"""

import tokenize
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable

MaskLevel = Literal["default", "small", "medium", "large"]
"""SAM's levels of detail, in the order in which LangSplat stacks them."""


MASKS, VECTORS = "_s.npy", "_f.npy"
"""How the names of the two files end."""


def read_langsplat(path: Path, level: MaskLevel = "default") -> Int64[ndarray, "rows columns"]:
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
    return np.stack([_ids(path, plane) for plane in _stack(path)])


def mask_vector_shape(path: Path) -> tuple[int, int]:
    """Masks and components of ``<stem>_f.npy``, from its header alone; `InputError` where it is no such array."""
    return _vectors(path).shape


def read_mask_vectors(path: Path) -> Float32[ndarray, "masks dim"]:
    """The vectors of ``<stem>_f.npy`` as they are in the file; `InputError` where it is no such array."""
    vectors = np.array(_vectors(path), np.float32)
    if not np.isfinite(vectors).all():
        raise InputError(path, "holds values that are not finite", "make the vectors again")
    return vectors


def _open(path: Path) -> object:
    check_readable(path)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, tokenize.TokenError, MemoryError) as error:
        raise InputError(
            path, "is not an array that numpy can read, or is truncated", "copy or make it again"
        ) from error


def _vectors(path: Path) -> ndarray:
    vectors = _open(path)
    if not isinstance(vectors, np.ndarray) or vectors.dtype.kind != "f" or vectors.ndim != 2 or not vectors.shape[1]:
        raise InputError(path, f"is not LangSplat's array (masks, dim): {_shape(vectors)}", "make the vectors again")
    return vectors


def _stack(path: Path) -> ndarray:
    stack = _open(path)
    if not isinstance(stack, np.ndarray) or stack.dtype.kind not in "fiu" or stack.ndim != 3 or 0 in stack.shape:
        problem = f"is not LangSplat's array (levels, rows, columns): {_shape(stack)}"
        raise InputError(path, problem, "make the masks again")
    return stack


def _ids(path: Path, plane: ndarray) -> Int64[ndarray, "rows columns"]:
    numbers = np.array(plane, dtype=np.float64)
    numbers[~np.isfinite(numbers) | (numbers < 0)] = -1
    if not np.array_equal(numbers, np.rint(numbers)) or numbers.max() > 2**31:
        raise InputError(path, "holds fractions or absurd values, not mask numbers", "make the masks again")
    return numbers.astype(np.int64) + 1


def _shape(found: object) -> str:
    return f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else "an archive"
