"""PlayCanvas' compressed PLY: 16 bytes a Gaussian, quantised within chunks of 256.

Element ``chunk`` holds the bounds of 256 Gaussians as floats (position, log scale and, from version 2, colour);
element ``vertex`` four uint32:

    packed_position  x 11 | y 10 | z 11 bits from the top, each a fraction of the chunk's bounds
    packed_scale     the same, of the bounds of the log scales
    packed_rotation  index of the largest component 2 | the other three, 10 bits each, in -1/sqrt(2) .. 1/sqrt(2)
    packed_color     red 8 | green 8 | blue 8 | opacity 8 bits; colour is 0.5 + C0 f_dc, within the bounds if given

and the optional element ``sh`` one uchar for each ``f_rest_i``, covering -4 to 4. It is decoded into the columns
that Inria's trainer writes. An opacity of 0 or 255 becomes an infinite logit, as other converters have it.
Source: the readers in playcanvas/splat-transform and playcanvas/engine.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.io.ply_header import PlyHeader, read_header
from gsseg.io.ply_rows import read_rows
from gsseg.io.splat_file import COLOUR, POSITION, REST_COLUMNS, ROTATION, SCALE
from gsseg.io.splat_format import SplatColumns, inria_dtype

CHUNK_ROWS = 256
SH_C0 = 0.28209479177387814
"""The constant spherical harmonic, 1 / (2 sqrt(pi))."""

PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_BOUNDS = tuple(f"{end}_{axis}" for end in ("min", "max") for axis in ("x", "y", "z", "scale_x", "scale_y", "scale_z"))
_COLOUR_BOUNDS = tuple(f"{end}_{channel}" for end in ("min", "max") for channel in "rgb")


class CompressedPly:
    """The format's row in the table."""

    name = "compressed PLY"
    endings = (".compressed.ply",)

    def begins(self, head: bytes) -> bool:
        """Whether it is a PLY of packed columns; told by them, because its name ends like any other's."""
        return is_compressed_head(head)

    def read(self, path: Path) -> SplatColumns:
        """The Gaussians as Inria's float32 columns."""
        header = read_header(path)
        note = "A compressed PLY: its packed columns are read as float columns."
        return SplatColumns(_decode(header), [note], header.comments)


def is_compressed_head(head: bytes) -> bool:
    """Whether the first bytes of a file are the header of a compressed PLY."""
    header, end, _ = head.partition(b"end_header")
    return head.startswith(b"ply") and bool(end) and all(f" {name}".encode() in header for name in PACKED)


def _decode(header: PlyHeader) -> np.ndarray:
    """The columns, in the file's order.

    Raises `InputError` where the chunks are missing, too few or not of the layout above, or the file is truncated.
    """
    vertex, bounds = _read_vertex_and_bounds(header)
    rows = len(vertex)
    chunk = np.arange(rows) // CHUNK_ROWS
    sh = header.element("sh")
    rest = [name for name, _ in sh.properties] if sh is not None and sh.count else []
    out = np.empty(rows, inria_dtype(len(rest)))

    def put(names: tuple[str, ...], fractions: Float32[ndarray, "rows 3"], bound: tuple[str, ...]) -> None:
        for i, name in enumerate(names):
            low, high = bounds[f"min_{bound[i]}"][chunk], bounds[f"max_{bound[i]}"][chunk]
            out[name] = low * (1 - fractions[:, i]) + high * fractions[:, i]

    # Bounds of a damaged file may overflow; an opacity of 0 or 1 has an infinite logit. Both are repaired later.
    with np.errstate(all="ignore"):
        put(POSITION, _unpack_11_10_11(vertex["packed_position"]), ("x", "y", "z"))
        put(SCALE, _unpack_11_10_11(vertex["packed_scale"]), ("scale_x", "scale_y", "scale_z"))
        quats = _unpack_rotation(vertex["packed_rotation"])
        for i, name in enumerate(ROTATION):
            out[name] = quats[:, i]
        colour = np.stack([_fraction(vertex["packed_color"] >> shift, 8) for shift in (24, 16, 8, 0)], 1)
        if set(_COLOUR_BOUNDS) <= set(bounds.dtype.names or ()):
            put(COLOUR, colour[:, :3], ("r", "g", "b"))
            for name in COLOUR:
                out[name] = (out[name] - 0.5) / SH_C0
        else:
            for i, name in enumerate(COLOUR):
                out[name] = (colour[:, i] - 0.5) / SH_C0
        out["opacity"] = np.log(colour[:, 3]) - np.log1p(-colour[:, 3])
    if rest:
        table = read_rows(header, "sh")
        steps = (np.arange(256) + 0.5) / 256  # a byte stands for the middle of its step, but the ends for -4 and 4
        steps[[0, 255]] = 0, 1
        values = ((steps - 0.5) * 8).astype(np.float32)
        for name in rest:
            out[name] = values[table[name]]
    out.setflags(write=False)
    return out


