"""From the pixels of a view to those of a photo or mask of any size, lens distortion included.

A distorted photo is undistorted to a pinhole camera of the same size, focal lengths and principal point: the
picture keeps its scale in the middle, and no pixel moves where the lens did nothing. A wide lens loses its
corners, and pixels that the photo never saw are 0. Lens mathematics: COLMAP's, through `pycolmap`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pycolmap
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.io.numbers import LARGEST_OFFSET
from gsseg.io.picture import LONGEST_SIDE
from gsseg.scene import Camera, Lens
from gsseg.threads import run_all, spans

NO_DISTORTION = {"SIMPLE_PINHOLE", "PINHOLE"}
LARGEST_DISTORTION = 1e6
"""Of a parameter of a lens beside focal lengths and principal point; real ones stay below 100."""
_BLOCK_PIXELS = 1 << 18
"""Rays are sent through the lens by so many at a time, which takes 30 MB however large the picture is."""


def lens_model(model: str, width: int, height: int, params: Sequence[float]) -> pycolmap.Camera:
    """COLMAP's camera of that name; ValueError where there is none, or it takes other parameters."""
    if model not in pycolmap.CameraModelId.__members__ or model == "INVALID":
        raise ValueError(f"the camera model {model!r} is not one of COLMAP's")
    if not 0 < width <= LONGEST_SIDE or not 0 < height <= LONGEST_SIDE:
        raise ValueError(f"the image size {width} x {height} is not within 1 to {LONGEST_SIDE} pixels")
    if not all(abs(value) <= LARGEST_OFFSET for value in params):  # false for NaN too
        raise ValueError("a parameter is not finite, or is absurdly large")
    camera = pycolmap.Camera(model=model, width=width, height=height, params=list(params))
    if not camera.verify_params():
        raise ValueError(f"the camera model {model} takes {camera.params_info!r}, {len(params)} numbers are given")
    return camera


def split_lens(
    model: str, width: int, height: int, params: Sequence[float]
) -> tuple[tuple[float, float, float, float], Lens | None]:
    """(fx, fy, cx, cy) of a COLMAP camera, and its `Lens`; None where the photo is a pinhole picture already.

    Raises ValueError where the model is unknown or no lens can turn its photo into a pinhole picture (panoramas).
    """
    camera = lens_model(model, width, height, params)
    if not len(camera.focal_length_idxs()):
        raise ValueError(f"{model} is a panorama, which no pinhole camera sees")
    pinhole = camera.focal_length_x, camera.focal_length_y, camera.principal_point_x, camera.principal_point_y
    known = {*camera.focal_length_idxs(), *camera.principal_point_idxs()}
    extra = [value for i, value in enumerate(params) if i not in known]
    if any(abs(value) > LARGEST_DISTORTION for value in extra):
        raise ValueError(f"a parameter of the lens is beyond {LARGEST_DISTORTION:g}")
    fisheye = "FISHEYE" in model or model in ("FOV", "EUCM")
    if model in NO_DISTORTION or (not fisheye and not any(extra)):
        return pinhole, None
    return pinhole, Lens(model, width, height, tuple(float(value) for value in params))


def sample_points(
    camera: Camera, lens: Lens
) -> tuple[Float32[ndarray, "height width 2"], Bool[ndarray, "height width"]]:
    """Where in the photo, as fractions of its width and height, the view's pixel centres are; and whether inside."""
    return _sample_points(camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, lens)


