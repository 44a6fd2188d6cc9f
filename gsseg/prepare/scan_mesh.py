"""The vertices of a scanned mesh, and what ScanNet's annotators said of each.

<scan>_vh_clean_2.ply                      vertices x y z red green blue; triangles
<scan>_vh_clean_2.labels.ply               the same vertices with a column label: NYU40, 0 = unlabelled
<scan>_vh_clean_2.0.010000.segs.json       segIndices: a segment for each vertex
<scan>.aggregation.json                    segGroups: objectId, label, segments
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.nyu40 import NYU40
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import LARGEST_COORDINATE, whole_number
from gsseg.io.ply_header import PlyHeader, read_header
from gsseg.io.ply_rows import read_rows

_AGAIN = "copy or download it again"
_MOST_OBJECTS = 1_000_000
_POINT = [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("nx", "<f4"), ("ny", "<f4"), ("nz", "<f4"),
          ("red", "u1"), ("green", "u1"), ("blue", "u1")]  # fmt: skip


def read_points(path: Path) -> ndarray:
    """The vertices as the rows of a ``points3d.ply``: x y z nx ny nz float32, red green blue uint8, in their order.

    Normals that the file lacks are those of its triangles, weighted by area; without triangles they are 0. Raises
    `InputError` where the file is no such mesh.
    """
    header, rows = _vertices(path)
    names = rows.dtype.names or ()
    lacking = [name for name in ("x", "y", "z", "red", "green", "blue") if name not in names]
    if lacking:
        raise InputError(path, f"its vertices have no column {lacking[0]}", "give the mesh <scan>_vh_clean_2.ply")
    points = np.zeros(len(rows), _POINT)
    for name in ("x", "y", "z"):
        with np.errstate(all="ignore"):
            values = rows[name].astype(np.float64)
            if not (np.abs(values) <= LARGEST_COORDINATE).all():  # false for NaN too
                worst = int(np.argmin(np.abs(values) <= LARGEST_COORDINATE))
                raise InputError(path, f"vertex {worst} has {name} = {values[worst]}", _AGAIN)
        points[name] = values
    for name in ("red", "green", "blue"):
        if rows.dtype[name] != np.uint8:
            raise InputError(path, f"its column {name} is {rows.dtype[name]}, not 8 bit", "give the mesh as it came")
        points[name] = rows[name]
    if "nx" in names and "ny" in names and "nz" in names:
        normals = np.nan_to_num(np.stack([rows[name].astype(np.float32) for name in ("nx", "ny", "nz")], axis=1))
    else:
        xyz = np.stack([points[name] for name in ("x", "y", "z")], axis=1).astype(np.float64)
        normals = vertex_normals(xyz, _triangles(header, len(rows)))
    for axis, name in enumerate(("nx", "ny", "nz")):
        points[name] = normals[:, axis]
    return points


def vertex_normals(
    xyz: Float64[ndarray, "vertices 3"], triangles: Int64[ndarray, "triangles 3"]
) -> Float32[ndarray, "vertices 3"]:
    """Unit normals of vertices, the mean of their triangles' weighted by area; 0 where there is none."""
    a, b, c = (xyz[triangles[:, corner]] for corner in range(3))
    faces, sums = np.cross(b - a, c - a), np.zeros_like(xyz)
    for axis in range(3):
        for corner in range(3):
            sums[:, axis] += np.bincount(triangles[:, corner], faces[:, axis], len(xyz))
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def read_labels(path: Path, vertices: int) -> Int32[ndarray, " vertices"]:
    """NYU40 id of each vertex; `InputError` where there is no such column, or for another mesh."""
    _, rows = _vertices(path)
    if len(rows) != vertices:
        raise InputError(path, f"holds {len(rows)} vertices, the mesh {vertices}", "give the labels of that mesh")
    if "label" not in (rows.dtype.names or ()) or rows.dtype["label"].kind not in "iu":
        raise InputError(path, "its vertices have no column label of whole numbers", _AGAIN)
    labels = rows["label"].astype(np.int64)
    if labels.min(initial=0) < 0 or labels.max(initial=0) > max(NYU40):
        worst = int(np.argmax((labels < 0) | (labels > max(NYU40))))
        raise InputError(path, f"vertex {worst} has the label {labels[worst]}", "NYU40 numbers classes 1 to 40")
    return labels.astype(np.int32)


