"""PLY of splats: read with all its columns, and written with columns added.

Conventions of the common layout (Inria's trainer, gsplat, nerfstudio, OpenGaussian): ``x y z`` in world units,
``f_dc_*`` and ``f_rest_*`` spherical harmonics, ``opacity`` a logit, ``scale_*`` natural logarithms, ``rot_*`` a
quaternion wxyz of any length. Normals and columns that nobody knows are carried along.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.files import whole_file
from gsseg.io.compressed_ply import is_compressed_head
from gsseg.io.ply_header import read_header
from gsseg.io.ply_rows import read_rows
from gsseg.io.splat_file import check_columns
from gsseg.io.splat_format import SplatColumns

_PLY_WORDS = {"i1": "char", "u1": "uchar", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint",
              "f4": "float", "f8": "double"}  # fmt: skip
_CHUNK = 65536
"""Rows written at a time: 16 MB of the widest layout."""


class Ply:
    """The format's row in the table: text or binary, degree 0 to 4, any further columns."""

    name = "PLY"
    endings = (".ply",)

    def begins(self, head: bytes) -> bool:
        """Whether it is a PLY, and none of packed columns."""
        return head[:4] in (b"ply\n", b"ply\r") and not is_compressed_head(head)

    def read(self, path: Path) -> SplatColumns:
        """All columns as they are, memory-mapped where they are binary."""
        header = read_header(path)
        vertex = header.element("vertex")
        if vertex is None:
            raise InputError(path, "has no element 'vertex'", "give the PLY that a 3DGS trainer wrote")
        if vertex.lists:
            problem = f"its vertices hold a list ({vertex.lists[0]}), which splats never do"
            raise InputError(path, problem, "export it again")
        check_columns(path, header.dtype(vertex))
        return SplatColumns(read_rows(header, "vertex"), comments=header.comments)


def write_splats(
    path: Path | str,
    columns: np.ndarray,
    extra: Mapping[str, np.ndarray] | None = None,
    comments: Sequence[str] = (),
) -> None:
    """Writes a binary little-endian PLY: all of ``columns``, unchanged and in order, and then ``extra``.

    ``columns`` is a structured array of rows, ``extra`` one array of as many rows a column; a column of the same
    name is replaced in its place. Types are kept, so they must be ones that PLY has (8 to 32 bit integers, float32,
    float64). Rows are written in pieces, so that memory does not grow with a memory-mapped input. The file appears
    whole or not at all. Raises `InputError` where the folder cannot be written to.
    """
    extra = extra or {}
    names = [*(columns.dtype.names or ()), *(name for name in extra if name not in (columns.dtype.names or ()))]
    sources = {name: np.asarray(extra[name]) if name in extra else columns[name] for name in names}
    for name, source in sources.items():
        if source.shape != (len(columns),) or source.dtype.str[1:] not in _PLY_WORDS:
            raise ValueError(
                f"column {name!r}: {source.dtype} {source.shape} cannot be a column of {len(columns)} rows"
            )
        if len(name.split()) != 1 or not name.isascii():
            raise ValueError(f"column {name!r}: a PLY column's name is one ASCII word")
    row = np.dtype([(name, source.dtype.newbyteorder("<")) for name, source in sources.items()])
    lines = ["ply", "format binary_little_endian 1.0"]
    lines += [f"comment {' '.join(comment.split())}" for comment in comments]
    lines += [f"element vertex {len(columns)}"]
    lines += [f"property {_PLY_WORDS[row[name].str[1:]]} {name}" for name in names]
    with whole_file(path) as beside, beside.open("wb") as stream:
        stream.write("\n".join([*lines, "end_header", ""]).encode("utf-8"))
        for start in range(0, len(columns), _CHUNK):
            part = slice(start, start + _CHUNK)
            block = np.empty(len(columns[part]), row)
            for name, source in sources.items():
                block[name] = source[part]
            stream.write(block.tobytes())
