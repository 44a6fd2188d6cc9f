"""Gaussians onto the image plane: the affine (EWA) approximation of Zwicker et al. 2002, as gsplat draws it.

Vocabulary: `conic` is the inverse of a projected covariance, its three distinct entries (xx, xy, yy);
`reach` is twice the largest Mahalanobis exponent at which the contribution is still drawn,
2 ln(opacity / ALPHA_THRESHOLD), so a Gaussian covers exactly the pixels with x^T conic x <= reach.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from gsseg.render.config import ALPHA_THRESHOLD, FRUSTUM_MARGIN, RenderConfig
from gsseg.scene import Camera, Gaussians
from gsseg.threads import run_all, spans


@dataclass(frozen=True, eq=False)
class Projected:
    """The Gaussians a camera can see, nearest first. Float64: a pixel's weights then err by float32's own step."""

    rows: np.ndarray
    """(visible,) int32 row of each in the scene."""
    means: np.ndarray
    """(visible, 2) float64 centre in pixels."""
    conics: np.ndarray
    """(visible, 3) float64 inverse covariance (xx, xy, yy), 1 / pixels^2."""
    opacities: np.ndarray
    """(visible,) float64, after the antialiasing factor."""
    first_row: np.ndarray
    """(visible,) int32 first pixel row the Gaussian may touch."""
    last_row: np.ndarray
    """(visible,) int32 last pixel row, inclusive."""


def project(gaussians: Gaussians, camera: Camera, config: RenderConfig) -> Projected:
    """Projects all Gaussians, drops those that no pixel can see, and sorts the rest by depth."""
    count = len(gaussians)
    means = np.empty((count, 2))
    conics = np.empty((count, 3))
    opacities = np.empty(count)
    depths = np.empty(count, np.float32)
    bounds = np.empty((count, 2), np.int32)
    lens = (camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)
    limits = (config.near_plane, config.dilation, config.antialiased)
    pose = np.ascontiguousarray(camera.T_camera_world, np.float64)
    source = (
        gaussians.means.numpy(),
        gaussians.quats_wxyz.numpy(),
        gaussians.log_scales.numpy(),
        gaussians.opacities.numpy(),
    )
    run_all(
        [
            lambda a=a, b=b: _project(*source, pose, *lens, *limits, means, conics, opacities, depths, bounds, a, b)
            for a, b in spans(count)
        ]
    )
    order = _by_depth(depths, bounds[:, 0] <= bounds[:, 1])
    return Projected(
        order, means[order], conics[order], opacities[order], bounds[order, 0].copy(), bounds[order, 1].copy()
    )


def _by_depth(depths: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Visible rows sorted by (depth, row): one integer key, because numpy sorts those fastest."""
    rows = np.flatnonzero(visible).astype(np.int64)
    keys = (depths[rows].view(np.int32).astype(np.int64) << 32) | rows  # bits of a positive float sort like it
    keys.sort()
    return (keys & 0xFFFFFFFF).astype(np.int32)


@njit(nogil=True, cache=True)
def _project(
    centres, quats, log_scales, source_opacities, pose, fx, fy, cx, cy, width, height,
    near, dilation, antialiased, means, conics, opacities, depths, bounds, start, stop,
):  # fmt: skip
    margin_x = FRUSTUM_MARGIN * 0.5 * width / fx
    margin_y = FRUSTUM_MARGIN * 0.5 * height / fy
    right, left = (width - cx) / fx + margin_x, cx / fx + margin_x
    lower, upper = (height - cy) / fy + margin_y, cy / fy + margin_y
    for i in range(start, stop):
        bounds[i, 0], bounds[i, 1] = 1, 0  # culled until proven visible
        opacity = float(source_opacities[i])
        if opacity < ALPHA_THRESHOLD:
            continue
        px, py, pz = float(centres[i, 0]), float(centres[i, 1]), float(centres[i, 2])
        z = pose[2, 0] * px + pose[2, 1] * py + pose[2, 2] * pz + pose[2, 3]
        if not z >= near:
            continue
        x = pose[0, 0] * px + pose[0, 1] * py + pose[0, 2] * pz + pose[0, 3]
        y = pose[1, 0] * px + pose[1, 1] * py + pose[1, 2] * pz + pose[1, 3]
        tx = z * min(right, max(-left, x / z))
        ty = z * min(lower, max(-upper, y / z))
        # The rows of J R_camera: how image x and y change with world position.
        ja, jb, jc, jd = fx / z, -fx * tx / (z * z), fy / z, -fy * ty / (z * z)
        ux, uy, uz = ja * pose[0, 0] + jb * pose[2, 0], ja * pose[0, 1] + jb * pose[2, 1], ja * pose[0, 2] + jb * pose[2, 2]
        vx, vy, vz = jc * pose[1, 0] + jd * pose[2, 0], jc * pose[1, 1] + jd * pose[2, 1], jc * pose[1, 2] + jd * pose[2, 2]
        qw, qx, qy, qz = float(quats[i, 0]), float(quats[i, 1]), float(quats[i, 2]), float(quats[i, 3])
        sxx = 0.0
        sxy = 0.0
        syy = 0.0
        for axis in range(3):
            if axis == 0:
                rx, ry, rz = 1 - 2 * (qy * qy + qz * qz), 2 * (qx * qy + qw * qz), 2 * (qx * qz - qw * qy)
            elif axis == 1:
                rx, ry, rz = 2 * (qx * qy - qw * qz), 1 - 2 * (qx * qx + qz * qz), 2 * (qy * qz + qw * qx)
            else:
                rx, ry, rz = 2 * (qx * qz + qw * qy), 2 * (qy * qz - qw * qx), 1 - 2 * (qx * qx + qy * qy)
            scale = math.exp(float(log_scales[i, axis]))
            mu = scale * (ux * rx + uy * ry + uz * rz)
            mv = scale * (vx * rx + vy * ry + vz * rz)
            sxx += mu * mu
            sxy += mu * mv
            syy += mv * mv
        sharp = sxx * syy - sxy * sxy
        sxx += dilation
        syy += dilation
        det = sxx * syy - sxy * sxy
        if not det > 0.0:
            continue
        if antialiased:
            opacity *= math.sqrt(max(0.0, sharp / det))
            if opacity < ALPHA_THRESHOLD:
                continue
        mean_x = fx * x / z + cx
        mean_y = fy * y / z + cy
        reach = 2.0 * math.log(opacity / ALPHA_THRESHOLD)
        half_width = math.sqrt(reach * sxx)
        half_height = math.sqrt(reach * syy)
        if not (mean_x + half_width > 0.0 and mean_x - half_width < width):
            continue
        first = max(0.0, math.ceil(mean_y - half_height - 0.5))
        last = min(height - 1.0, math.floor(mean_y + half_height - 0.5))
        if not first <= last:
            continue
        bounds[i, 0], bounds[i, 1] = int(first), int(last)
        means[i, 0], means[i, 1] = mean_x, mean_y
        conics[i, 0], conics[i, 1], conics[i, 2] = syy / det, -sxy / det, sxx / det
        opacities[i] = opacity
        depths[i] = z
