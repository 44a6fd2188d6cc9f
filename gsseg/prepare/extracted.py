"""A ScanNet scan that its SensReader has taken apart: color/17.jpg, pose/17.txt, depth/17.png, intrinsic/*.txt."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.json_file import read_text
from gsseg.io.numbers import LARGEST_COORDINATE
from gsseg.io.picture import photo_size
from gsseg.io.posed import PHOTO_SUFFIXES, check_camera
from gsseg.prepare.capture import FileSpan
from gsseg.scene import Camera

_LONGEST_MATRIX = 4096
"""Bytes of a text file with sixteen numbers."""
_AGAIN = "extract the scan again with ScanNet's SensReader"


@dataclass(frozen=True, eq=False)
class ExtractedCapture:
    """A `Capture` in folders."""

    path: Path
    """The folder that holds color, pose and intrinsic."""
    camera: Camera
    """Of the photos."""
    names: list[str]
    """Stems of the photos, by number."""
    poses: Float64[ndarray, "frames 4 4"]
    """As `Capture` says."""
    photos: list[Path]
    """One a frame."""

    @classmethod
    def open(cls, path: Path) -> "ExtractedCapture":
        """Reads the poses and intrinsics of all photos in ``path``; `InputError` where one is missing or damaged."""
        photos = [file for file in (path / "color").iterdir() if file.suffix.lower() in PHOTO_SUFFIXES]
        if not photos:
            raise InputError(path / "color", "holds no photos", _AGAIN)
        photos.sort(key=lambda file: (_number(file), file.name))
        intrinsics = path / "intrinsic" / "intrinsic_color.txt"
        k = read_matrix(intrinsics)
        if not np.isfinite(k).all():
            raise InputError(intrinsics, "has numbers that are not finite", _AGAIN)
        width, height = photo_size(photos[0])
        camera = Camera(width, height, float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]), np.eye(4))
        check_camera(intrinsics, "the colour camera", camera)
        poses = np.stack([read_matrix(path / "pose" / f"{file.stem}.txt") for file in photos])
        return cls(path, camera, [file.stem for file in photos], poses, photos)

    def photo(self, frame: int) -> FileSpan:
        """As `Capture` says."""
        return FileSpan(self.photos[frame])

    def depth_png(self, frame: int) -> bytes | None:
        """As `Capture` says: the file as it is."""
        file = self.path / "depth" / f"{self.names[frame]}.png"
        if not file.exists():
            return None
        photo_size(file)
        return file.read_bytes()


def read_matrix(path: Path) -> Float64[ndarray, "4 4"]:
    """Sixteen numbers of a text file, row by row, infinite ones among them; `InputError` for anything else."""
    check_readable(path)
    try:
        return parse_matrix(read_text(path, _LONGEST_MATRIX))
    except ValueError as error:
        raise InputError(path, f"is no matrix of 4 x 4 numbers ({error})", _AGAIN) from error


def parse_matrix(text: str) -> Float64[ndarray, "4 4"]:
    """Sixteen numbers parted by spaces or commas; ValueError for anything else, and for absurdly large ones."""
    words = text.replace(",", " ").split()
    if len(words) != 16:
        raise ValueError(f"{len(words)} words")
    values = np.array([float(word) for word in words]).reshape(4, 4)
    if (np.abs(values[np.isfinite(values)]) > LARGEST_COORDINATE).any():
        raise ValueError(f"a number is beyond {LARGEST_COORDINATE:g}")
    return values


def _number(file: Path) -> int:
    """The last number in a file's name, which is that of the frame."""
    found = re.findall(r"[0-9]{1,15}", file.stem)
    return int(found[-1]) if found else -1
