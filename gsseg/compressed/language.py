"""Language vectors of objects, in a few bits a component.

An object need not have a vector, because no view showed it well: then its row is NaN, and its code is the centroid,
which fits every word as the objects do on average.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.io.npy import read_npy
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.binary.quantizer import BinaryQuantizer

BITS = 8
"""Bits of a component; docs/language.md holds the table that it was chosen from."""

ALIKE = 1 - 1e-5
"""Squared length of the mean of unit vectors from which they are all one: none of them is 0.2 degrees off it."""


def read_language(path: Path | str, objects: int) -> Float32[ndarray, "objects dim"]:
    """The vectors of a .npy file, one an object; a row of NaN: the object has none.

    `InputError` unless the other rows are finite, none is zero, there is one at least, and rows are as many as objects.
    """
    path = Path(path)
    vectors = read_npy(path)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.shape[1]:
        raise InputError(path, "is no array of floats with two axes", "save a (objects, dim) array with numpy.save")
    if len(vectors) != objects:
        raise InputError(path, f"has {len(vectors)} rows", f"the run has {objects} objects, one row each")
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, and is refused so
        vectors = np.ascontiguousarray(vectors, np.float32)
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    none = np.isnan(vectors).all(axis=1)
    wrong = np.flatnonzero(~none & (~np.isfinite(lengths) | (lengths == 0)))
    if len(wrong):
        raise InputError(path, f"row {wrong[0]} is zero or not finite", "language vectors have a direction")
    if none.all():
        raise InputError(path, "holds no vector: all its rows are NaN", "give at least one object a vector")
    return vectors


def encode_language(vectors: Float32[ndarray, "objects dim"], bits: int = BITS) -> BinaryCodes:
    """Codes compared by cosine similarity, centred on the mean direction of the vectors; NaN rows become the centroid.

    ValueError where no row is a vector, or one is zero or partly NaN.
    """
    none = np.asarray(np.all(np.isnan(vectors), axis=1))
    if none.all():
        raise ValueError("no object has a vector")
    intervals = "exact" if bits == 1 else "descent"
    quantizer = BinaryQuantizer.fit(vectors[~none], "cosine", bits, intervals, unit_centroid=False)
    if float(np.square(quantizer.centroid, dtype=np.float64).sum()) > ALIKE:
        # Vectors that are all alike would lie on their centroid, where those without a vector are.
        quantizer = replace(quantizer, centroid=np.zeros_like(quantizer.centroid))
    codes = quantizer.encode(np.where(none[:, None], vectors[np.argmin(none)], vectors))
    return replace(
        codes,
        packed=np.where(none[:, None], np.uint8(0), codes.packed),
        lower=np.where(none, np.float32(0), codes.lower),
        upper=np.where(none, np.float32(0), codes.upper),
        additional=np.where(none, np.float32(codes.centroid_dp), codes.additional),
        component_sum=np.where(none, 0, codes.component_sum).astype(codes.component_sum.dtype),
    )


def has_vector(codes: BinaryCodes) -> Bool[ndarray, " objects"]:
    """Which objects have a vector of their own: those that do not lie on the centroid."""
    return (codes.lower != 0) | (codes.upper != 0)
