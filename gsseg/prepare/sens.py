"""ScanNet's ``.sens``, version 4: colour, depth and pose of every frame of a scan in one file. Little endian:

    u32 version (4) | u64 length, sensor's name | float32 4x4: intrinsics and extrinsics of colour, then of depth
    i32 colour compression (0 raw, 1 PNG, 2 JPEG) | i32 depth compression (0 raw, 1 zlib, 2 OCCI; of uint16)
    u32 width, height of colour | u32 width, height of depth | float32 depth units a metre | u64 frames
    a frame: float32 4x4 camera-to-world | u64 time of colour, of depth | u64 bytes of colour, of depth | the bytes

What the header promises is compared with the file before memory is taken for it; of the frames only the 96 bytes before
each photo are read. Source: ScanNet, ``SensReader/python/SensorData.py``.
"""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.io.picture import check_size
from gsseg.io.posed import check_camera
from gsseg.prepare.capture import FileSpan
from gsseg.scene import Camera

VERSION = 4
LONGEST_NAME = 4096
"""Bytes of the sensor's name."""
PNG, JPEG = 1, 2
RAW_DEPTH, ZLIB_DEPTH = 0, 1

_AGAIN = "copy or download it again"
_MATRICES = np.dtype([("intrinsic_color", "<f4", (4, 4)), ("extrinsic_color", "<f4", (4, 4)),
                      ("intrinsic_depth", "<f4", (4, 4)), ("extrinsic_depth", "<f4", (4, 4)),
                      ("color_compression", "<i4"), ("depth_compression", "<i4"),
                      ("color_width", "<u4"), ("color_height", "<u4"), ("depth_width", "<u4"), ("depth_height", "<u4"),
                      ("depth_shift", "<f4"), ("frames", "<u8")])  # fmt: skip
_FRAME = np.dtype([("pose", "<f4", (4, 4)), ("times", "<u8", 2), ("color", "<u8"), ("depth", "<u8")])


@dataclass(frozen=True, eq=False)
class SensFile:
    """A `Capture` in a ``.sens`` file."""

    path: Path
    """The file."""
    camera: Camera
    """Of the photos."""
    header: np.void
    """The header's fields after the sensor's name."""
    frames: ndarray
    """(frames,) what stands before each photo."""
    starts: ndarray
    """(frames,) the first byte of each photo; that of the depth follows its last."""

    @classmethod
    def open(cls, path: Path) -> "SensFile":
        """Reads the header and where the frames are.

        Raises `InputError`, which names the byte, where the file is no such file, ends early or promises what it has
        not; and for photos that are neither JPEG nor PNG.
        """
        check_readable(path)
        with path.open("rb") as stream:
            header, size = _read_header(path, stream), path.stat().st_size
            frames, starts = _read_frames(path, stream, int(header["frames"]), size)
        check_size(path, int(header["color_width"]), int(header["color_height"]))
        k = header["intrinsic_color"].astype(np.float64)
        width, height = int(header["color_width"]), int(header["color_height"])
        camera = Camera(width, height, float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]), np.eye(4))
        check_camera(path, "its colour camera", camera)
        return cls(path, camera, header, frames, starts)

    @property
    def names(self) -> list[str]:
        """``000017``."""
        return [f"{frame:06d}" for frame in range(len(self.frames))]

    @property
    def poses(self) -> Float64[ndarray, "frames 4 4"]:
        """As `Capture` says."""
        return self.frames["pose"].astype(np.float64)

    def photo(self, frame: int) -> FileSpan:
        """As `Capture` says."""
        size = int(self.frames["color"][frame])
        return FileSpan(self.path, int(self.starts[frame]), size, f"the photo of frame {frame}")

    def depth_png(self, frame: int) -> bytes:
        """As `Capture` says; in the file's units, of which there are ``depth_shift`` a metre."""
        size, start = int(self.frames["depth"][frame]), int(self.starts[frame]) + int(self.frames["color"][frame])
        span = FileSpan(self.path, start, size, f"the depth of frame {frame}")
        width, height = int(self.header["depth_width"]), int(self.header["depth_height"])
        check_size(self.path, width, height)
        values = _decompressed(span, int(self.header["depth_compression"]), 2 * width * height)
        picture = io.BytesIO()
        depth = np.frombuffer(values, "<u2").reshape(height, width)
        Image.fromarray(depth.astype(np.uint16)).save(picture, "PNG", compress_level=1)
        return picture.getvalue()


def _read_header(path: Path, stream: BinaryIO) -> np.void:
    head = stream.read(12)
    version, length = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
    if len(head) < 12 or version != VERSION:
        raise InputError(path, f"is no .sens file of version {VERSION} (it begins with {version})", _AGAIN)
    if length > LONGEST_NAME:
        problem = f"byte 4: promises a sensor's name of {length} bytes, at most {LONGEST_NAME} are read"
        raise InputError(path, problem, _AGAIN)
    stream.seek(12 + length)
    content = stream.read(_MATRICES.itemsize)
    if len(content) < _MATRICES.itemsize:
        raise InputError(path, f"byte {12 + length}: ends within its header", _AGAIN)
    header = np.frombuffer(content, _MATRICES)[0]
    if header["color_compression"] not in (PNG, JPEG):
        problem = f"holds photos of compression {header['color_compression']}; 1 (PNG) and 2 (JPEG) are read"
        raise InputError(path, problem, "extract it with ScanNet's SensReader")
    return header


def _read_frames(path: Path, stream: BinaryIO, count: int, size: int) -> tuple[ndarray, ndarray]:
    at = stream.tell()
    if count == 0 or count * (_FRAME.itemsize + 1) > size - at:
        problem = f"byte {at - 8}: promises {count} frames, {size - at} bytes follow"
        raise InputError(path, problem, _AGAIN)
    frames, starts = np.empty(count, _FRAME), np.empty(count, np.int64)
    for frame in range(count):
        stream.seek(at)
        content = stream.read(_FRAME.itemsize)
        if len(content) < _FRAME.itemsize:
            raise InputError(path, f"byte {at}: ends within frame {frame} of {count}", _AGAIN)
        frames[frame] = np.frombuffer(content, _FRAME)[0]
        starts[frame] = at + _FRAME.itemsize
        color, depth = int(frames["color"][frame]), int(frames["depth"][frame])
        if color == 0 or at + _FRAME.itemsize + color + depth > size:
            problem = f"byte {at}: frame {frame} of {count} promises {color} + {depth} bytes"
            raise InputError(path, f"{problem}, {size - at - _FRAME.itemsize} follow", _AGAIN)
        at += _FRAME.itemsize + color + depth
    return frames, starts


def _decompressed(span: FileSpan, compression: int, wanted: int) -> bytes:
    if compression not in (RAW_DEPTH, ZLIB_DEPTH):
        raise span.wrong(f"is of compression {compression}; 0 (raw) and 1 (zlib) are read")
    content = span.read()
    if compression == ZLIB_DEPTH:
        try:
            # One byte more than is wanted tells what is too long, and a bomb of zeros is never unpacked.
            content = zlib.decompressobj().decompress(content, wanted + 1)
        except zlib.error as error:
            raise span.wrong(f"cannot be unpacked ({error})") from error
    if len(content) != wanted:
        found = "more" if len(content) > wanted else f"{len(content)}"
        raise span.wrong(f"has {found} bytes, its size asks for {wanted}")
    return content
