"""Where to look from: training views, boxes to frame, which way is up, and limits that suit the scene's size.

Conventions: world units are the scene's own; cameras look along their z axis, y points down (OpenCV). viser turns its
cameras about the point they look at, so every pose names that point too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import viser
from jaxtyping import Float, Float64, Integer
from numpy import ndarray

from gsseg.scene import Camera, Gaussians, View
from gsseg.scene.up import up_of_views
from gsseg_viewer.pointing import Sight

FOV = math.radians(60)
"""Vertical field of view where no training view gives one."""

MARGIN = 1.15
"""Room about a box that is framed."""

SAMPLE = 20_000
"""Gaussians that stand for all where only the scene's rough shape matters."""


@dataclass(frozen=True, eq=False)
class Pose:
    """A camera's place for viser, which keeps the horizon level itself."""

    position: Float64[ndarray, "3"]
    """The camera's centre."""
    look_at: Float64[ndarray, "3"]
    """What it looks at and turns about."""
    up: Float64[ndarray, "3"]
    """Unit vector that points up on the screen."""
    fov: float
    """Vertical field of view, radians."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The scene as a camera needs to know it; made once."""

    low: Float64[ndarray, "3"]
    """Lower corner of the box that holds nearly all centres; far floaters do not count."""
    high: Float64[ndarray, "3"]
    """Upper corner."""
    centres: Float64[ndarray, "points 3"]
    """Some of the drawable Gaussians' centres, evenly out of all."""
    up: Float64[ndarray, "3"]
    """Unit vector."""
    start: Pose
    """Where a new client begins."""

    @classmethod
    def of(cls, gaussians: Gaussians, views: Sequence[View]) -> "Surroundings":
        """Measures a scene; ``views`` are its training views, if they are known."""
        centres = _sample(gaussians)
        low, high = np.quantile(centres, [0.02, 0.98], axis=0)
        grow = 0.05 * (high - low)
        if not grow.any():  # one Gaussian, or several in one place
            rows = np.flatnonzero(gaussians.drawable.cpu().numpy())
            grow = np.full(3, typical_reach(gaussians, rows, math.inf) if len(rows) else 0.0)
        low, high = low - grow, high + grow
        up = up_of_views(views) if views else up_of_points(low, high)
        best = max(views, key=lambda view: _visible_share(view.camera, centres), default=None)
        if best is not None:
            start = pose_of_view(best.camera, 4 / 3, float(np.linalg.norm(high - low)), centres, up)
        else:
            start = overview(low, high, up)
        return cls(low, high, centres, up, start)

    @property
    def size(self) -> float:
        """Diagonal of the box; never 0."""
        return float(np.linalg.norm(self.high - self.low)) or 1.0

    @property
    def near(self) -> float:
        """Near plane: what is closer is not drawn."""
        return 1e-3 * self.size

    @property
    def far(self) -> float:
        """Far plane; floaters far outside are still drawn."""
        return 100 * self.size

    def pose_of(self, camera: Camera, aspect: float) -> Pose:
        """The pose of a training camera on a screen of that aspect, see `pose_of_view`."""
        return pose_of_view(camera, aspect, self.size, self.centres, self.up)

    def limit(self, camera: viser.CameraHandle) -> None:
        """Keeps a client's camera from zooming out of sight of the scene, or through what it looks at."""
        camera.min_orbit_distance = 2 * self.near
        camera.max_orbit_distance = max(10 * self.size, 2 * float(np.linalg.norm(self.start.position - self.low)))


def move(camera: viser.CameraHandle, pose: Pose) -> None:
    """Sets a client's camera. viser carries the looked-at point along with the position, so it comes after it."""
    camera.fov = pose.fov
    camera.up_direction = pose.up
    camera.position = pose.position
    camera.look_at = pose.look_at


