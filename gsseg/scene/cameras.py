"""Pinhole cameras: world-to-camera, OpenCV axes (x right, y down, z forward), pixel centres at +0.5."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy import ndarray


@dataclass(frozen=True, eq=False)
class Camera:
    """An undistorted camera: pixel (u, v) sees along K^-1 (u, v, 1)."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    fx: float
    """Focal length in pixels, along x."""
    fy: float
    """Focal length in pixels, along y."""
    cx: float
    """Principal point in pixels from the left edge (the centre of a 4-pixel row is 2.0)."""
    cy: float
    """Principal point in pixels from the upper edge."""
    T_camera_world: Float64[ndarray, "4 4"]
    """Rigid transform that takes world points to camera points."""

    @property
    def position(self) -> Float64[ndarray, "3"]:
        """The camera's centre in the world."""
        rotation, translation = self.T_camera_world[:3, :3], self.T_camera_world[:3, 3]
        return -rotation.T @ translation

    def resized(self, width: int, height: int) -> "Camera":
        """The same camera with another number of pixels over the same field of view."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self, width=width, height=height, fx=self.fx * sx, fy=self.fy * sy, cx=self.cx * sx, cy=self.cy * sy
        )

    def project(
        self, points: Float[ndarray, "points 3"]
    ) -> tuple[Float64[ndarray, "points 2"], Float64[ndarray, " points"]]:
        """Image points (u, v) in pixels and depths along the view axis of world points.

        What is not in front of the camera, whose depth is 0 or less, has no image: its (u, v) mean nothing.
        """
        inside = points.astype(np.float64) @ self.T_camera_world[:3, :3].T + self.T_camera_world[:3, 3]
        depth = inside[:, 2]
        scale = np.where(depth > 0, depth, 1.0)[:, None]
        return inside[:, :2] / scale * (self.fx, self.fy) + (self.cx, self.cy), depth

    def sees(self, points: Float[ndarray, "points 2"], depth: Float[ndarray, " points"]) -> Bool[ndarray, " points"]:
        """Which of the points that `project` returned lie in front of the camera and inside its picture."""
        return (depth > 0) & ((points >= 0) & (points < (self.width, self.height))).all(axis=1)

    def ray(self, u: float, v: float) -> tuple[Float64[ndarray, "3"], Float64[ndarray, "3"]]:
        """Origin and unit direction, in the world, of the ray through image point (u, v) in pixels.

        The centre of the pixel in column x and row y is (x + 0.5, y + 0.5).
        """
        inside = np.array([(u - self.cx) / self.fx, (v - self.cy) / self.fy, 1.0])
        direction = self.T_camera_world[:3, :3].T @ inside
        return self.position, direction / np.linalg.norm(direction)


@dataclass(frozen=True)
class Lens:
    """How a photo was distorted, in COLMAP's terms; the photo and its masks are undistorted when read."""

    model: str
    """COLMAP camera model, e.g. ``OPENCV`` or ``SIMPLE_RADIAL``."""
    width: int
    """Width of the photo these parameters speak of, pixels."""
    height: int
    """Height of that photo, pixels."""
    params: tuple[float, ...]
    """The model's parameters in COLMAP's order."""
