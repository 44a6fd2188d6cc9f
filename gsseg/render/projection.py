"""Gaussians onto the image plane: the affine (EWA) approximation of Zwicker et al. 2002, as gsplat draws it.

A projected Gaussian is kept row-wise, because rows of pixels are what is drawn. With covariance
((sxx, sxy), (sxy, syy)), the Mahalanobis form of a pixel at (dx, dy) from the centre splits into

    (dx - tilt dy)^2 / (det / syy) + dy^2 / syy,    tilt = sxy / syy,    det = sxx syy - sxy^2

so on each row of pixels it is a one-dimensional Gaussian. Vocabulary: `reach` is the largest Mahalanobis form
at which the contribution is still drawn, 2 ln(opacity / ALPHA_THRESHOLD).
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.constants import ALPHA_THRESHOLD, FRUSTUM_MARGIN
from gsseg.scene import Camera, Gaussians
from gsseg.threads import run_all, spans

LARGEST_RADIUS = math.sqrt(2.0 * math.log(1.0 / ALPHA_THRESHOLD))
"""In standard deviations: no opacity exceeds 1, so nothing is drawn farther from its centre (3.33)."""


@dataclass(frozen=True, eq=False)
class Projected:
    """The Gaussians a camera can see, nearest first. Float64: a pixel's weights then err by float32's own step."""

    rows: Int32[ndarray, " visible"]
    """Row of each in the scene."""
    ellipses: Float64[ndarray, "visible 6"]
    """mean x, mean y (pixels), tilt, syy / det, 1 / syy (1 / pixels^2), ln opacity (after the antialiasing factor)."""
    bounds: Int32[ndarray, "visible 2"]
    """First and last pixel row (inclusive) that the Gaussian may touch."""


def project(gaussians: Gaussians, camera: Camera) -> Projected:
    """Projects all Gaussians, drops those that no pixel can see, and sorts the rest by (depth, row)."""
    count = len(gaussians)
    rows = np.empty(count, np.int32)
    ellipses = np.empty((count, 6))
    bounds = np.empty((count, 2), np.int32)
    keys = np.empty(count, np.int64)
    source = [
        np.ascontiguousarray(values.numpy(), np.float32)
        for values in (gaussians.means, gaussians.quats_wxyz, gaussians.log_scales, gaussians.opacity_logits)
    ]
    source.append(np.ascontiguousarray(gaussians.drawable.numpy()))
    pose = np.ascontiguousarray(camera.T_camera_world, np.float64)
    lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height], np.float64)
    config = gaussians.render
    limits = np.array([config.near_plane, config.dilation, config.antialiased], np.float64)
    jobs = spans(count)
    found = run_all(
        [lambda a=a, b=b: _project(*source, pose, lens, limits, rows, ellipses, bounds, keys, a, b) for a, b in jobs]
    )
    order = np.concatenate([keys[a : a + n] for (a, _), n in zip(jobs, found, strict=True)])
    order.sort()
    sorted_ = Projected(np.empty(len(order), np.int32), np.empty((len(order), 6)), np.empty((len(order), 2), np.int32))
    into = (sorted_.rows, sorted_.ellipses, sorted_.bounds)
    run_all([lambda a=a, b=b: _gather(order, rows, ellipses, bounds, *into, a, b) for a, b in spans(len(order))])
    return sorted_


@njit(nogil=True, cache=True)
def _project(
    centres, quats, log_scales, opacity_logits, drawable, pose, lens, limits,
    rows, ellipses, bounds, keys, start, stop,
):  # fmt: skip
    """Projects Gaussians start..stop-1; packs the visible ones from ``start`` on and returns their number."""
    fx, fy, cx, cy, width, height = lens
    near, dilation, antialiased = limits
    margin_x = FRUSTUM_MARGIN * 0.5 * width / fx
    margin_y = FRUSTUM_MARGIN * 0.5 * height / fy
    right, left = (width - cx) / fx + margin_x, cx / fx + margin_x
    lower, upper = (height - cy) / fy + margin_y, cy / fy + margin_y
    # No row of the projection's Jacobian is longer than stretch / z.
    stretch = max(fx * math.sqrt(1.0 + max(left, right) ** 2), fy * math.sqrt(1.0 + max(upper, lower) ** 2))
    at = start
    for i in range(start, stop):
        if not drawable[i]:
            continue
        px, py, pz = float(centres[i, 0]), float(centres[i, 1]), float(centres[i, 2])
        z = pose[2, 0] * px + pose[2, 1] * py + pose[2, 2] * pz + pose[2, 3]
        if not z >= near:
            continue
        x = pose[0, 0] * px + pose[0, 1] * py + pose[0, 2] * pz + pose[0, 3]
        y = pose[1, 0] * px + pose[1, 1] * py + pose[1, 2] * pz + pose[1, 3]
        mean_x, mean_y = fx * x / z + cx, fy * y / z + cy
        outside = max(max(-mean_x, mean_x - width), max(-mean_y, mean_y - height))
        if outside > 0.0:  # most Gaussians of a room are behind the image's border: decide before the costly part
            scale = stretch / z * math.exp(max(log_scales[i, 0], max(log_scales[i, 1], log_scales[i, 2])))
            if outside > LARGEST_RADIUS * math.sqrt(scale * scale + dilation):
                continue
        opacity = 1.0 / (1.0 + math.exp(-float(opacity_logits[i])))
        if not opacity >= ALPHA_THRESHOLD:
            continue
        tx = z * min(right, max(-left, x / z))
        ty = z * min(lower, max(-upper, y / z))
        # The rows of J R_camera: how image x and y change with world position.
        ja, jb, jc, jd = fx / z, -fx * tx / (z * z), fy / z, -fy * ty / (z * z)
        ux, uy = ja * pose[0, 0] + jb * pose[2, 0], ja * pose[0, 1] + jb * pose[2, 1]
        vx, vy = jc * pose[1, 0] + jd * pose[2, 0], jc * pose[1, 1] + jd * pose[2, 1]
        uz, vz = ja * pose[0, 2] + jb * pose[2, 2], jc * pose[1, 2] + jd * pose[2, 2]
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
        if antialiased > 0.0:
            opacity *= math.sqrt(max(0.0, sharp / det))
            if opacity < ALPHA_THRESHOLD:
                continue
        reach = 2.0 * math.log(opacity / ALPHA_THRESHOLD)
        half_width = math.sqrt(reach * sxx)
        half_height = math.sqrt(reach * syy)
        if not (mean_x + half_width > 0.0 and mean_x - half_width < width):
            continue
        first = max(0.0, math.ceil(mean_y - half_height - 0.5))
        last = min(height - 1.0, math.floor(mean_y + half_height - 0.5))
        if not first <= last:
            continue
        rows[at] = i
        bounds[at, 0], bounds[at, 1] = int(first), int(last)
        ellipses[at, 0], ellipses[at, 1], ellipses[at, 2] = mean_x, mean_y, sxy / syy
        ellipses[at, 3], ellipses[at, 4], ellipses[at, 5] = syy / det, 1.0 / syy, math.log(opacity)
        # One integer sorts by (depth, row): the bits of a positive float ascend with it. Float32, as gsplat sorts.
        keys[at] = np.int64(np.float32(z).view(np.int32)) << 32 | at
        at += 1
    return at - start


@njit(nogil=True, cache=True)
def _gather(order, rows, ellipses, bounds, out_rows, out_ellipses, out_bounds, start, stop):
    for to in range(start, stop):
        at = order[to] & 0xFFFFFFFF
        out_rows[to] = rows[at]
        out_bounds[to, 0], out_bounds[to, 1] = bounds[at, 0], bounds[at, 1]
        for k in range(6):
            out_ellipses[to, k] = ellipses[at, k]