@lru_cache(maxsize=4)  # the views of a scene share one camera, or a few
def _sample_points(
    width: int, height: int, fx: float, fy: float, cx: float, cy: float, lens: Lens
) -> tuple[Float32[ndarray, "height width 2"], Bool[ndarray, "height width"]]:
    fractions, inside = np.empty((height, width, 2), np.float32), np.empty((height, width), bool)
    distorted = lens_model(lens.model, lens.width, lens.height, lens.params)
    step = max(1, _BLOCK_PIXELS // width)
    for top in range(0, height, step):
        part = slice(top, min(top + step, height))
        columns = (np.arange(width) + 0.5 - cx) / fx
        rows = (np.arange(part.start, part.stop) + 0.5 - cy) / fy
        fractions[part], inside[part] = _see(distorted, columns, rows)
    return fractions, inside


def _see(
    distorted: pycolmap.Camera, columns: Float64[ndarray, " width"], rows: Float64[ndarray, " height"]
) -> tuple[Float32[ndarray, "height width 2"], Bool[ndarray, "height width"]]:
    """`sample_points` of the rays (column, row, 1)."""
    x, y = np.meshgrid(columns, rows)
    rays = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], 1)
    points = np.asarray(distorted.img_from_cam(rays))
    # A distortion polynomial turns back beyond the field it was fitted to, and would show the photo's edge twice:
    # a pixel counts only where the next ray outwards is seen farther out.
    farther = np.asarray(distorted.img_from_cam(rays * (1.001, 1.001, 1.0)))
    centre = np.array([distorted.principal_point_x, distorted.principal_point_y])
    with np.errstate(all="ignore"):  # NaN: behind the lens
        grows = ((farther - centre) ** 2).sum(1) >= ((points - centre) ** 2).sum(1)
        fractions = points / (distorted.width, distorted.height)
        inside = grows & (fractions >= 0).all(1) & (fractions < 1).all(1)
    fractions = np.where(inside[:, None], fractions, 0).astype(np.float32)
    return fractions.reshape(len(rows), len(columns), 2), inside.reshape(len(rows), len(columns))


def nearest_pixels(
    camera: Camera, lens: Lens | None, width: int, height: int
) -> tuple[Int64[ndarray, "..."], Int64[ndarray, "..."], Bool[ndarray, "height width"] | None]:
    """Rows and columns (they broadcast to the view's size) of the nearest pixels in a picture of the given size.

    The third value is False where the picture saw nothing, or None where it saw everything.
    """
    if lens is None:
        rows = ((np.arange(camera.height) + 0.5) * height / camera.height).astype(np.int64)
        columns = ((np.arange(camera.width) + 0.5) * width / camera.width).astype(np.int64)
        return rows[:, None], columns[None, :], None
    fractions, inside = sample_points(camera, lens)
    rows = np.minimum((fractions[..., 1] * height).astype(np.int64), height - 1)
    columns = np.minimum((fractions[..., 0] * width).astype(np.int64), width - 1)
    return rows, columns, inside


def undistort(
    picture: UInt8[ndarray, "rows columns 3"], camera: Camera, lens: Lens
) -> UInt8[ndarray, "height width 3"]:
    """A distorted picture as the view's pinhole camera sees it: bilinear; 0 where the picture saw nothing."""
    fractions, inside = sample_points(camera, lens)
    out = np.zeros((camera.height, camera.width, 3), np.uint8)
    picture = np.ascontiguousarray(picture)
    run_all(
        lambda part=slice(*span): _interpolate(picture, fractions[part], inside[part], out[part])
        for span in spans(camera.height)
    )
    return out


@njit(cache=True, nogil=True)
def _interpolate(
    picture: UInt8[ndarray, "rows columns 3"],
    fractions: Float32[ndarray, "height width 2"],
    inside: Bool[ndarray, "height width"],
    out: UInt8[ndarray, "height width 3"],
) -> None:
    """Fills ``out``, which is 0, with the picture between its pixels' centres. Compiled, it takes no memory: numpy's
    arrays of places and shares were 180 bytes a pixel, 35 GB for the largest photos."""
    rows, columns = picture.shape[:2]
    for v in range(out.shape[0]):
        for u in range(out.shape[1]):
            if not inside[v, u]:
                continue
            x = min(max(fractions[v, u, 0] * np.float32(columns) - np.float32(0.5), 0.0), columns - 1.0)
            y = min(max(fractions[v, u, 1] * np.float32(rows) - np.float32(0.5), 0.0), rows - 1.0)
            left, top = int(x), int(y)
            right, bottom = min(left + 1, columns - 1), min(top + 1, rows - 1)
            to_right, to_bottom = x - left, y - top
            for channel in range(3):
                upper = picture[top, left, channel] * (1 - to_right) + picture[top, right, channel] * to_right
                lower = picture[bottom, left, channel] * (1 - to_right) + picture[bottom, right, channel] * to_right
                out[v, u, channel] = np.rint(upper * (1 - to_bottom) + lower * to_bottom)
