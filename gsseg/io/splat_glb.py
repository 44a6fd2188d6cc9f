"""Splats as GLB: glTF's binary container with the extension KHR_gaussian_splatting, and whose each Gaussian is.

A Gaussian is a point of a primitive: centre, rotation (xyzw), scale (linear), opacity (in [0, 1]) and spherical
harmonics, one attribute a coefficient, as they are in the file. What is of an object has its id as feature id of
EXT_mesh_features, and the objects are listed in the primitive's ``extras``. Programs that know neither extension show
coloured points. glTF's y is up: the node turns the scene, so that every number of a Gaussian stays what it was.

Sources: KhronosGroup/glTF, extensions KHR_gaussian_splatting (ratified) and CesiumGS's EXT_mesh_features; glTF 2.0,
section 4 (binary container).
"""

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import whole_file
from gsseg.ids import NO_OBJECT
from gsseg.scene import Gaussians
from gsseg.scene.sh import base_colors

SPLATS, FEATURES = "KHR_gaussian_splatting", "EXT_mesh_features"

LARGEST = (1 << 32) - 1
"""Bytes of a GLB: its header says them in 32 bits."""

_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_UNSIGNED_BYTE, _UNSIGNED_SHORT, _FLOAT = 5121, 5123, 5126
_ARRAY_BUFFER = 34962
_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}
_COEFFICIENTS = 16
"""The extension knows spherical harmonics to degree 3."""


