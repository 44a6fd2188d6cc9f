"""Where things are on the screen: world points -> screen, and what a rectangle on it holds.

Conventions: OpenCV camera axes (x right, y down, z forward), as viser's cameras have them; screen coordinates run from
(0, 0) at the upper left to (1, 1) at the lower right, as viser reports pointers; angles are radians.
"""

import math
from dataclasses import dataclass

import numpy as np
import viser
from jaxtyping import Bool, Float, Float32, Int32, Int64
from numpy import ndarray

from gsseg.scene.rotations import rotation_matrices
from gsseg.segmentation import NO_OBJECT
from gsseg_viewer.state import State


@dataclass(frozen=True, eq=False)
class Sight:
    """How one client sees the world at one moment: a pinhole camera whose centre is the middle of the screen."""

    position: Float[ndarray, "3"]
    """The camera's centre, world units."""
    world_from_camera: Float[ndarray, "3 3"]
    """Rotation; its columns are the camera's right, down and forward in the world."""
    fov: float
    """Vertical field of view, in (0, pi)."""
    aspect: float
    """Width of the screen divided by its height."""

    @classmethod
    def of(cls, camera: viser.CameraHandle) -> "Sight":
        """The present sight of a client."""
        return cls(
            np.asarray(camera.position, np.float64),
            rotation_matrices(np.asarray(camera.wxyz, np.float64)[None])[0],
            camera.fov,
            aspect(camera),
        )

    @property
    def tangents(self) -> tuple[float, float]:
        """Half the screen's width and height at depth 1."""
        high = math.tan(self.fov / 2)
        return high * self.aspect, high

    def project(
        self, points: Float[ndarray, "points 3"]
    ) -> tuple[Float32[ndarray, "points 2"], Float32[ndarray, " points"]]:
        """Screen position and depth of world points; the position means nothing where the depth is not positive."""
        # Relative to the camera before single precision: far from the origin only differences are small.
        turn = self.world_from_camera.astype(np.float32)
        apart = (points - self.position.astype(points.dtype)).astype(np.float32, copy=False) @ turn
        depth = apart[:, 2]
        safe = np.where(depth > 0, depth, np.float32(1))[:, None]
        return (apart[:, :2] / (safe * np.array(self.tangents, np.float32)) + 1) / 2, depth

    def holds(
        self, points: Float[ndarray, "points 3"], low: tuple[float, float], high: tuple[float, float]
    ) -> Bool[ndarray, " points"]:
        """Which points lie in front of the camera and inside a rectangle of the screen."""
        screen, depth = self.project(points)
        return (depth > 0) & ((screen >= np.array(low, np.float32)) & (screen <= np.array(high, np.float32))).all(1)


def aspect(camera: viser.CameraHandle) -> float:
    """Width of a client's screen divided by its height; 1 where it has no size, as that of a collapsed tab."""
    width, height = camera.image_width, camera.image_height
    return width / height if width > 0 and height > 0 else 1.0


def pieces_in_rectangle(
    sight: Sight,
    means: Float[ndarray, "gaussians 3"],
    pieces: Int32[ndarray, " gaussians"],
    state: State,
    low: tuple[float, float],
    high: tuple[float, float],
    counted: Bool[ndarray, " gaussians"] | None = None,
) -> Int64[ndarray, " held"]:
    """What a rectangle of the screen holds by half or more (`held_by_half`); its corners may be given in any order."""
    first = min(low[0], high[0]), min(low[1], high[1])
    last = max(low[0], high[0]), max(low[1], high[1])
    return held_by_half(sight.holds(means, first, last), pieces, state, counted)


def held_by_half(
    held: Bool[ndarray, " gaussians"],
    pieces: Int32[ndarray, " gaussians"],
    state: State,
    counted: Bool[ndarray, " gaussians"] | None = None,
) -> Int64[ndarray, " held"]:
    """What is drawn of the objects with half of their drawn centres or more among those held, and each drawn piece of
    no object with half of its own.

    ``counted``: the only centres that count; None: all, so that what stands behind something else counts too.
    """
    if counted is None:
        counted = np.ones(len(held), bool)
    drawn = ~state.gone
    inside = np.bincount(pieces, held & counted, len(drawn)) * drawn
    whole = np.bincount(pieces, counted, len(drawn)) * drawn
    # Of no object each piece is judged by itself, of an object all of its pieces together.
    group = np.where(state.owner == NO_OBJECT, -1 - np.arange(len(drawn)), state.owner)
    _, places = np.unique(group, return_inverse=True)
    inside, whole = np.bincount(places, inside)[places], np.bincount(places, whole)[places]
    return np.flatnonzero(drawn & (whole > 0) & (inside * 2 >= whole))
