"""Ids of vertices or Gaussians as any tool writes them: ``.npy``, one number a line of text, or a column of a PLY."""

from pathlib import Path

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.io.npy import read_npy
from gsseg.io.ply_header import read_header
from gsseg.io.ply_rows import read_rows

COLUMNS = ("object_id", "instance_id", "instance", "label")
"""Columns of a PLY that are looked for, in this order, where none is named."""
MOST_TEXT = 1 << 28
"""Bytes of text that are read: fifty million ids of a few digits."""
_ONE_EACH = "write one whole number for each vertex"


def read_vertex_ids(path: Path, column: str | None = None, none: int = -1) -> Int32[ndarray, " vertices"]:
    """The id of each vertex in the file's order, -1 = none; negative ones and ``none`` become -1.

    ``column`` of a PLY's vertices. Raises `InputError` where the file holds no such numbers.
    """
    check_readable(path)
    with path.open("rb") as stream:
        head = stream.read(6)
    if column is not None and head[:3] != b"ply":
        raise InputError(path, "is no PLY, and only those have columns", "leave the column out")
    if head == b"\x93NUMPY":
        values = read_npy(path)
    elif head[:3] == b"ply":
        values = _column(path, column)
    else:
        values = _numbers(path)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not len(values):
        raise InputError(path, f"holds {values.dtype} {values.shape}, no list of ids", _ONE_EACH)
    # Some tools save ids as floats; what is no whole number is a score or a feature, and no id.
    whole = values.dtype.kind != "f" or bool(np.isfinite(values).all() and (values == np.rint(values)).all())
    if not whole or float(values.max()) > np.iinfo(np.int32).max or float(values.min()) < -(2.0**63):
        raise InputError(path, "holds fractions or absurd values, no ids", _ONE_EACH)
    ids = np.maximum(values, -1).astype(np.int32) if values.dtype.kind != "u" else values.astype(np.int32)
    return np.where(ids == none, np.int32(-1), ids)


def _column(path: Path, column: str | None) -> ndarray:
    header = read_header(path)
    vertex = header.element("vertex")
    if vertex is None or vertex.lists:
        raise InputError(path, "has no vertices with plain columns", "give a PLY with one id a vertex")
    names = [name for name, _ in vertex.properties]
    wanted = [column] if column is not None else list(COLUMNS)
    found = next((name for name in wanted if name in names), None)
    if found is None:
        problem = f"has no column {' or '.join(wanted)} (there: {', '.join(names)[:200]})"
        raise InputError(path, problem, "name the one that holds ids")
    return np.array(read_rows(header, "vertex")[found])


def _numbers(path: Path) -> ndarray:
    if path.stat().st_size > MOST_TEXT:
        raise InputError(path, f"is text of more than {MOST_TEXT} bytes", "save the ids as .npy")
    words = path.read_bytes().split()
    try:
        return np.array(words, dtype="S24").astype(np.float64) if words else np.empty(0)
    except ValueError as error:
        raise InputError(path, f"is no list of whole numbers ({error})", _ONE_EACH) from error
