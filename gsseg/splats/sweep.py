"""The depth of every pixel of a photo, by what its neighbours show there: plane sweep and semi-global matching.

Depths of equal steps in 1 / depth are tried. At each, a neighbouring photo is looked up where a plane of that depth
would show it, and windows are compared by their normalised cross-correlation, which brightness and contrast do not
change; 0 is the same, 1 the opposite. Of the neighbours the best count, because things stand before things. Paths from
eight sides then add up what a depth costs together with the steps to it (Hirschmueller 2008, semi-global matching):
on pale walls, where windows say nothing, the depth is that of the edges around.
"""

import math

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.scene import Camera

PLANES = 128
RADIUS = 3
"""Pixels: windows are 7 x 7."""
NOISE = 1e-6
"""Variance of grey values in [0, 1] below which a window shows nothing: about a quarter of a step of 8 bits."""
BEST = 3
"""Neighbours whose mean counts."""
STEP, JUMP = 0.1, 1.0
"""What one plane and what more than one cost between pixels side by side."""
SHARP = 20.0
"""Where grey values differ a jump is cheaper, exp(-20 difference), down to the price of a step."""
MARGIN = 1.25
"""Planes reach from the nearest to the farthest point that the photo shows, and by this factor beyond."""


def swept_depth(
    camera: Camera,
    gray: Float32[ndarray, "height width"],
    others: list[tuple[Camera, Float32[ndarray, "height width"]]],
    depths: Float64[ndarray, " points"],
) -> Float32[ndarray, "height width"]:
    """Depth of each pixel, world units; NaN where it would be the first or the last plane.

    ``others``: neighbouring photos, all of one size; ``depths``: of points that the photo shows, at least one.
    """
    far, near = np.quantile(depths, 0.99) * MARGIN, np.quantile(depths, 0.01) / MARGIN
    inverse = np.linspace(1.0 / far, 1.0 / near, PLANES)
    turned = np.stack([other.T_camera_world @ np.linalg.inv(camera.T_camera_world) for other, _ in others])
    lenses = np.stack([_lens(other) for other, _ in others])
    cost = _matching_cost(
        gray, np.stack([values for _, values in others]), lenses @ turned[:, :3, :3] @ np.linalg.inv(_lens(camera)),
        (lenses @ turned[:, :3, 3:])[:, :, 0], inverse, RADIUS, min(BEST, len(others)),
    )  # fmt: skip
    return _cheapest(_paths(cost, gray), inverse)


def _lens(camera: Camera) -> Float64[ndarray, "3 3"]:
    return np.array([[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]])


@njit(nogil=True, cache=True, fastmath=True)
def _box(values, radius, rows, out):
    """Sums over squares, cut at the borders; ``rows``: room for the sums along rows."""
    height, width = values.shape
    for y in range(height):
        total = np.float32(0.0)
        for x in range(-radius, width):
            if x + radius < width:
                total += values[y, x + radius]
            if x > radius:
                total -= values[y, x - radius - 1]
            if x >= 0:
                rows[y, x] = total
    out[0] = 0.0
    for y in range(min(radius + 1, height)):
        for x in range(width):
            out[0, x] += rows[y, x]
    for y in range(1, height):
        for x in range(width):
            total = out[y - 1, x]
            if y + radius < height:
                total += rows[y + radius, x]
            if y > radius:
                total -= rows[y - radius - 1, x]
            out[y, x] = total


@njit(nogil=True, cache=True, fastmath=True)
def _look_up(other, linear, shift, inverse, out, inside):
    """The other photo where it shows a plane at 1 / ``inverse``: pixel = linear (x, y, 1) + inverse shift."""
    height, width = other.shape
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            at, down = x + 0.5, y + 0.5
            z = linear[2, 0] * at + linear[2, 1] * down + linear[2, 2] + inverse * shift[2]
            out[y, x] = 0.0
            inside[y, x] = False
            if z <= 1e-6:
                continue
            u = (linear[0, 0] * at + linear[0, 1] * down + linear[0, 2] + inverse * shift[0]) / z - 0.5
            v = (linear[1, 0] * at + linear[1, 1] * down + linear[1, 2] + inverse * shift[1]) / z - 0.5
            if u < 0.0 or v < 0.0 or u >= width - 1 or v >= height - 1:
                continue
            column, row = int(u), int(v)
            a, b = np.float32(u - column), np.float32(v - row)
            upper = other[row, column] * (1 - a) + other[row, column + 1] * a
            lower = other[row + 1, column] * (1 - a) + other[row + 1, column + 1] * a
            out[y, x] = upper * (1 - b) + lower * b
            inside[y, x] = True


