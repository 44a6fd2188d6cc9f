"""A camera as a pose file states it, before photos and masks are found and a resolution is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import all_below
from gsseg.io.numbers import LARGEST_COORDINATE, LARGEST_FOCAL, LARGEST_OFFSET, LEAST_FOCAL, real_number
from gsseg.io.picture import LONGEST_SIDE, MOST_PIXELS
from gsseg.scene import Camera, Lens

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
LONGEST_NAME = 1024
"""Letters of a photo's path in a pose file; 255 of one part of it, as in file systems."""
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
            for path in all_below(scene / folder):
                if path.suffix.lower() in PHOTO_SUFFIXES:
                    key = photo_key(path.relative_to(scene / folder).as_posix()).lower()
                    self.by_key.setdefault(key, path)

    def find(self, name: str) -> Path | None:
        """The photo that ``name`` (relative to the scene or to a photo folder, with or without suffix) means.

        It is followed on disk inside the scene and, as ``../images/0001.jpg``, in the folder that holds the scene.
        A path that leads elsewhere, or from the root of a disk, was written on another machine: only its last parts
        are looked for, in the scene.
        """
        name = name.replace("\\", "/")
        followed = ("", *PHOTO_SUFFIXES, *(suffix.upper() for suffix in PHOTO_SUFFIXES)) if _is_near(name) else ()
        for suffix in followed:
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


def _is_near(name: str) -> bool:
    """Whether a path is relative and never leads above the folder that holds the scene."""
    depth, lowest = 0, 0
    for part in name.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        lowest = min(lowest, depth)
    return lowest >= -1 and not name.startswith("/") and ":" not in name.split("/")[0]


def check_photo_name(path: Path, where: str, name: str) -> None:
    """Raises `InputError` where a name in a pose file cannot be a photo's, on any file system."""
    parts = photo_key(name).split("/")
    plain = name.isprintable() and len(name) <= LONGEST_NAME and max(map(len, name.split("/"))) <= 255
    if not plain or parts[-1].strip() in ("", ".", ".."):
        problem = f"{where}: {name[:60]!r} is no name of a photo"
        raise InputError(path, problem, "name the photo, relative to the scene's folder")


def rigid_transform(path: Path, where: str, matrix: Float64[ndarray, "4 4"]) -> Float64[ndarray, "4 4"]:
    """The rigid transform nearest to a finite ``matrix``; `InputError` where that is not near."""
    rotation = matrix[:3, :3]
    off = float(np.abs(rotation.T @ rotation - np.eye(3)).max())
    if not off <= RIGID_TOLERANCE or np.linalg.det(rotation) < 0:
        with np.errstate(all="ignore"):  # a matrix that is far off may have no determinant in float64
            value = f"R^T R is {off:.3g} off the identity, det R is {np.linalg.det(rotation):.3g}"
        raise InputError(path, f"{where}: the pose is not rigid ({value})", "write a rotation and a translation only")
    u, _, vt = np.linalg.svd(rotation)
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = u @ vt, matrix[:3, 3]
    return rigid


def check_camera(path: Path, where: str, camera: Camera) -> None:
    """Raises `InputError` where pose, size, focal length or principal point cannot be a camera's."""
    width, height = camera.width, camera.height
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE and width * height <= MOST_PIXELS):
        problem = f"{where}: the image size {width} x {height} is not within 1 to {LONGEST_SIDE} pixels a side"
        raise InputError(path, f"{problem} and {MOST_PIXELS // 10**6} million in all", "correct w and h")
    again = "calibrate the camera again"
    for name in ("fx", "fy"):
        key = f"{where}: the focal length {name}"
        real_number(path, key, getattr(camera, name), again, least=LEAST_FOCAL, most=LARGEST_FOCAL)
    for name in ("cx", "cy"):
        key = f"{where}: the principal point {name}"
        real_number(path, key, getattr(camera, name), again, least=-LARGEST_OFFSET, most=LARGEST_OFFSET)
    if not (np.abs(camera.T_camera_world) <= LARGEST_COORDINATE).all():  # false for NaN too
        most = f"is not finite or farther than {LARGEST_COORDINATE:g} from the origin"
        raise InputError(path, f"{where}: the pose {most}", "estimate the poses again, or move the world")
