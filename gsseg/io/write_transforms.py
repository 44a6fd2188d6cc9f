"""Cameras as nerfstudio's ``transforms.json``: what `gsseg.io.transforms` reads."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from gsseg.scene import Camera

_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Between OpenCV's camera axes (y down, z forward) and OpenGL's (y up, z backward)."""


def transforms_of(
    cameras: Sequence[Camera], photos: Sequence[str | PurePosixPath], more: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The content of the file: intrinsics of the first camera, and a frame for each photo, relative to the file.

    ``more``: what else to say of each frame. ValueError where cameras differ in more than their pose.
    """
    first = cameras[0]
    shared = {"w": first.width, "h": first.height, "fl_x": first.fx, "fl_y": first.fy, "cx": first.cx, "cy": first.cy}
    for camera in cameras:
        if [camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy] != list(shared.values()):
            raise ValueError("the cameras have different intrinsics")
    frames = [
        {"file_path": str(photo), "transform_matrix": (np.linalg.inv(camera.T_camera_world) @ _OPENGL).tolist()}
        for camera, photo in zip(cameras, photos, strict=True)
    ]
    for frame, extra in zip(frames, more, strict=False):
        frame.update(extra)
    return {"camera_model": "PINHOLE", **shared, "frames": frames}
