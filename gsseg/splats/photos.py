"""Photos as training compares with them: read when their turn comes, kept within bounds, in planes of float32."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.photos import fit_photo, read_opacity, read_photo, seen_pixels
from gsseg.render.vector_code import LANES
from gsseg.scene import Camera, View

LEAST_SIDE = 48
"""Photos are not shrunk below so many pixels on their shorter side."""


@dataclass(frozen=True, eq=False)
class Photo:
    """One photo at one size; rows are padded with 0 to whole blocks of the renderer."""

    camera: Camera
    """Of the photo's size."""
    pixels: Float32[ndarray, "3 height stride"]
    """In [0, 1]; over black where it is transparent."""
    seen: Float32[ndarray, "height stride"] | None
    """1 where the photo shows something, 0 where the lens left it none; None: all of it."""
    clear: Float32[ndarray, "height stride"] | None
    """1 where the photo is transparent, 0 where it is opaque; None where it has no transparency."""


@dataclass(frozen=True, eq=False)
class _Bytes:
    """What is kept of one photo at one size: a quarter of the memory."""

    camera: Camera
    pixels: UInt8[ndarray, "height width 3"]
    seen: UInt8[ndarray, "height width"] | None
    opacity: UInt8[ndarray, "height width"] | None

    @property
    def nbytes(self) -> int:
        return self.pixels.nbytes + sum(each.nbytes for each in (self.seen, self.opacity) if each is not None)


def shrunk(camera: Camera, shrink: int) -> Camera:
    """The camera at 1 / ``shrink`` of its size, or as near to it as `LEAST_SIDE` lets it."""
    factor = min(float(shrink), max(1.0, min(camera.width, camera.height) / LEAST_SIDE))
    return camera if factor == 1 else camera.resized(round(camera.width / factor), round(camera.height / factor))


class PhotoCache:
    """The photos of some views at any size, the last used of them kept in memory."""

    def __init__(self, views: Sequence[View], budget_mb: int) -> None:
        self.views = views
        self._budget = budget_mb << 20
        self._kept: OrderedDict[tuple[int, int], _Bytes] = OrderedDict()
        self._size = 0

    def read(self, index: int, shrink: int) -> Photo:
        """The photo of a view at 1 / ``shrink`` of its size; `InputError` where it cannot be read."""
        key = (index, shrink)
        found = self._kept.pop(key, None)
        if found is None:
            found = _read(self.views[index], shrink)
            self._size += found.nbytes
        self._kept[key] = found
        while self._size > self._budget and len(self._kept) > 1:
            self._size -= self._kept.popitem(last=False)[1].nbytes
        return _planes(found)


def _read(view: View, shrink: int) -> _Bytes:
    pixels, seen, opacity = Image.fromarray(read_photo(view)), seen_pixels(view), read_opacity(view)
    if opacity is not None and not opacity.any():
        raise InputError(view.photo or view.name, "is transparent everywhere", "mask less of it, or leave it out")
    camera = shrunk(view.camera, shrink)

    def reduced(values: UInt8[ndarray, "height width"]) -> UInt8[ndarray, "rows columns"]:
        return fit_photo(Image.fromarray(np.repeat(values[:, :, None], 3, 2)), camera, None)[:, :, 0]

    return _Bytes(
        camera,
        fit_photo(pixels, camera, None),
        None if seen is None else (reduced(np.where(seen, np.uint8(255), np.uint8(0))) == 255).astype(np.uint8),
        None if opacity is None else reduced(opacity),
    )


def _planes(kept: _Bytes) -> Photo:
    height, width = kept.pixels.shape[:2]
    stride = -(-width // LANES) * LANES
    pixels = np.zeros((3, height, stride), np.float32)
    pixels[:, :, :width] = kept.pixels.transpose(2, 0, 1)
    pixels *= np.float32(1 / 255)

    def plane(values: ndarray) -> Float32[ndarray, "height stride"]:
        out = np.zeros((height, stride), np.float32)
        out[:, :width] = values
        return out

    photo = Photo(kept.camera, pixels, None, None)
    if kept.seen is not None:
        photo = replace(photo, seen=plane(kept.seen))
    if kept.opacity is not None:
        photo = replace(photo, clear=plane(1.0 - kept.opacity / np.float32(255)))
    return photo