@njit(nogil=True, cache=True, fastmath=True)
def _matching_cost(gray, others, linear, shift, inverse, radius, best):
    """(height, width, planes): (1 - correlation) / 2, the mean of the ``best`` least of all neighbours'.

    A neighbour that does not show the pixel has no opinion: 0.5.
    """
    height, width = gray.shape
    count = len(others)
    out = np.empty((height, width, len(inverse)), np.float32)
    rows, other = np.empty_like(gray), np.empty_like(gray)
    pixels, mean, square = np.empty_like(gray), np.empty_like(gray), np.empty_like(gray)
    theirs, theirs_square, both = np.empty_like(gray), np.empty_like(gray), np.empty_like(gray)
    _box(np.ones_like(gray), radius, rows, pixels)
    _box(gray, radius, rows, mean)
    _box(gray * gray, radius, rows, square)
    inside = np.empty((height, width), np.bool_)
    each = np.empty((count, height, width), np.float32)
    for plane in range(len(inverse)):
        for k in range(count):
            _look_up(others[k], linear[k], shift[k], inverse[plane], other, inside)
            _box(other, radius, rows, theirs)
            _box(other * other, radius, rows, theirs_square)
            _box(other * gray, radius, rows, both)
            for y in range(height):
                for x in range(width):
                    each[k, y, x] = 0.5
                    if inside[y, x]:
                        n = 1 / pixels[y, x]
                        m, t = mean[y, x] * n, theirs[y, x] * n
                        variance = max(square[y, x] * n - m * m, 0.0) + NOISE
                        variance *= max(theirs_square[y, x] * n - t * t, 0.0) + NOISE
                        each[k, y, x] = 0.5 - 0.5 * (both[y, x] * n - m * t) / math.sqrt(variance)
        for y in range(height):
            for x in range(width):
                total = 0.0
                for _ in range(best):
                    least = 0
                    for k in range(1, count):
                        if each[k, y, x] < each[least, y, x]:
                            least = k
                    total += each[least, y, x]
                    each[least, y, x] = 9.0  # more than any cost
                out[y, x, plane] = total / best
    return out


@njit(nogil=True, cache=True, fastmath=True)
def _paths(cost, gray):
    """Semi-global matching: the sum over eight directions of the cheapest path to each depth of each pixel."""
    height, width, planes = cost.shape
    total = np.zeros_like(cost)
    before = np.zeros((2, width, planes), np.float32)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        for line in range(height):
            y = line if dy >= 0 else height - 1 - line
            for place in range(width):
                x = place if dx >= 0 else width - 1 - place
                here = before[line & 1, x]
                if not (0 <= y - dy < height and 0 <= x - dx < width):
                    here[:] = cost[y, x]
                else:
                    path = before[(line & 1) if dy == 0 else 1 - (line & 1), x - dx]
                    contrast = abs(gray[y, x] - gray[y - dy, x - dx])
                    jump = np.float32(max(STEP, JUMP * math.exp(-SHARP * contrast)))
                    least = path[0]
                    for k in range(1, planes):
                        least = min(least, path[k])
                    for k in range(planes):
                        way = min(path[k], least + jump)
                        if k > 0:
                            way = min(way, path[k - 1] + np.float32(STEP))
                        if k < planes - 1:
                            way = min(way, path[k + 1] + np.float32(STEP))
                        here[k] = cost[y, x, k] + way - least
                for k in range(planes):
                    total[y, x, k] += here[k]
    return total


@njit(nogil=True, cache=True)
def _cheapest(total, inverse):
    """The depth of the least sum, between planes by the parabola through it and its neighbours."""
    height, width, planes = total.shape
    out = np.full((height, width), np.nan, np.float32)
    for y in range(height):
        for x in range(width):
            least = 0
            for k in range(1, planes):
                if total[y, x, k] < total[y, x, least]:
                    least = k
            if 0 < least < planes - 1:
                left, middle, right = total[y, x, least - 1], total[y, x, least], total[y, x, least + 1]
                bend = left + right - 2.0 * middle
                part = 0.5 * (left - right) / bend if bend > 1e-9 else 0.0
                out[y, x] = 1.0 / (inverse[least] + part * (inverse[1] - inverse[0]))
    return out
