"""COLMAP models: ``cameras`` and ``images``, binary or text, of any COLMAP version.

An own reader of two small tables, with bounds: pycolmap was tried on damaged files and either raised a bare
``unordered_map::at`` that names no file or, for a truncated ``cameras.bin``, went on as if nothing were amiss. The
newer ``rigs`` and ``frames`` beside them are not needed, because COLMAP goes on writing every image's own pose
into ``images``. Points are read by `gsseg.io.sparse_points`, and a model without ``points3D`` is fine.

Poses are world-to-camera, quaternions wxyz, OpenCV axes: gsseg's own conventions.
Format: https://colmap.github.io/format.html
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.files import check_readable, reading
from gsseg.io.lens import split_lens
from gsseg.io.posed import PhotoIndex, PosedCamera, check_camera, check_photo_name, photo_key
from gsseg.scene import Camera
from gsseg.scene.rotations import rotation_matrices

CAMERA_MODELS = {
    0: ("SIMPLE_PINHOLE", 3), 1: ("PINHOLE", 4), 2: ("SIMPLE_RADIAL", 4), 3: ("RADIAL", 5), 4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8), 6: ("FULL_OPENCV", 12), 7: ("FOV", 5), 8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5), 10: ("THIN_PRISM_FISHEYE", 12), 11: ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
    12: ("SIMPLE_DIVISION", 4), 13: ("DIVISION", 5), 14: ("SIMPLE_FISHEYE", 3), 15: ("FISHEYE", 4),
    16: ("EUCM", 6), 17: ("EQUIRECTANGULAR", 2),
}  # fmt: skip
"""COLMAP's number for a camera model -> its name and how many parameters it has."""

_RESAVE = "save the model again with COLMAP"
_RawCamera = tuple[str, int, int, list[float]]
_RawImage = tuple[str, int, list[float]]


def find_colmap(scene: Path) -> Path | None:
    """The folder of a scene's COLMAP model: ``sparse/0``, else ``sparse``, whichever holds an ``images`` table."""
    for folder in (scene / "sparse" / "0", scene / "sparse"):
        if any((folder / f"{table}.{kind}").exists() for table in ("images", "cameras") for kind in ("bin", "txt")):
            return folder
    return None


def read_colmap(folder: Path | str, photos: PhotoIndex | None = None) -> tuple[list[PosedCamera], list[str]]:
    """The posed cameras of a COLMAP model in the order of its file, and a sentence for what was left out.

    Distorted models become a pinhole camera with the same focal lengths and principal point, and a `Lens`.
    Raises `InputError` where a table is missing, damaged or names a camera that does not exist, and where no image
    has a finite pose.
    """
    folder = Path(folder)
    cameras_path, images_path = _table(folder, "cameras"), _table(folder, "images")
    raw_cameras = dict(_cameras_bin(cameras_path) if cameras_path.suffix == ".bin" else _cameras_txt(cameras_path))
    raw_images = list(_images_bin(images_path) if images_path.suffix == ".bin" else _images_txt(images_path))
    if not raw_images:
        raise InputError(images_path, "holds no images", "register photos with COLMAP first")
    posed, notes, lost = [], [], []
    for name, camera_id, pose in raw_images:
        where = f"image {name}"
        if camera_id not in raw_cameras:
            known = ", ".join(map(str, sorted(raw_cameras)[:5])) or "none"
            raise InputError(
                images_path, f"{where}: camera {camera_id} is not in {cameras_path.name} (there: {known})", _RESAVE
            )
        check_photo_name(images_path, f"image {name[:60]}", name)
        T_camera_world = _transform(np.array(pose, np.float64))
        if not np.isfinite(T_camera_world).all():
            lost.append(name)
            continue
        model, width, height, params = raw_cameras[camera_id]
        try:
            (fx, fy, cx, cy), lens = split_lens(model, width, height, params)
        except ValueError as error:
            raise InputError(
                cameras_path, f"camera {camera_id}: {error}", "undistort with COLMAP's image_undistorter"
            ) from error
        camera = Camera(width, height, fx, fy, cx, cy, T_camera_world)
        check_camera(cameras_path, f"camera {camera_id}", camera)
        posed.append(PosedCamera(photo_key(name), camera, lens, photos.find(name) if photos is not None else None))
    if not posed:
        raise InputError(images_path, f"none of its {len(raw_images)} images has a finite pose", "run COLMAP again")
    if lost:
        notes.append(f"{len(lost)} of {len(raw_images)} images have no finite pose and are left out, e.g. {lost[0]}.")
    return posed, notes


