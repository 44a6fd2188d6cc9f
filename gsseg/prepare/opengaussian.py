"""A ScanNet scene as OpenGaussian lays it out: color/, transforms_train.json, transforms_test.json, points3d.ply."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.io.posed import PhotoIndex
from gsseg.io.transforms import find_transforms, read_transforms
from gsseg.prepare.capture import FileSpan
from gsseg.scene import Camera


@dataclass(frozen=True, eq=False)
class OpenGaussianCapture:
    """A `Capture` of the training and test halves together."""

    path: Path
    """The folder."""
    camera: Camera
    """Of the photos."""
    names: list[str]
    """Stems of the photos, in the files' order."""
    poses: Float64[ndarray, "frames 4 4"]
    """As `Capture` says; frames without a finite one are not in it."""
    photos: list[Path]
    """One a frame."""

    @classmethod
    def open(cls, path: Path) -> "OpenGaussianCapture":
        """Reads the pose files; `InputError` where one is damaged, a photo is missing or cameras differ."""
        index = PhotoIndex(path)
        posed = [each for file in find_transforms(path) for each in read_transforms(file, index)[0]]
        first, photos = posed[0].camera, []
        for each in posed:
            if _lens(each.camera) != _lens(first) or each.lens is not None:
                raise InputError(path, f"the camera of {each.name} is not that of the first", "it is no ScanNet scan")
            if each.photo is None:
                raise InputError(path, f"lacks the photo {each.name}", "copy the whole folder")
            photos.append(each.photo)
        poses = np.stack([np.linalg.inv(each.camera.T_camera_world) for each in posed])
        return cls(path, first, [photo.stem for photo in photos], poses, photos)

    def photo(self, frame: int) -> FileSpan:
        """As `Capture` says."""
        return FileSpan(self.photos[frame])

    def depth_png(self, frame: int) -> bytes | None:
        """None: the layout has no depth."""
        return None


def _lens(camera: Camera) -> tuple[int | float, ...]:
    return camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy
