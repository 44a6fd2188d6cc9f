"""Language vectors of objects, in one bit a component."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.binary.quantizer import BinaryQuantizer


def read_language(path: Path | str, objects: int) -> Float32[ndarray, "objects dim"]:
    """The vectors of a .npy file; `InputError` unless they are finite, none is zero, and there is one an object."""
    path = Path(path)
    check_readable(path)
    try:
        vectors = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(path, f"is no array of numbers ({error})", "save it with numpy.save") from error
    if not isinstance(vectors, ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.shape[1]:
        raise InputError(path, "is no array of floats with two axes", "save a (objects, dim) array with numpy.save")
    if len(vectors) != objects:
        raise InputError(path, f"has {len(vectors)} rows", f"the run has {objects} objects, one row each")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    wrong = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if len(wrong):
        raise InputError(path, f"row {wrong[0]} is zero or not finite", "language vectors have a direction")
    return np.ascontiguousarray(vectors, np.float32)


def encode_language(vectors: Float32[ndarray, "objects dim"]) -> BinaryCodes:
    """One bit a component, compared by cosine similarity, with the options that docs/quantizers.md found best."""
    return BinaryQuantizer.fit(vectors, "cosine", intervals="exact", unit_centroid=False).encode(vectors)