def write_splat_glb(
    path: Path,
    gaussians: Gaussians,
    object_ids: Int32[ndarray, " gaussians"] | None = None,
    objects: Sequence[dict[str, Any]] = (),
    up: Float64[ndarray, "3"] | None = None,
) -> None:
    """Writes those Gaussians that can be drawn.

    ``object_ids``: -1 = none; None: without feature ids. ``objects``: what is said of the objects, as JSON. ``up``:
    unit vector of the world that becomes glTF's y; None: the axes stay. `InputError` where it would be too large for a
    GLB, or the file system refuses.
    """
    rows = torch.nonzero(gaussians.drawable)[:, 0]
    shown = gaussians.subset(rows).to("cpu")
    ids = None if object_ids is None else object_ids[rows.numpy()]
    buffer = _Buffer()
    attributes = {"POSITION": buffer.add(shown.means.numpy(), bounds=True)}
    attributes["COLOR_0"] = buffer.add(_fallback(shown), normalized=True)
    norms = shown.quats_wxyz.norm(dim=1, keepdim=True).clamp_min(1e-12)
    attributes[f"{SPLATS}:ROTATION"] = buffer.add((shown.quats_wxyz / norms)[:, [1, 2, 3, 0]].numpy())
    attributes[f"{SPLATS}:SCALE"] = buffer.add(shown.scales.numpy())
    attributes[f"{SPLATS}:OPACITY"] = buffer.add(shown.opacities.numpy()[:, None])
    for k in range(min(shown.sh.shape[1], _COEFFICIENTS)):
        degree = math.isqrt(k)
        name = f"{SPLATS}:SH_DEGREE_{degree}_COEF_{k - degree * degree}"
        attributes[name] = buffer.add(shown.sh[:, k].contiguous().numpy())
    extensions: dict[str, Any] = {
        SPLATS: {
            "kernel": "ellipse",
            "colorSpace": "srgb_rec709_display",
            "projection": "perspective",
            "sortingMethod": "cameraDistance",
        }
    }
    primitive: dict[str, Any] = {"mode": 0, "attributes": attributes, "extensions": extensions}
    if ids is not None:
        nobody = int(ids.max(initial=NO_OBJECT)) + 1
        attributes["_FEATURE_ID_0"] = buffer.add(_feature_ids(np.where(ids == NO_OBJECT, nobody, ids)))
        count = len(np.unique(ids[ids != NO_OBJECT]))
        extensions[FEATURES] = {
            "featureIds": [{"featureCount": count, "nullFeatureId": nobody, "attribute": 0, "label": "object"}]
        }
        primitive["extras"] = {"objects": list(objects)}
    node: dict[str, Any] = {"mesh": 0}
    if up is not None:
        node["rotation"] = _turn_to_y(up)
    content = {
        "asset": {"version": "2.0", "generator": "gsseg"},
        "extensionsUsed": sorted(extensions),
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [node],
        "meshes": [{"primitives": [primitive]}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": buffer.size}],
    }
    text = json.dumps(content, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 4)
    whole = 12 + 8 + len(text) + 8 + buffer.size
    if whole > LARGEST:
        problem = f"would have {whole / 1e9:.1f} GB, and a GLB holds at most 4.3"
        raise InputError(path, problem, "export fewer objects, or PLY")
    with whole_file(path) as beside, beside.open("wb") as stream:
        stream.write(struct.pack("<4sII", b"glTF", 2, whole))
        stream.write(struct.pack("<II", len(text), _JSON) + text)
        stream.write(struct.pack("<II", buffer.size, _BINARY))
        for part in buffer.parts:
            stream.write(part.data)


class _Buffer:
    """The binary chunk, and what the JSON says of its parts."""

    def __init__(self) -> None:
        self.parts: list[ndarray] = []
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.size = 0

    def add(
        self, values: Float[ndarray, "rows columns"] | ndarray, bounds: bool = False, normalized: bool = False
    ) -> int:
        """Appends an attribute, float32 or of whole numbers, and returns its accessor; rows begin at multiples of four
        bytes, as the format wants it."""
        rows, columns = values.shape
        kind = {"u1": _UNSIGNED_BYTE, "u2": _UNSIGNED_SHORT}.get(values.dtype.str[1:], _FLOAT)
        table = values.astype("<f4") if kind == _FLOAT else values
        stride = -(-table.itemsize * columns // 4) * 4
        padded = np.zeros((rows, stride), np.uint8)
        padded[:, : table.itemsize * columns] = np.ascontiguousarray(table).view(np.uint8).reshape(rows, -1)
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": padded.size, "target": _ARRAY_BUFFER}
        if stride != table.itemsize * columns:
            view["byteStride"] = stride
        accessor: dict[str, Any] = {"bufferView": len(self.views), "componentType": kind, "count": rows}
        accessor["type"] = _TYPES[columns]
        if normalized:
            accessor["normalized"] = True
        if bounds:  # of the float32 numbers that are in the file, which readers compare exactly
            accessor["min"], accessor["max"] = (part.astype(float).tolist() for part in (table.min(0), table.max(0)))
        self.views.append(view)
        self.accessors.append(accessor)
        self.parts.append(padded)
        self.size += padded.size
        return len(self.accessors) - 1


def _fallback(gaussians: Gaussians) -> ndarray:
    """RGBA for programs that draw points: glTF's vertex colours are linear, those of splats are not."""
    srgb = base_colors(gaussians).double().numpy()
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    rgba = np.concatenate([linear, gaussians.opacities.double().numpy()[:, None]], 1)
    return np.round(np.clip(rgba, 0.0, 1.0) * 255.0).astype(np.uint8)


def _feature_ids(ids: ndarray) -> ndarray:
    """A column of ids in a type that vertex attributes may have: 16 bits, or floats, which are exact to 2^24."""
    small = int(ids.max(initial=0)) <= np.iinfo(np.uint16).max
    return ids.astype(np.uint16 if small else np.float32)[:, None]


def _turn_to_y(up: Float64[ndarray, "3"]) -> list[float]:
    """The shortest rotation that takes a unit vector to y, as xyzw; half a turn about x where it is -y."""
    cosine = float(up[1])
    if cosine < -1 + 1e-9:
        return [1.0, 0.0, 0.0, 0.0]
    # up x y = (-up_z, 0, up_x): the half-angle formula of the quaternion between two unit vectors.
    quaternion = np.array([-up[2], 0.0, up[0], 1.0 + cosine])
    return (quaternion / np.linalg.norm(quaternion)).tolist()
