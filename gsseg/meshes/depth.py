"""How far a camera sees, and what: the depth where its light is half used up.

Of a row of W, front to back, the *median* Gaussian is the first behind which less than half of the light is left. The
mean of all depths lies in the empty air wherever a pixel sees an edge; the median lies on one surface or on the other.
Its depth is taken where the pixel's ray passes the Gaussian's peak and not at its centre: a disc that is seen at a
slant is near at one rim and far at the other. `scripts/12_meshes.py` measures what either gains.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, Integer
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render import blend_weights
from gsseg.scene import Camera, Gaussians
from gsseg.threads import run_all, spans

HALF = 0.5
"""Light that the median Gaussian has to take; a pixel whose alpha is less has no depth."""

_REACH = 3.0
"""Standard deviations from the Gaussian's centre within which its peak on the ray is believed: a ray along a disc meets
its plane anywhere."""

_NEAREST = 1e-6
"""Depths are larger than this: 0 stands for none."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What one camera sees."""

    camera: Camera
    depth: Float32[ndarray, "height width"]
    """Along the camera's axis, world units; 0 where it sees through the scene."""
    objects: Int32[ndarray, "height width"]
    """Object of the median Gaussian; -1 where it has none, or there is no depth."""


def render_frame(gaussians: Gaussians, camera: Camera, object_ids: Integer[ndarray, " gaussians"]) -> Frame:
    """Depth and object of every pixel of a camera."""
    weights = blend_weights(gaussians, camera)
    rows = [part.cpu().numpy() for part in (weights.indptr, weights.indices, weights.values)]
    shapes = [
        np.ascontiguousarray(part.cpu().numpy(), np.float32)
        for part in (gaussians.means, gaussians.log_scales, gaussians.quats_wxyz)
    ]
    pose = np.ascontiguousarray(camera.T_camera_world, np.float64)
    lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy, camera.width], np.float64)
    depth, median = np.zeros(weights.rows, np.float32), np.full(weights.rows, -1, np.int32)
    run_all([lambda a=a, b=b: _median(*rows, *shapes, pose, lens, depth, median, a, b) for a, b in spans(weights.rows)])
    objects = np.where(median < 0, -1, object_ids[np.maximum(median, 0)]).astype(np.int32)
    size = (camera.height, camera.width)
    return Frame(camera, depth.reshape(size), objects.reshape(size))


@njit(nogil=True, cache=True)
def _median(indptr, indices, values, means, log_scales, quats, pose, lens, depth, median, start, stop):
    for row in range(start, stop):
        used = 0.0
        for entry in range(indptr[row], indptr[row + 1]):
            used += values[entry]
            if used >= HALF:
                i = indices[entry]
                found = _peak(means[i], log_scales[i], quats[i], pose, lens, row)
                if found > _NEAREST:
                    depth[row] = found
                    median[row] = i
                break


@njit(nogil=True, cache=True)
def _peak(mean, log_scale, quat, pose, lens, pixel):
    """The z at which the ray z (x, y, 1) through a pixel passes the Gaussian's peak.

    With S the inverse square root of the covariance, a = S (x, y, 1) and b = S (mean - camera): z = a.b / a.a.
    """
    x = (pixel % int(lens[4]) + 0.5 - lens[2]) / lens[0]
    y = (pixel // int(lens[4]) + 0.5 - lens[3]) / lens[1]
    w, i, j, k = float(quat[0]), float(quat[1]), float(quat[2]), float(quat[3])
    aa = 0.0
    ab = 0.0
    widest = 0.0
    centre = pose[2, 3]
    for axis in range(3):
        centre += pose[2, axis] * mean[axis]
        if axis == 0:
            u, v, s = 1 - 2 * (j * j + k * k), 2 * (i * j + w * k), 2 * (i * k - w * j)
        elif axis == 1:
            u, v, s = 2 * (i * j - w * k), 1 - 2 * (i * i + k * k), 2 * (j * k + w * i)
        else:
            u, v, s = 2 * (i * k + w * j), 2 * (j * k - w * i), 1 - 2 * (i * i + j * j)
        a = 0.0
        b = 0.0
        for c in range(3):  # the Gaussian's axis in the camera's frame; the mean there, one coordinate at a time
            turned = pose[c, 0] * u + pose[c, 1] * v + pose[c, 2] * s
            ray = x if c == 0 else (y if c == 1 else 1.0)
            a += turned * ray
            b += turned * (pose[c, 0] * mean[0] + pose[c, 1] * mean[1] + pose[c, 2] * mean[2] + pose[c, 3])
        scale = np.exp(float(log_scale[axis]))
        aa += a * a / (scale * scale)
        ab += a * b / (scale * scale)
        widest = max(widest, scale)
    return min(max(ab / aa, centre - _REACH * widest), centre + _REACH * widest)