@dataclass(frozen=True, eq=False)
class Instances:
    """The annotated objects of a scan."""

    ids: Int32[ndarray, " vertices"]
    """``objectId`` of each vertex, -1 = none."""
    names: dict[int, str]
    """What the annotator called each."""
    unknown_segments: int
    """Segments that objects are made of and no vertex has."""


def read_instances(segments: Path, aggregation: Path, vertices: int) -> Instances:
    """Objects by way of segments; of two that claim one, the later has it, as in ScanNet's own scripts.

    Raises `InputError` where a file is damaged, or the segments are of another mesh.
    """
    values = read_json_object(segments, _AGAIN).get("segIndices")
    indices = np.array(values if isinstance(values, list) and values else [None], object)
    try:
        of_vertex = indices.astype(np.int64) if all(type(each) is int for each in indices) else None
    except (OverflowError, TypeError):
        of_vertex = None
    if of_vertex is None or of_vertex.ndim != 1:
        raise InputError(segments, "has no list segIndices of whole numbers", _AGAIN)
    if len(of_vertex) != vertices:
        problem = f"holds segments of {len(of_vertex)} vertices, the mesh has {vertices}"
        raise InputError(segments, problem, "give the segments of that mesh")
    known, rows = np.unique(of_vertex, return_inverse=True)
    groups = read_json_object(aggregation, _AGAIN).get("segGroups")
    if not isinstance(groups, list):
        raise InputError(aggregation, "has no list segGroups", _AGAIN)
    of_segment, names, unknown = np.full(len(known), -1, np.int32), {}, 0
    for number, group in enumerate(groups):
        where = f"segGroups[{number}]"
        if not isinstance(group, dict) or not isinstance(group.get("label"), str):
            raise InputError(aggregation, f"{where} has no label", _AGAIN)
        key = f"{where}: objectId"
        instance = whole_number(aggregation, key, group.get("objectId"), _AGAIN, least=0, most=_MOST_OBJECTS)
        parts = group.get("segments")
        if not isinstance(parts, list) or not all(type(part) is int and abs(part) < 1 << 62 for part in parts):
            raise InputError(aggregation, f"{where} has no list segments of whole numbers", _AGAIN)
        wanted = np.array(parts, np.int64)
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        there = known[places] == wanted
        of_segment[places[there]] = instance
        unknown += int((~there).sum())
        names[instance] = group["label"]
    return Instances(of_segment[rows], names, unknown)


def _vertices(path: Path) -> tuple[PlyHeader, ndarray]:
    header = read_header(path)
    vertex = header.element("vertex")
    if vertex is None or vertex.lists or not vertex.count:
        raise InputError(path, "has no vertices with plain columns", "give the mesh as ScanNet delivers it")
    return header, read_rows(header, "vertex")


def _triangles(header: PlyHeader, vertices: int) -> Int64[ndarray, "triangles 3"]:
    """Corners of the faces; rows of ``uchar 3, int int int`` after the vertices, as ScanNet writes them."""
    path, face, vertex = header.path, header.element("face"), header.element("vertex")
    if face is None or not face.count:
        return np.empty((0, 3), np.int64)
    assert vertex is not None
    row = np.dtype([("corners", "u1"), ("vertices", "<i4", 3)])
    start = header.size + vertex.count * header.dtype(vertex).itemsize
    plain = header.encoding == "binary_little_endian" and header.elements[:2] == (vertex, face)
    if not plain or face.properties or len(face.lists) != 1:
        raise InputError(path, "its faces are not those of ScanNet's meshes", "save it as a binary PLY of triangles")
    there = (path.stat().st_size - start) // row.itemsize
    if there < face.count:
        problem = f"byte {start}: promises {face.count} triangles, {there} are there"
        raise InputError(path, problem, _AGAIN)
    faces = np.fromfile(path, row, face.count, offset=start)
    if (faces["corners"] != 3).any():
        worst = int(np.argmax(faces["corners"] != 3))
        problem = f"byte {start + worst * row.itemsize}: face {worst} has {faces['corners'][worst]} corners, not 3"
        raise InputError(path, problem, "save it as a binary PLY of triangles")
    corners = faces["vertices"].astype(np.int64)
    wrong = ((corners < 0) | (corners >= vertices)).any(axis=1)
    if wrong.any():
        worst = int(np.argmax(wrong))
        problem = f"byte {start + worst * row.itemsize}: face {worst} has the corners {corners[worst].tolist()}"
        raise InputError(path, f"{problem} of {vertices} vertices", _AGAIN)
    return corners
