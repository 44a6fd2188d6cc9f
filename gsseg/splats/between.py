"""Points between the points that features found: plain walls have no features, and light must not hang before them.

Each photo is compared with its neighbours, which gives its pixels a depth (`gsseg.splats.sweep`). Photos then judge
each other: a point counts where several see the same depth there.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8
from numpy import ndarray
from PIL import Image

from gsseg.io.photos import fit_photo
from gsseg.scene import Camera
from gsseg.splats.free_space import FreeSpace
from gsseg.splats.initial import Points
from gsseg.splats.sweep import swept_depth
from gsseg.threads import run_all

SIDE = 400
"""Pixels of the longer side to which photos are shrunk before they are compared."""
NEIGHBOURS, LEAST_COMMON = 4, 8
"""Photos that each is compared with, and points that both have to show."""
BEST_ANGLE, WIDE = 8.0, 15.0
"""Degrees between two photos' rays to a point: fewer tell less of its depth, many more show another side of it."""
CELL = 2
"""Pixels across and down of a cell that has one depth."""
APART = 3
"""Cells between two points."""
TOLERANCE = 0.02
"""Depths that differ by less than this share of themselves agree."""
LEAST_AGREEING, MOST_AGREEING = 2, 5
"""Other photos that have to agree: half of them, within these bounds."""
MOST = 25_000
"""Points that are kept, by chance."""


def points_between(
    cameras: Sequence[Camera],
    picture: Callable[[int], UInt8[ndarray, "height width 3"]],
    positions: Float64[ndarray, "points 3"],
    shown: Sequence[Int64[ndarray, " _"]],
    seed: int,
) -> Points:
    """At most `MOST` new points, in their photos' colours, and where nothing is.

    ``shown``: the rows of ``positions`` that each photo shows. ``picture``: the photo of a camera by its number, of the
    camera's size. The same input gives the same points.
    """
    cameras = [_small(camera) for camera in cameras]
    pictures = [fit_photo(Image.fromarray(picture(index)), camera, None) for index, camera in enumerate(cameras)]
    depths = _depths(cameras, pictures, positions, shown)
    agreed = [_agreed(index, cameras, depths) for index in range(len(cameras))]
    places, colors = [np.zeros((0, 3))], [np.zeros((0, 3), np.float32)]
    for camera, depth, pixels in zip(cameras, agreed, pictures, strict=True):
        row, column = np.nonzero(np.isfinite(depth[::APART, ::APART]))
        places.append(_unprojected(camera, _middle(APART * row), _middle(APART * column),
                                   depth[::APART, ::APART][row, column]))  # fmt: skip
        colors.append(pixels[_middle(APART * row), _middle(APART * column)].astype(np.float32) / np.float32(255))
    found = Points(np.concatenate(places), np.concatenate(colors), free=FreeSpace(cameras, agreed))
    return found if len(found.positions) <= MOST else found.some(MOST, seed)


def _middle(cell: Int64[ndarray, "..."]) -> Int64[ndarray, "..."]:
    """A pixel for each cell."""
    return CELL * cell + CELL // 2


def _small(camera: Camera) -> Camera:
    factor = max(camera.width, camera.height) / SIDE
    return camera if factor <= 1 else camera.resized(round(camera.width / factor), round(camera.height / factor))


def _depths(
    cameras: Sequence[Camera],
    pictures: Sequence[UInt8[ndarray, "_ _ 3"]],
    positions: Float64[ndarray, "points 3"],
    shown: Sequence[Int64[ndarray, " _"]],
) -> list[Float32[ndarray, "_ _"]]:
    """Of each photo the depth of its pixels; NaN where nobody knows."""
    grays = [each.mean(2, dtype=np.float32) / np.float32(255) for each in pictures]

    def depth(index: int) -> Float32[ndarray, "height width"]:
        camera = cameras[index]
        points = camera.project(positions[shown[index]])[1]
        near = _neighbours(index, cameras, positions, shown)
        near = [k for k in near if grays[k].shape == grays[near[0]].shape]
        if not near or not (points > 0).any():
            return np.full((camera.height, camera.width), np.nan, np.float32)
        return swept_depth(camera, grays[index], [(cameras[k], grays[k]) for k in near], points[points > 0])

    return run_all([lambda index=index: depth(index) for index in range(len(cameras))])


def _neighbours(
    index: int,
    cameras: Sequence[Camera],
    positions: Float64[ndarray, "points 3"],
    shown: Sequence[Int64[ndarray, " _"]],
) -> list[int]:
    """Photos to compare with: they show many of its points, from a place that is neither too near nor too far."""
    found = []
    for other, camera in enumerate(cameras):
        common = np.intersect1d(shown[index], shown[other])
        if other == index or len(common) < LEAST_COMMON:
            continue
        mine, theirs = (positions[common] - each.position for each in (cameras[index], camera))
        lengths = np.linalg.norm(mine, axis=1) * np.linalg.norm(theirs, axis=1)
        angles = np.degrees(np.arccos(np.clip((mine * theirs).sum(1) / np.maximum(lengths, 1e-12), -1.0, 1.0)))
        worth = np.where(angles < BEST_ANGLE, angles / BEST_ANGLE, np.exp(-(((angles - BEST_ANGLE) / WIDE) ** 2)))
        found.append((-float(worth.sum()), other))
    return [other for _, other in sorted(found)[:NEIGHBOURS]]


def _unprojected(
    camera: Camera,
    row: Int64[ndarray, " pixels"],
    column: Int64[ndarray, " pixels"],
    depth: Float32[ndarray, " pixels"],
) -> Float64[ndarray, "pixels 3"]:
    """Where the middle of each pixel is, at its depth."""
    z = depth.astype(np.float64)
    inside = np.stack([(column + 0.5 - camera.cx) / camera.fx * z, (row + 0.5 - camera.cy) / camera.fy * z, z], 1)
    return inside @ camera.T_camera_world[:3, :3] + camera.position


def _agreed(
    index: int, cameras: Sequence[Camera], depths: Sequence[Float32[ndarray, "_ _"]]
) -> Float32[ndarray, "rows columns"]:
    """The depth of a photo's cells; NaN where others do not agree."""
    camera = cameras[index]
    shape = camera.height // CELL, camera.width // CELL
    row, column = (_middle(each.reshape(-1)) for each in np.indices(shape))
    depth = depths[index][row, column]
    known = np.flatnonzero(np.isfinite(depth))
    points = _unprojected(camera, row[known], column[known], depth[known])
    agree = np.zeros(len(known), np.int64)
    for other in range(len(cameras)):
        if other == index:
            continue
        pixels, z = cameras[other].project(points)
        rows = np.flatnonzero(cameras[other].sees(pixels, z))
        across, down = np.floor(pixels[rows]).astype(np.int64).T
        there = depths[other][down, across].astype(np.float64)  # comparisons with NaN are false
        agree[rows] += np.abs(z[rows] - there) < TOLERANCE * there
    wanted = min(MOST_AGREEING, max(LEAST_AGREEING, (len(cameras) - 1) // 2))
    out = np.full(shape, np.nan, np.float32)
    good = known[agree >= wanted]
    out.reshape(-1)[good] = depth[good]
    return out