def _table(folder: Path, name: str) -> Path:
    for suffix in (".bin", ".txt"):
        if (folder / (name + suffix)).exists():
            check_readable(folder / (name + suffix))
            return folder / (name + suffix)
    raise InputError(folder, f"has neither {name}.bin nor {name}.txt", "copy the whole COLMAP model")


def _transform(pose: np.ndarray) -> np.ndarray:
    """World-to-camera from a quaternion wxyz, of any length but 0, and a translation; else NaN."""
    transform = np.eye(4)
    with np.errstate(all="ignore"):
        # The largest component comes out first: neither 1e200 nor 1e-200 can be squared.
        quat = pose[:4] / np.abs(pose[:4]).max()
        transform[:3, :3] = rotation_matrices(quat[None] / np.linalg.norm(quat))[0]
    transform[:3, 3] = pose[4:]
    return transform


class _Bytes:
    """A file's bytes and a place in them; reading past the end is an `InputError`."""

    def __init__(self, path: Path) -> None:
        with reading(path):
            self.path, self.data, self.at = path, path.read_bytes(), 0

    def take(self, layout: str) -> tuple:
        end = self.at + struct.calcsize("<" + layout)
        self.skip(end - self.at)
        return struct.unpack_from("<" + layout, self.data, end - struct.calcsize("<" + layout))

    def skip(self, count: int) -> None:
        if self.at + count > len(self.data):
            problem = f"is truncated or damaged: a row at byte {self.at} reaches past its end ({len(self.data)} bytes)"
            raise InputError(self.path, problem, "copy it again")
        self.at += count

    def name(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            self.skip(len(self.data) + 1)
        name = self.data[self.at : end]
        self.at = end + 1
        return name.decode("utf-8", "replace")


def _cameras_bin(path: Path) -> Iterator[tuple[int, _RawCamera]]:
    # uint64 count, then: uint32 id, int32 model, uint64 width, uint64 height, float64 params of the model's number
    data = _Bytes(path)
    for _ in range(data.take("Q")[0]):
        camera_id, model, width, height = data.take("IiQQ")
        if model not in CAMERA_MODELS:
            raise InputError(path, f"camera {camera_id}: there is no camera model number {model}", _RESAVE)
        name, count = CAMERA_MODELS[model]
        yield camera_id, (name, width, height, list(data.take(f"{count}d")))


def _images_bin(path: Path) -> Iterator[_RawImage]:
    # uint64 count, then: uint32 id, float64 qw qx qy qz tx ty tz, uint32 camera, name and a zero byte, uint64 number
    # of image points, which are 24 bytes each (2 float64 and an int64) and are of no interest here.
    data = _Bytes(path)
    for _ in range(data.take("Q")[0]):
        _, *pose, camera_id = data.take("I7dI")
        name = data.name()
        data.skip(24 * data.take("Q")[0])
        yield name, camera_id, pose


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        with reading(path):
            text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(path, "is not a text file", _RESAVE) from error
    return [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1) if not line.startswith("#")]


def _cameras_txt(path: Path) -> Iterator[tuple[int, _RawCamera]]:
    for number, line in _lines(path):
        if not line:
            continue
        try:
            camera_id, model, width, height, *params = line.split()
            yield int(camera_id), (model, int(width), int(height), [float(value) for value in params])
        except ValueError as error:
            raise InputError(
                path, f"line {number} is not 'CAMERA_ID MODEL WIDTH HEIGHT PARAMS': {line[:60]!r}", _RESAVE
            ) from error


def _images_txt(path: Path) -> Iterator[_RawImage]:
    # Two lines an image; the second, its points, may be empty but is there, so blank lines count from the first on.
    lines = _lines(path)
    while lines and not lines[0][1]:
        lines.pop(0)
    while lines and not lines[-1][1]:
        lines.pop()
    for number, line in lines[::2]:
        try:
            _, *pose, camera_id, name = line.split(maxsplit=9)
            numbers = [float(value) for value in pose]
            if len(numbers) != 7:
                raise ValueError(line)
            yield name, int(camera_id), numbers
        except ValueError as error:
            raise InputError(
                path, f"line {number} is not 'IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME': {line[:60]!r}", _RESAVE
            ) from error