def pose_of_view(
    camera: Camera,
    aspect: float,
    size: float,
    centres: Float64[ndarray, "points 3"],
    up: Float64[ndarray, "3"],
) -> Pose:
    """The pose of a training camera on a screen of that aspect: all that the photo shows is on the screen.

    viser's cameras have their centre in the middle of the screen; a photo's centre a few pixels off is not followed.
    """
    world_from_camera = camera.T_camera_world[:3, :3].T
    high, wide = camera.height / 2 / camera.fy, camera.width / 2 / camera.fx
    forward = world_from_camera[:, 2]
    distance = _distance_seen(camera, centres) or 0.3 * size
    # The scene's up without its part along the picture's rows: exactly the photo's roll, and the turning axis leans no
    # more than it must. A photo taken upside down or straight down keeps its own up.
    right, own = world_from_camera[:, 0], -world_from_camera[:, 1]
    level = up - (up @ right) * right
    return Pose(
        position=camera.position,
        look_at=camera.position + distance * forward,
        up=level / np.linalg.norm(level) if level @ own > 0.05 else own,
        fov=2 * math.atan(max(high, wide / aspect)),
    )


def framing(sight: Sight, up: Float64[ndarray, "3"], low: Float[ndarray, "3"], high: Float[ndarray, "3"]) -> Pose:
    """The camera moved, without turning, until the box fills the screen."""
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    narrow = math.atan(min(sight.tangents))
    distance = max(MARGIN * radius / math.sin(narrow), 1e-9)
    forward = sight.world_from_camera[:, 2]
    return Pose(centre - distance * forward, centre, up, sight.fov)


def overview(low: Float64[ndarray, "3"], high: Float64[ndarray, "3"], up: Float64[ndarray, "3"]) -> Pose:
    """All of the box, seen from a corner, from above."""
    side = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    side /= np.linalg.norm(side)
    outward = side + np.cross(up, side) + 0.8 * up
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2 or 0.5
    outward *= MARGIN * radius / math.sin(FOV / 2) / np.linalg.norm(outward)
    return Pose(centre + outward, centre, up, FOV)


def up_of_points(low: Float64[ndarray, "3"], high: Float64[ndarray, "3"]) -> Float64[ndarray, "3"]:
    """A guess where no camera is known: z, or -y as in COLMAP's worlds, whichever the scene is flatter along."""
    extent = high - low
    return np.array([0.0, -1.0, 0.0]) if extent[1] < 0.8 * extent[2] else np.array([0.0, 0.0, 1.0])


def typical_reach(gaussians: Gaussians, rows: Integer[ndarray, " rows"], size: float) -> float:
    """How far the typical one of some Gaussians reaches about its centre: two standard deviations, world units, at most
    a tenth of ``size``. Of one Gaussian the box about the centres has no size, but the Gaussian has."""
    log_sigma = float(np.median(gaussians.log_scales.cpu().numpy()[rows].max(1)))
    return min(2.0 * math.exp(min(log_sigma, 80.0)), 0.1 * size)


def _sample(gaussians: Gaussians) -> Float64[ndarray, "points 3"]:
    """Centres of drawable Gaussians, evenly out of all; the origin where there is none."""
    rows = np.flatnonzero(gaussians.drawable.cpu().numpy())
    rows = rows[:: max(1, len(rows) // SAMPLE)]
    centres = gaussians.means.cpu().numpy()[rows].astype(np.float64)
    return centres if len(centres) else np.zeros((1, 3))


def _visible_share(camera: Camera, centres: Float64[ndarray, "points 3"]) -> float:
    """Share of the points inside the camera's picture."""
    return float(_inside(camera, centres)[0].mean())


def _distance_seen(camera: Camera, centres: Float64[ndarray, "points 3"]) -> float | None:
    """Median depth of what the camera sees; None where it sees nothing."""
    inside, depth = _inside(camera, centres)
    return float(np.median(depth[inside])) if inside.any() else None


def _inside(camera: Camera, centres: Float64[ndarray, "points 3"]) -> tuple[ndarray, ndarray]:
    points, depth = camera.project(centres)
    return camera.sees(points, depth), depth
