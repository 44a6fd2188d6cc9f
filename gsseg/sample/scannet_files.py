"""The files of a raw ScanNet scan, written: for scans that are made, and for tests of what reads them.

Little endian; `gsseg.prepare.sens` and `gsseg.prepare.scan_mesh` say what is in them. Written from ScanNet's own
description and not with what reads them here, so that a mistake there is seen.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, Integer
from numpy import ndarray

from gsseg.scene import Camera

VERTEX = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"),
                   ("red", "u1"), ("green", "u1"), ("blue", "u1"), ("alpha", "u1")])  # fmt: skip
"""A row of the mesh."""
LABELLED_VERTEX = np.dtype([*VERTEX.descr, ("label", "<u2")])
"""A row of the mesh with labels; NYU40."""
DEPTH_UNITS = 1000.0
"""A metre."""
_WORDS = {"f4": "float", "u1": "uchar", "u2": "ushort"}
_SENSOR = b"StructureSensor"


@dataclass(frozen=True)
class SensHeader:
    """What stands before the frames of a ``.sens``."""

    camera: Camera
    """Of the photos; its pose does not matter."""
    depth_width: int
    """Pixels."""
    depth_height: int
    """Pixels."""
    frames: int
    """How many frames follow."""
    color: int = 2
    """Compression of photos; 2 is JPEG."""
    depth: int = 1
    """Compression of depths; 1 is zlib."""

    def pack(self) -> bytes:
        """The bytes."""
        k, eye = self.camera, np.eye(4, dtype="<f4").tobytes()
        head = struct.pack("<IQ", 4, len(_SENSOR)) + _SENSOR
        for sx, sy in ((1.0, 1.0), (self.depth_width / k.width, self.depth_height / k.height)):
            intrinsics = np.eye(4, dtype="<f4")
            intrinsics[0, 0], intrinsics[1, 1] = k.fx * sx, k.fy * sy
            intrinsics[0, 2], intrinsics[1, 2] = k.cx * sx, k.cy * sy
            head += intrinsics.tobytes() + eye
        sizes = (self.color, self.depth, k.width, k.height, self.depth_width, self.depth_height)
        return head + struct.pack("<iiIIIIfQ", *sizes, DEPTH_UNITS, self.frames)


def sens_frame(pose: Float[ndarray, "4 4"], photo: bytes, depth: bytes) -> bytes:
    """One frame: camera-to-world, the photo and the depth, both as compressed as the header says."""
    return pose.astype("<f4").tobytes() + struct.pack("<QQQQ", 0, 0, len(photo), len(depth)) + photo + depth


def write_mesh(path: Path, vertices: ndarray, triangles: Integer[ndarray, "triangles 3"]) -> None:
    """A mesh as ScanNet delivers it; ``vertices`` are rows of `VERTEX` or `LABELLED_VERTEX`."""
    names = vertices.dtype.names or ()
    lines = ["ply", "format binary_little_endian 1.0", "comment MLIB generated", f"element vertex {len(vertices)}"]
    lines += [f"property {_WORDS[vertices.dtype[name].str[1:]]} {name}" for name in names]
    lines += [f"element face {len(triangles)}", "property list uchar int vertex_indices", "end_header", ""]
    faces = np.empty(len(triangles), [("corners", "u1"), ("vertices", "<i4", 3)])
    faces["corners"], faces["vertices"] = 3, triangles
    path.write_bytes("\n".join(lines).encode() + vertices.tobytes() + faces.tobytes())


def write_annotation(
    folder: Path,
    segments: Int64[ndarray, " vertices"],
    objects: Mapping[int, tuple[str, Sequence[int]]],
) -> None:
    """``.segs.json`` and ``.aggregation.json`` of the scan that ``folder`` is named after.

    ``segments``: that of each vertex. ``objects``: ``objectId`` -> label and segments.
    """
    name = folder.name
    segs = {"params": {}, "sceneId": name, "segIndices": segments.tolist()}
    (folder / f"{name}_vh_clean_2.0.010000.segs.json").write_text(json.dumps(segs))
    groups = [
        {"id": place, "objectId": number, "label": label, "segments": list(parts)}
        for place, (number, (label, parts)) in enumerate(objects.items())
    ]
    (folder / f"{name}.aggregation.json").write_text(json.dumps({"sceneId": name, "segGroups": groups}))
