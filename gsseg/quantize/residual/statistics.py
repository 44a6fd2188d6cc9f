"""What codes are worth: error by level, cluster sizes, collisions.

Codes are (levels, items) integers from 0, codebooks a list of (codes, dim) arrays, one a level; an item stands for
the sum of its codes' rows. Items *collide* when they have the same code at every level.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, Integer
from numpy import ndarray

from gsseg.quantize.rows import blocks, finite_rows


def residual_mse(x: Float[Any, "..."], codes: Any, codebooks: Sequence[Any]) -> list[float]:
    """Mean over all items * dim entries of what is left, squared, in float64: before level 1, after level 1, and so on.

    x: (items, dim); codes: (levels, items); codebooks: at least as many as codes has levels. ValueError otherwise.
    """
    rows = finite_rows(x, "x")
    books = [finite_rows(book, f"codebook {level}", rows.shape[1]) for level, book in enumerate(codebooks)]
    checked = checked_codes(codes, [len(book) for book in books])
    if checked.shape[1] != len(rows):
        raise ValueError(f"codes are of {checked.shape[1]} items, x has {len(rows)}")
    errors = np.zeros(len(checked) + 1)
    for block in blocks(rows):
        left = rows[block].astype(np.float64)
        errors[0] += np.square(left).sum()
        for level, (chosen, book) in enumerate(zip(checked[:, block], books, strict=False), start=1):
            left -= book[chosen]
            errors[level] += np.square(left).sum()
    return (errors / rows.size).tolist()


def cluster_sizes(codes: Any, codebook_size: int) -> Int64[ndarray, "levels codes"]:
    """How many items have each code, by level."""
    checked = checked_codes(codes, [codebook_size] * len(codes))
    return np.stack([np.bincount(level, minlength=codebook_size) for level in checked])


def collision_rate(codes: Any) -> float:
    """1 - different code tuples / items: the part of the items that a shorter list of tuples would save."""
    keys = tuple_keys(checked_codes(codes, None))
    return 1.0 - len(np.unique(keys)) / len(keys)


def code_bytes(levels: int, codebook_size: int) -> float:
    """Bytes of an item's codes, each in ceil(log2(codebook_size)) bits (one where there is a single code): what streams
    of them take, but for the last byte of each."""
    return levels * max(1, codebook_size - 1).bit_length() / 8


def tuple_keys(codes: Integer[ndarray, "levels items"]) -> Int64[ndarray, " items"]:
    """One number an item, equal where and only where all its codes are."""
    keys = np.zeros(codes.shape[1], np.int64)
    span = 1
    for level in codes:
        base = int(level.max()) + 1
        if span * base >= 2**62:
            keys = np.unique(keys, return_inverse=True)[1].astype(np.int64).reshape(-1)
            span = len(keys)
        keys = keys * base + level.astype(np.int64)  # beside uint64 the sum would be of float64
        span *= base
    return keys


def checked_codes(codes: Any, sizes: list[int] | None) -> Integer[ndarray, "levels items"]:
    """``codes`` as an array; ValueError unless (levels, items) integers >= 0 and, where ``sizes`` are given, at most as
    many levels and below the size of each."""
    array = np.asarray(codes)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "iu":
        raise ValueError(f"codes must be (levels, items) integers, not {array.dtype} of shape {array.shape}")
    if sizes is not None and len(array) > len(sizes):
        raise ValueError(f"codes have {len(array)} levels, there are {len(sizes)} codebooks")
    for level, row in enumerate(array):
        least, most = int(row.min()), int(row.max())
        if least < 0 or (sizes is not None and most >= sizes[level]):
            item = int(row.argmin() if least < 0 else row.argmax())
            limit = "not negative" if sizes is None else f"within 0 .. {sizes[level] - 1}"
            raise ValueError(f"codes of level {level} must be {limit}: item {item} has {row[item]}")
    return array
