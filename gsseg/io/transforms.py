"""``transforms.json`` of nerfstudio and instant-ngp, ``transforms_train/test.json``, and Blender's variant.

Poses are camera-to-world with OpenGL axes (x right, y up, z backward) and are turned into gsseg's world-to-camera
with OpenCV axes (x right, y down, z forward). Intrinsics stand at the top or in the frame, which wins. Blender's
files give ``camera_angle_x`` and leave size and suffix to the photo.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.io.lens import LARGEST_DISTORTION, split_lens
from gsseg.io.numbers import (
    LARGEST_COORDINATE,
    LARGEST_FOCAL,
    LARGEST_OFFSET,
    LEAST_FOCAL,
    Bound,
    matrix,
    real_number,
)
from gsseg.io.picture import LONGEST_SIDE, photo_size
from gsseg.io.posed import PhotoIndex, PosedCamera, check_camera, check_photo_name, photo_key, rigid_transform
from gsseg.scene import Camera, Lens

_FLIP_YZ = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenGL camera axes to OpenCV's."""

_PERSPECTIVE = {"", "PINHOLE", "SIMPLE_PINHOLE", "OPENCV", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV", "PERSPECTIVE"}
_FISHEYE = {"OPENCV_FISHEYE", "FISHEYE"}
_CALIBRATE = "write the intrinsics that the photos were taken with"
_AGAIN = "copy or export it again"
_POSE = "write the camera-to-world pose"


def find_transforms(scene: Path) -> list[Path]:
    """The pose files of a scene folder: ``transforms.json``, else those of the training and test halves."""
    if (scene / "transforms.json").exists():
        return [scene / "transforms.json"]
    halves = (scene / f"transforms_{half}.json" for half in ("train", "val", "test"))
    return [path for path in halves if path.exists()]


def read_transforms(path: Path | str, photos: PhotoIndex | None = None) -> tuple[list[PosedCamera], list[str]]:
    """The posed cameras of one file in its order, and a sentence for what was left out.

    Frames whose pose is not finite (ScanNet marks lost tracking by -inf) are left out if others remain; so are
    frames whose size is neither stated nor to be had from a photo. Raises `InputError` with file, frame, rule and
    value where the file is no such JSON, a pose is not rigid or a camera impossible.
    """
    path = Path(path)
    meta = read_json_object(path, _AGAIN)
    frames = meta.get("frames")
    if not isinstance(frames, list) or not frames:
        raise InputError(path, "has no list 'frames' with at least one frame", "write one frame a photo")
    posed, lost, sizeless = [], [], []
    for index, frame in enumerate(frames):
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str) or not frame["file_path"]:
            raise InputError(path, f"frame {index}: has no 'file_path'", "name the photo, relative to this file")
        name = frame["file_path"]
        check_photo_name(path, f"frame {index}", name)
        where = f"frame {name}"
        pose = _pose(path, where, frame)
        if not np.isfinite(pose).all():
            lost.append(name)
            continue
        T_camera_world = _FLIP_YZ @ np.linalg.inv(rigid_transform(path, where, pose))
        photo = photos.find(name) if photos is not None else None
        camera, lens = _intrinsics(path, where, {**meta, **frame}, photo, T_camera_world)
        if camera is None:
            sizeless.append(name)
        else:
            posed.append(PosedCamera(photo_key(name), camera, lens, photo))
    if len(lost) == len(frames):
        raise InputError(path, f"none of its {len(frames)} frames has a finite pose", "run the pose estimation again")
    if not posed:
        raise InputError(path, f"frame {sizeless[0]}: neither 'w' and 'h' nor its photo is there", "add w and h")
    notes = []
    if lost:
        notes.append(f"{len(lost)} of {len(frames)} frames have no finite pose and are left out, e.g. {lost[0]}.")
    if sizeless:
        notes.append(
            f"{len(sizeless)} of {len(frames)} frames have neither a photo nor a stated size and are left out, "
            f"e.g. {sizeless[0]}."
        )
    return posed, notes


