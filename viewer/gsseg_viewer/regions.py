"""Regions that a person draws, and which points lie in them: on the screen an outline or a stroke, in the world a
sphere or a box.

What is drawn on the screen is a chain of points, (0, 0) at the upper left and (1, 1) at the lower right, as viser
reports pointers; widths of strokes are in heights of the screen. A point of the scene is where its centre is.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg_viewer.pointing import Sight

Chain = Float[ndarray, "corners 2"]
"""Points of the screen, one after the other."""


@dataclass(frozen=True, eq=False)
class Outline:
    """What a closed chain goes around: where it crosses itself, what it goes around an odd number of times."""

    chain: Chain
    """Its corners; the last is joined to the first."""

    def holds(self, sight: Sight, points: Float[ndarray, "points 3"]) -> Bool[ndarray, " points"]:
        """Which points of the world lie in front of the camera and in the outline."""
        screen, depth = sight.project(points)
        return _around(screen, depth, np.ascontiguousarray(self.chain, np.float64))


@dataclass(frozen=True, eq=False)
class Stroke:
    """What a round brush touches."""

    chain: Chain
    """Where its middle went; a single point is a dab."""
    radius: float
    """Of the brush, in heights of the screen."""

    def holds(self, sight: Sight, points: Float[ndarray, "points 3"]) -> Bool[ndarray, " points"]:
        """Which points of the world lie in front of the camera and under the stroke."""
        screen, depth = sight.project(points)
        wide = np.array([sight.aspect, 1.0])  # so that the brush is round
        return _under(screen, depth, np.ascontiguousarray(self.chain * wide, np.float64), sight.aspect, self.radius)


def rectangle(first: tuple[float, float], last: tuple[float, float]) -> Outline:
    """The outline of a rectangle of the screen between two corners, in any order."""
    (left, top), (right, bottom) = first, last
    return Outline(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))


@dataclass(frozen=True, eq=False)
class Solid:
    """A sphere or a box in the world."""

    centre: Float[ndarray, "3"]
    """World units."""
    axes: Float[ndarray, "3 3"]
    """Rotation; its columns are the solid's own axes in the world."""
    extent: Float[ndarray, "3"]
    """Lengths along its axes, all of a box and the diameters of an ellipsoid."""
    round: bool
    """Whether it is an ellipsoid, a sphere where the extents are alike."""

    def holds(self, points: Float[ndarray, "points 3"]) -> Bool[ndarray, " points"]:
        """Which points lie in it or on its surface."""
        own = (points - self.centre) @ self.axes / (np.maximum(self.extent, 1e-12) / 2)
        far = np.square(own).sum(axis=1) if self.round else np.abs(own).max(axis=1)
        return np.asarray(far <= 1)


def nearer_than(sight: Sight, points: Float[ndarray, "points 3"], share: float) -> Bool[ndarray, " points"]:
    """Which points in front of the camera lie within a share (0..1) of the depth of all that is on the screen, from
    the nearest to the farthest; all of them where it is 1."""
    screen, depth = sight.project(points)
    ahead = depth > 0
    on_screen = ahead & ((screen >= 0) & (screen <= 1)).all(axis=1)
    if share >= 1 or not on_screen.any():
        return ahead
    # One in a hundred may be nearer or farther: a floater before the camera must not move the limit.
    near, far = np.quantile(depth[on_screen], [0.01, 0.99])
    return ahead & (depth <= near + share * (far - near))


@njit(nogil=True, cache=True)
def _around(
    screen: Float32[ndarray, "points 2"], depth: Float32[ndarray, " points"], chain: Chain
) -> Bool[ndarray, " points"]:
    """Even-odd rule: how many edges a ray to the right crosses."""
    inside = np.zeros(len(screen), np.bool_)
    low_x, low_y, high_x, high_y = math.inf, math.inf, -math.inf, -math.inf
    for k in range(len(chain)):
        low_x, high_x = min(low_x, chain[k, 0]), max(high_x, chain[k, 0])
        low_y, high_y = min(low_y, chain[k, 1]), max(high_y, chain[k, 1])
    for i in range(len(screen)):
        x, y = float(screen[i, 0]), float(screen[i, 1])
        if depth[i] <= 0 or not (low_x <= x <= high_x and low_y <= y <= high_y):
            continue
        odd = False
        before = len(chain) - 1
        for k in range(len(chain)):
            ay, by = chain[before, 1], chain[k, 1]
            if (ay > y) != (by > y):
                crossing = chain[before, 0] + (y - ay) / (by - ay) * (chain[k, 0] - chain[before, 0])
                odd ^= x < crossing
            before = k
        inside[i] = odd
    return inside


@njit(nogil=True, cache=True)
def _under(
    screen: Float32[ndarray, "points 2"], depth: Float32[ndarray, " points"], chain: Chain, aspect: float, radius: float
) -> Bool[ndarray, " points"]:
    """Within ``radius`` of the nearest of the chain's segments."""
    inside = np.zeros(len(screen), np.bool_)
    for i in range(len(screen)):
        if depth[i] <= 0:
            continue
        x, y = float(screen[i, 0]) * aspect, float(screen[i, 1])
        for k in range(len(chain)):
            last = min(k + 1, len(chain) - 1)
            ax, ay = chain[k, 0], chain[k, 1]
            dx, dy = chain[last, 0] - ax, chain[last, 1] - ay
            length = dx * dx + dy * dy
            along = 0.0 if length == 0 else min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length))
            px, py = x - ax - along * dx, y - ay - along * dy
            if px * px + py * py <= radius * radius:
                inside[i] = True
                break
    return inside
