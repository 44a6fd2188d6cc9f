"""Where nothing is, because photos see what is behind: light must not hang there.

Few photos cannot tell a pale wall from a haze before each camera; splats that draw the one as the other have every
photo right, and show the haze from anywhere else. Depths on which photos agree can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64
from numpy import ndarray

from gsseg.scene import Camera

BEFORE = 0.1
"""Share of a photo's depth by which it looks through what is nearer."""
BESIDE = 0.03
"""Share of a photo's depth within which it sees something there."""


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """The depths that photos see and others agree with."""

    cameras: Sequence[Camera]
    depths: Sequence[Float32[ndarray, "rows columns"]]
    """Of each photo, cut into equal cells; NaN where nobody knows. World units along the camera's axis."""

    def empty(self, positions: Float64[ndarray, "points 3"]) -> Bool[ndarray, " points"]:
        """Which places more photos look through than see something at; not those of which no photo knows."""
        through, there = np.zeros(len(positions), np.int32), np.zeros(len(positions), np.int32)
        for camera, depths in zip(self.cameras, self.depths, strict=True):
            pixels, depth = camera.project(positions)
            rows = np.flatnonzero(camera.sees(pixels, depth))
            cells = np.array([depths.shape[1] / camera.width, depths.shape[0] / camera.height])
            column, row = (pixels[rows] * cells).astype(np.int64).T
            known = depths[np.minimum(row, depths.shape[0] - 1), np.minimum(column, depths.shape[1] - 1)]
            through[rows] += depth[rows] < (1.0 - BEFORE) * known  # comparisons with NaN are false
            there[rows] += np.abs(depth[rows] - known) < BESIDE * known
        return through > there
