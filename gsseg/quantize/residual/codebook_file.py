"""Codebooks as an npz file: keys codebook_0, codebook_1, ..., each a (codes, dim) float array of one shape."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable, whole_file


def write_codebooks(path: Path | str, codebooks: list[Float32[ndarray, "codes dim"]]) -> None:
    """Writes the file whole; InputError where the file system refuses."""
    arrays: dict[str, Any] = {f"codebook_{level}": book for level, book in enumerate(codebooks)}
    with whole_file(path) as beside, beside.open("wb") as file:
        np.savez(file, **arrays)


def read_codebooks(path: Path | str) -> list[Float32[ndarray, "codes dim"]]:
    """The codebooks of a file, as float32 in their order; other keys are left alone.

    Raises InputError for what is no npz file or is damaged, for missing or misshapen codebooks and values that are not
    finite. Pickled contents are refused unread.
    """
    remedy = "write it with ResidualKMeans.save, or as np.savez(file, codebook_0=..., codebook_1=...)"
    check_readable(Path(path))
    try:
        with warnings.catch_warnings(), Path(path).open("rb") as file:
            warnings.simplefilter("error")  # of headers that Python 2 wrote, which `write_codebooks` never does
            content = np.load(file, allow_pickle=False)
            if not isinstance(content, np.lib.npyio.NpzFile):
                raise InputError(path, "not an npz file", remedy)
            arrays = {key: content[key] for key in content.files if key.startswith("codebook_")}
    except InputError:
        raise
    except Exception as error:  # numpy evaluates headers and zipfile believes them: what they raise has no fixed type
        raise InputError(path, f"not a readable npz file of plain arrays ({error})", remedy) from None
    if not arrays:
        raise InputError(path, "holds no codebook_0", remedy)
    codebooks = []
    for level in range(len(arrays)):
        name = f"codebook_{level}"
        if name not in arrays:
            raise InputError(path, f"holds {', '.join(sorted(arrays))} but no {name}", remedy)
        book = arrays[name]
        if not isinstance(book, np.ndarray):  # a member that is no .npy comes as its bytes
            raise InputError(path, f"{name} is no array", remedy)
        if book.ndim != 2 or 0 in book.shape or book.dtype.kind != "f":
            raise InputError(path, f"{name} is {book.dtype} of shape {book.shape}, not (codes, dim) floats", remedy)
        if book.shape != arrays["codebook_0"].shape:
            raise InputError(
                path, f"{name} is of shape {book.shape}, codebook_0 of {arrays['codebook_0'].shape}", remedy
            )
        with np.errstate(over="ignore", invalid="ignore"):
            book = np.ascontiguousarray(book, np.float32)
        if not np.isfinite(book).all():
            raise InputError(path, f"{name} has values that are NaN, infinite or beyond float32", remedy)
        codebooks.append(book)
    return codebooks