def _read_vertex_and_bounds(header: PlyHeader) -> tuple[np.ndarray, np.ndarray]:
    path, vertex, chunk, sh = header.path, *(header.element(name) for name in ("vertex", "chunk", "sh"))
    wrong, again = "is a compressed PLY of an unknown layout ({})", "export it again with SuperSplat"
    if vertex is None or not {name for name, _ in vertex.properties} >= set(PACKED):
        raise InputError(path, wrong.format("its packed columns are not those of element vertex"), again)
    kinds = dict(vertex.properties)
    if chunk is None or not {name for name, _ in chunk.properties} >= set(_BOUNDS):
        raise InputError(path, wrong.format("element chunk lacks its bounds"), again)
    if any(kinds[name] != "u4" for name in PACKED) or vertex.lists or chunk.lists:
        raise InputError(path, wrong.format("packed columns are not uint"), again)
    if chunk.count * CHUNK_ROWS < vertex.count:
        raise InputError(path, wrong.format(f"{chunk.count} chunks of 256 for {vertex.count} Gaussians"), again)
    if sh is not None and sh.count:
        names = {name for name, _ in sh.properties}
        named = len(names) in REST_COLUMNS and names == {f"f_rest_{i}" for i in range(len(names))}
        if sh.lists or sh.count != vertex.count or not named or any(kind != "u1" for _, kind in sh.properties):
            raise InputError(path, wrong.format("element sh does not fit element vertex"), again)
    return read_rows(header, "vertex"), np.array(read_rows(header, "chunk"))


def _fraction(packed: UInt32[ndarray, " rows"], bits: int) -> Float32[ndarray, " rows"]:
    """The lowest bits as a fraction of the largest number they can hold."""
    most = (1 << bits) - 1
    return ((packed & np.uint32(most)) / np.float32(most)).astype(np.float32)


def _unpack_11_10_11(packed: UInt32[ndarray, " rows"]) -> Float32[ndarray, "rows 3"]:
    return np.stack([_fraction(packed >> 21, 11), _fraction(packed >> 11, 10), _fraction(packed, 11)], 1)


def _unpack_rotation(packed: UInt32[ndarray, " rows"]) -> Float32[ndarray, "rows 4"]:
    """Unit quaternions wxyz; the omitted component is the largest, and positive."""
    others = np.stack([_fraction(packed >> shift, 10) for shift in (20, 10, 0)], 1)
    others = (others - np.float32(0.5)) * np.float32(np.sqrt(2))
    largest = np.sqrt(np.maximum(0, 1 - (others**2).sum(1)))
    place = (packed >> 30).astype(np.int64)
    quats = np.empty((len(packed), 4), np.float32)
    for omitted in range(4):
        rows = place == omitted
        quats[rows] = np.insert(others[rows], omitted, largest[rows], axis=1)
    return quats
