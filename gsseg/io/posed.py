"""A camera as a pose file states it, before photos and masks are found and a resolution is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.scene import Camera, Lens

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
RIGID_TOLERANCE = 0.01
"""Largest deviation of R^T R from the identity that is taken for rounding and straightened."""


@dataclass(frozen=True, eq=False)
class PosedCamera:
    """One line of a pose file."""

    name: str
    """The photo as the file names it, with forward slashes and without a photo's suffix: ``images/0001``."""
    camera: Camera
    """At the size the file states (or the photo has); pinhole, the lens set aside."""
    lens: Lens | None
    """Distortion of the photo, None where there is none."""
    photo: Path | None
    """The photo on disk, if it is there."""


def photo_key(name: str) -> str:
    """A photo's path without its suffix; a stem may hold dots, and nerfstudio's and Blender's files leave it out."""
    name = name.replace("\\", "/").removeprefix("./")
    for suffix in PHOTO_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


class PhotoIndex:
    """The photos of a scene folder, found by however a pose file may call them."""

    def __init__(self, scene: Path, folders: Sequence[str] = ("images", "color")) -> None:
        self.scene = scene
        self.by_key: dict[str, Path] = {}
        for folder in folders:
            for path in sorted((scene / folder).rglob("*")):
                if path.suffix.lower() in PHOTO_SUFFIXES:
                    key = photo_key(path.relative_to(scene / folder).as_posix()).lower()
                    self.by_key.setdefault(key, path)

    def find(self, name: str) -> Path | None:
        """The photo that ``name`` (relative to the scene or to a photo folder, with or without suffix) means."""
        name = name.replace("\\", "/")
        for suffix in ("", *PHOTO_SUFFIXES, *(suffix.upper() for suffix in PHOTO_SUFFIXES)):
            path = self.scene / (name + suffix)
            if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file():
                return path
        parts = photo_key(name).lower().split("/")
        # Pose files made elsewhere carry that place's folders, so every tail of the path is tried, longest first.
        for start in range(len(parts)):
            path = self.by_key.get("/".join(parts[start:]))
            if path is not None:
                return path
        return None


def rigid_transform(path: Path, where: str, matrix: Float64[ndarray, "4 4"]) -> Float64[ndarray, "4 4"]:
    """The rigid transform nearest to a finite ``matrix``; `InputError` where that is not near."""
    rotation = matrix[:3, :3]
    off = float(np.abs(rotation.T @ rotation - np.eye(3)).max())
    if off > RIGID_TOLERANCE or np.linalg.det(rotation) < 0:
        value = f"R^T R is {off:.3g} off the identity, det R is {np.linalg.det(rotation):.3g}"
        raise InputError(path, f"{where}: the pose is not rigid ({value})", "write a rotation and a translation only")
    u, _, vt = np.linalg.svd(rotation)
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = u @ vt, matrix[:3, 3]
    return rigid


def check_intrinsics(path: Path, where: str, camera: Camera) -> None:
    """Raises `InputError` where size, focal length or principal point cannot be a camera's."""
    if not (0 < camera.width <= 65535 and 0 < camera.height <= 65535):
        size = f"{camera.width} x {camera.height}"
        raise InputError(path, f"{where}: the image size {size} is not within 1 to 65535 pixels", "correct w and h")
    for name in ("fx", "fy"):
        value = getattr(camera, name)
        if not (np.isfinite(value) and value > 0):
            raise InputError(
                path, f"{where}: the focal length {name} is {value:g}, must be positive", "calibrate the camera again"
            )
    for name in ("cx", "cy"):
        if not np.isfinite(getattr(camera, name)):
            raise InputError(path, f"{where}: the principal point {name} is not a number", "calibrate the camera again")
