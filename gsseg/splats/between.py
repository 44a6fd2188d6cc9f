"""Points between the points that features found: plain walls have no features, and light must not hang before them.

Each photo's points cut it into triangles (Delaunay), and a plane through the corners of each gives the depth of its
pixels: 1 / depth of a plane is linear in the picture. Photos then judge each other. A point counts where several see
about the same depth there, and hardly any looks through it at something behind.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from numpy import ndarray
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import QhullError

from gsseg.scene import Camera
from gsseg.splats.initial import Points

EVERY = 6
"""Pixels between two such points, across and down."""
TOLERANCE = 0.05
"""Depths that differ by less than this share of themselves agree; a point nearer by twice as much is looked through."""
LEAST_AGREEING, MOST_AGAINST = 3, 1
"""Other photos that have to agree, and that may look through it."""
MOST = 25_000
"""Points that are kept, by chance."""


def points_between(
    cameras: Sequence[Camera],
    picture: Callable[[int], UInt8[ndarray, "height width 3"]],
    positions: Float64[ndarray, "points 3"],
    shown: Sequence[Int64[ndarray, " _"]],
    seed: int,
) -> Points:
    """At most `MOST` new points, in their photos' colours. ``shown``: the rows of ``positions`` that each photo shows.

    ``picture``: the photo of a camera by its number, of the camera's size. The same input gives the same points.
    """
    depths = [_depths(camera, positions[rows]) for camera, rows in zip(cameras, shown, strict=True)]
    places, colors = [np.zeros((0, 3))], [np.zeros((0, 3), np.float32)]
    for index, camera in enumerate(cameras):
        row, column = (each.reshape(-1) for each in np.mgrid[EVERY // 2 : camera.height : EVERY,
                                                             EVERY // 2 : camera.width : EVERY])  # fmt: skip
        known = np.isfinite(depths[index][row, column])
        row, column = row[known], column[known]
        points = _unprojected(camera, row, column, depths[index][row, column])
        others = [k for k in range(len(cameras)) if k != index]
        good = _agreed(points, [cameras[k] for k in others], [depths[k] for k in others])
        places.append(points[good])
        colors.append(picture(index)[row[good], column[good]].astype(np.float32) / np.float32(255))
    found = Points(np.concatenate(places), np.concatenate(colors))
    return found if len(found.positions) <= MOST else found.some(MOST, seed)


def _depths(camera: Camera, points: Float64[ndarray, "points 3"]) -> Float32[ndarray, "height width"]:
    """Depth of every pixel between the points that the photo shows; NaN elsewhere."""
    pixels, depth = camera.project(points)
    before = depth > 0
    nothing = np.full((camera.height, camera.width), np.nan, np.float32)
    if before.sum() < 3:
        return nothing
    try:
        inverse = LinearNDInterpolator(pixels[before], 1.0 / depth[before])
    except QhullError:  # all on one line
        return nothing
    rows, columns = np.mgrid[: camera.height, : camera.width]
    return (1.0 / inverse(columns + 0.5, rows + 0.5)).astype(np.float32)


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
    points: Float64[ndarray, "points 3"], cameras: Sequence[Camera], depths: Sequence[Float32[ndarray, "_ _"]]
) -> Bool[ndarray, " points"]:
    agree, against = np.zeros(len(points), np.int64), np.zeros(len(points), np.int64)
    for camera, depth in zip(cameras, depths, strict=True):
        pixels, z = camera.project(points)
        rows = np.flatnonzero(camera.sees(pixels, z))
        column, row = np.floor(pixels[rows]).astype(np.int64).T
        there = depth[row, column].astype(np.float64)  # comparisons with NaN are false
        agree[rows] += np.abs(z[rows] - there) < TOLERANCE * there
        against[rows] += z[rows] < (1.0 - 2.0 * TOLERANCE) * there
    return (agree >= LEAST_AGREEING) & (against <= MOST_AGAINST)