def _pose(path: Path, where: str, frame: dict[str, Any]) -> Float64[ndarray, "4 4"]:
    key, shapes = f"{where}: 'transform_matrix'", ((4, 4), (3, 4))
    pose = matrix(path, key, frame.get("transform_matrix"), _POSE, shapes=shapes, most=LARGEST_COORDINATE)
    if len(pose) == 3:
        pose = np.vstack([pose, [0.0, 0.0, 0.0, 1.0]])
    if np.isfinite(pose).all() and not np.allclose(pose[3], [0, 0, 0, 1], atol=1e-6):
        problem = f"the last row of 'transform_matrix' is {pose[3].tolist()}, must be [0, 0, 0, 1]"
        raise InputError(path, f"{where}: {problem}", _POSE)
    return pose


def _intrinsics(
    path: Path, where: str, values: dict[str, Any], photo: Path | None, T_camera_world: Float64[ndarray, "4 4"]
) -> tuple[Camera | None, Lens | None]:
    """The camera and lens of one frame; (None, None) where its size is unknown."""

    def number(key: str, least: Bound, most: Bound) -> float | None:
        value = values.get(key)
        if value is None:
            return None
        return real_number(path, f"{where}: '{key}'", value, _CALIBRATE, least=least, most=most)

    w, h = (number(key, 1, LONGEST_SIDE) for key in ("w", "h"))
    if w is None or h is None:
        if photo is None:
            return None, None
        w, h = map(float, photo_size(photo))
    width, height = round(w), round(h)
    fx, fy = (number(key, LEAST_FOCAL, LARGEST_FOCAL) for key in ("fl_x", "fl_y"))
    angle_x, angle_y = (number(key, 1e-6, math.pi - 1e-6) for key in ("camera_angle_x", "camera_angle_y"))
    if fx is None and angle_x is not None:
        fx = _focal(angle_x, width)
        fy = fy if fy is not None or angle_y is None else _focal(angle_y, height)
    if fx is None:
        raise InputError(path, f"{where}: has neither 'fl_x' nor 'camera_angle_x'", _CALIBRATE)
    fy = fx if fy is None else fy
    cx, cy = (number(key, -LARGEST_OFFSET, LARGEST_OFFSET) for key in ("cx", "cy"))
    cx, cy = width / 2 if cx is None else cx, height / 2 if cy is None else cy
    camera = Camera(width, height, float(fx), float(fy), float(cx), float(cy), T_camera_world)
    check_camera(path, where, camera)
    model, params = _distortion(path, where, values, lambda key: number(key, -LARGEST_DISTORTION, LARGEST_DISTORTION))
    try:
        return camera, split_lens(model, width, height, [camera.fx, camera.fy, camera.cx, camera.cy, *params])[1]
    except ValueError as error:
        raise InputError(path, f"{where}: {error}", _CALIBRATE) from error


def _focal(angle: float, pixels: int) -> float:
    return pixels / 2 / math.tan(angle / 2)


def _distortion(
    path: Path, where: str, values: dict[str, Any], number: Callable[[str], float | None]
) -> tuple[str, list[float]]:
    """COLMAP's model and its parameters after fx, fy, cx, cy."""
    model = str(values.get("camera_model", "")).upper()
    k1, k2, k3, k4, p1, p2 = (float(number(key) or 0.0) for key in ("k1", "k2", "k3", "k4", "p1", "p2"))
    if model in _FISHEYE or values.get("is_fisheye") is True:
        return "OPENCV_FISHEYE", [k1, k2, k3, k4]
    if model not in _PERSPECTIVE:
        raise InputError(path, f"{where}: the camera model {model!r} is not supported", "undistort the photos first")
    if model in ("PINHOLE", "SIMPLE_PINHOLE"):
        return "PINHOLE", []
    if k4:
        # nerfstudio, too, refuses it: OpenCV and COLMAP give the fourth number another meaning.
        raise InputError(
            path, f"{where}: k4 = {k4} has no meaning for a perspective lens", "undistort the photos first"
        )
    if k3:
        return "FULL_OPENCV", [k1, k2, p1, p2, k3, 0.0, 0.0, 0.0]
    return "OPENCV", [k1, k2, p1, p2]
