"""Sparse points of a scene, where splats start from: COLMAP's ``points3D``, or a PLY of coloured points.

They come back in the world of the scene's cameras. nerfstudio turns the world of a COLMAP model before it writes
``transforms.json`` and says so there (``applied_transform``); its own PLY is turned already.
Format: https://colmap.github.io/format.html
"""

import struct
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.json_file import read_json_object
from gsseg.io.colmap import find_colmap
from gsseg.io.nerfstudio_world import FILE_NAME, T_json_original, move_points
from gsseg.io.ply_header import read_header
from gsseg.io.ply_rows import read_rows
from gsseg.io.transforms import find_transforms

Coloured = tuple[Float64[ndarray, "points 3"], Float32[ndarray, "points 3"]]
"""Positions, world units, and RGB in [0, 1]."""

POINT_FILES = ("points3d.ply", "sparse_pc.ply", "points3D.ply")
"""In a scene's folder; COLMAP's table comes first where the cameras are COLMAP's, and last otherwise."""

LEAST_POINTS = 4
_AGAIN = "copy or export it again"
_ROW, _TRACK = struct.Struct("<Q3d3BdQ"), 8


def find_points(scene: Path) -> Path | None:
    """The file of a scene's sparse points; None where there is none."""
    plys = [scene / name for name in POINT_FILES]
    transforms, colmap = find_transforms(scene), find_colmap(scene)
    if transforms:
        named = read_json_object(transforms[0], _AGAIN).get("ply_file_path")
        if isinstance(named, str) and Path(named).name == named:
            plys.insert(0, scene / named)
    tables = [] if colmap is None else [colmap / "points3D.bin", colmap / "points3D.txt"]
    order = [*plys, *tables] if transforms else [*tables, *plys]
    return next((path for path in order if path.is_file()), None)


def read_points(scene: Path, path: Path, splats_path: Path) -> tuple[Coloured, list[str]]:
    """The points of a file in the world of the scene's cameras, as `load_views` gives them for ``splats_path``; notes.

    Points that are not finite are left out. Raises `InputError` where the file is damaged, and where fewer than
    `LEAST_POINTS` remain.
    """
    check_readable(path)
    read = {".bin": _read_bin, ".txt": _read_txt}.get(path.suffix, _read_ply)
    positions, colors = read(path)
    finite = np.flatnonzero((np.abs(positions) < 1e9).all(1))  # false for NaN too
    lost = len(positions) - len(finite)
    notes = [f"{lost} of {len(positions)} points in {path.name} are not finite and left out."] if lost else []
    positions, colors = positions[finite], colors[finite]
    if len(positions) < LEAST_POINTS:
        raise InputError(
            path, f"holds {len(positions)} points", "run COLMAP again, or remove the file to start at random"
        )
    transforms = find_transforms(scene)
    if transforms:
        if path.suffix != ".ply":
            turn = T_json_original(transforms[0])
            positions = positions @ turn[:3, :3].T + turn[:3, 3]
        dataparser = splats_path.parent / FILE_NAME
        if dataparser.exists():
            positions = move_points(positions, transforms[0], dataparser)
    return (positions, colors), notes


def _read_bin(path: Path) -> Coloured:
    # uint64 count, then: uint64 id, float64 x y z, uint8 r g b, float64 error, uint64 n and n times 2 uint32
    data = path.read_bytes()
    problem = InputError(path, f"is truncated or damaged ({len(data)} bytes)", "copy it again")
    if len(data) < 8:
        raise problem
    count, at = int.from_bytes(data[:8], "little"), 8
    if count * _ROW.size > len(data):
        raise problem
    rows = np.empty((count, 6))
    for row in range(count):
        if at + _ROW.size > len(data):
            raise problem
        _, x, y, z, red, green, blue, _, track = _ROW.unpack_from(data, at)
        rows[row] = x, y, z, red, green, blue
        at += _ROW.size + _TRACK * track
    if at > len(data):
        raise problem
    return rows[:, :3], (rows[:, 3:] / 255).astype(np.float32)


def _read_txt(path: Path) -> Coloured:
    # POINT3D_ID X Y Z R G B ERROR TRACK[]
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            values = [float(word) for word in words[1:7]]
            if len(values) != 6:
                raise ValueError(line)
        except ValueError as error:
            problem = f"line {number} is not 'POINT3D_ID X Y Z R G B ...': {line[:60]!r}"
            raise InputError(path, problem, "save the model again with COLMAP") from error
        rows.append(values)
    table = np.array(rows, np.float64).reshape(-1, 6)
    return table[:, :3], (np.clip(table[:, 3:], 0, 255) / 255).astype(np.float32)


def _read_ply(path: Path) -> Coloured:
    header = read_header(path)
    vertex = header.element("vertex")
    if vertex is None or vertex.lists or not {"x", "y", "z"} <= {name for name, _ in vertex.properties}:
        raise InputError(path, "holds no points (element vertex with x, y and z)", _AGAIN)
    rows = read_rows(header, "vertex")
    positions = np.stack([rows[axis] for axis in "xyz"], 1).astype(np.float64)
    names = rows.dtype.names or ()
    if not {"red", "green", "blue"} <= set(names):
        return positions, np.full(positions.shape, 0.5, np.float32)
    colors = np.stack([rows[channel] for channel in ("red", "green", "blue")], 1).astype(np.float32)
    return positions, np.clip(colors / 255 if rows.dtype["red"].kind in "iu" else colors, 0, 1)
