"""nerfstudio turns and shrinks the world before it trains: cameras follow where its splats went.

``dataparser_transforms.json`` (in nerfstudio's output folder) holds a rigid ``transform`` (3, 4) and a ``scale``
from the photos' original world; the poses of ``transforms.json`` may stand in an already turned one, which
``applied_transform`` and ``applied_scale`` there describe. A point goes by p' = scale * (transform p).
Source: nerfstudio, ``nerfstudio_dataparser.py``.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import LARGEST_COORDINATE, LARGEST_SCALE, matrix, real_number
from gsseg.io.posed import PosedCamera, check_camera, rigid_transform

FILE_NAME = "dataparser_transforms.json"
_AGAIN = "copy it again from nerfstudio's output"


def follow_nerfstudio(posed: list[PosedCamera], transforms: Path, dataparser: Path) -> list[PosedCamera]:
    """The cameras of ``transforms`` in the world of splats that nerfstudio trained and that ``dataparser`` describes.

    Raises `InputError` where either file does not hold a rigid transform and a positive scale.
    """
    return _moved(posed, dataparser, *_T_new_json(transforms, dataparser))


def original_world(posed: list[PosedCamera], transforms: Path) -> list[PosedCamera]:
    """The cameras of ``transforms`` in the world of the photos' COLMAP model, of which nerfstudio keeps no pose.

    Raises `InputError` where ``applied_transform`` is not rigid or ``applied_scale`` not positive.
    """
    return _moved(posed, transforms, *_T_original_json(transforms))


def T_json_original(transforms: Path) -> Float64[ndarray, "4 4"]:
    """How nerfstudio turned the world of the photos before it wrote ``transforms``; the identity where it did not."""
    meta = read_json_object(transforms, _AGAIN)
    return _rigid(transforms, "applied_transform", meta.get("applied_transform", np.eye(4)[:3].tolist()))


def move_points(
    points: Float64[ndarray, "points 3"], transforms: Path, dataparser: Path
) -> Float64[ndarray, "points 3"]:
    """Points of the world of ``transforms`` in that of the splats, as `follow_nerfstudio` moves cameras."""
    T_new_json, scale = _T_new_json(transforms, dataparser)
    return scale * (points @ T_new_json[:3, :3].T + T_new_json[:3, 3])


def _T_original_json(transforms: Path) -> tuple[Float64[ndarray, "4 4"], float]:
    """Out of the world of ``transforms``: rigid transform, and the scale that comes after it."""
    meta = read_json_object(transforms, _AGAIN)
    scale = _scale(transforms, "applied_scale", meta.get("applied_scale", 1.0))
    return np.linalg.inv(T_json_original(transforms)), 1.0 / scale


def _T_new_json(transforms: Path, dataparser: Path) -> tuple[Float64[ndarray, "4 4"], float]:
    """Likewise, on into the world of the splats."""
    moved = read_json_object(dataparser, _AGAIN)
    T_new_original = _rigid(dataparser, "transform", moved.get("transform"))
    T_original_json, scale = _T_original_json(transforms)
    return T_new_original @ T_original_json, scale * _scale(dataparser, "scale", moved.get("scale"))


def _moved(
    posed: list[PosedCamera], blamed: Path, T_new_json: Float64[ndarray, "4 4"], scale: float
) -> list[PosedCamera]:
    cameras = [replace(one, camera=replace(one.camera, T_camera_world=_move(one, T_new_json, scale))) for one in posed]
    for one in cameras:
        check_camera(blamed, f"the camera of {one.name}", one.camera)
    return cameras


def _move(one: PosedCamera, T_new_old: Float64[ndarray, "4 4"], scale: float) -> Float64[ndarray, "4 4"]:
    # A camera cannot tell a world from one `scale` times as large, so depth may be multiplied to stay rigid.
    T_camera_new = one.camera.T_camera_world @ np.linalg.inv(T_new_old)
    T_camera_new[:3, 3] *= scale
    return T_camera_new


def _rigid(path: Path, key: str, value: object) -> Float64[ndarray, "4 4"]:
    rows = matrix(path, f"'{key}'", value, _AGAIN, shapes=((3, 4), (4, 4)), most=LARGEST_COORDINATE)
    if not np.isfinite(rows).all():
        raise InputError(path, f"'{key}' has numbers that are not finite", _AGAIN)
    return rigid_transform(path, key, np.vstack([rows[:3], [0.0, 0.0, 0.0, 1.0]]))


def _scale(path: Path, key: str, value: object) -> float:
    return real_number(path, f"'{key}'", value, _AGAIN, least=1 / LARGEST_SCALE, most=LARGEST_SCALE)
