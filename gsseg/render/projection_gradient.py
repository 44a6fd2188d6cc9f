"""From the image plane back into the world: the gradient of `gsseg.render.projection`.

The chain of the projection is followed once more for each visible Gaussian, because keeping it would cost more memory
than arithmetic: ellipse -> covariance -> axes of the Gaussian -> scales, rotation, and through the Jacobian the centre.
"""

import math

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.constants import FRUSTUM_MARGIN
from gsseg.render.projection import Projected
from gsseg.scene import Camera, Gaussians
from gsseg.threads import run_all, spans


def project_gradient(
    gaussians: Gaussians, camera: Camera, projected: Projected, ellipses: Float64[ndarray, "visible 6"]
) -> Float32[ndarray, "visible 11"]:
    """dL / d (mean 3, log scale 3, quaternion wxyz 4, opacity logit 1) of the projected Gaussians, in their order.

    ``ellipses``: dL / d `Projected.ellipses`. That of the quaternion is tangent to the unit sphere: what a quaternion
    of any length that is normalised before use receives, at length 1. ValueError for antialiased splats, whose factor
    on the opacity it does not know.
    """
    if gaussians.render.antialiased:
        raise ValueError("the gradient of antialiased splats is not known")
    out = np.empty((len(projected.rows), 11), np.float32)
    source = [
        values.numpy()
        for values in (gaussians.means, gaussians.quats_wxyz, gaussians.log_scales, gaussians.opacity_logits)
    ]
    pose = np.ascontiguousarray(camera.T_camera_world, np.float64)
    lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height], np.float64)
    known = (projected.rows, projected.ellipses, ellipses)
    run_all([lambda a=a, b=b: _back(*source, pose, lens, *known, out, a, b) for a, b in spans(len(out))])
    return out


@njit(nogil=True, cache=True, fastmath=True)
def _back(centres, quats, log_scales, logits, pose, lens, rows, known, slopes, out, start, stop):
    fx, fy, cx, cy, width, height = lens
    margin_x = FRUSTUM_MARGIN * 0.5 * width / fx
    margin_y = FRUSTUM_MARGIN * 0.5 * height / fy
    right, left = (width - cx) / fx + margin_x, cx / fx + margin_x
    lower, upper = (height - cy) / fy + margin_y, cy / fy + margin_y
    turn = np.empty((3, 3))
    d_turn = np.empty((3, 3))
    for at in range(start, stop):
        i = rows[at]
        tilt, inverse_x, inverse_y = known[at, 2], known[at, 3], known[at, 4]
        d_tilt, d_ix, d_iy = slopes[at, 2], slopes[at, 3], slopes[at, 4]
        # tilt = sxy / syy, inverse_x = syy / det, inverse_y = 1 / syy
        ix2 = d_ix * inverse_x * inverse_x
        d_xx = -ix2
        d_xy = d_tilt * inverse_y + 2.0 * ix2 * tilt
        d_yy = -d_tilt * tilt * inverse_y - d_iy * inverse_y * inverse_y - ix2 * tilt * tilt
        px, py, pz = float(centres[i, 0]), float(centres[i, 1]), float(centres[i, 2])
        x = pose[0, 0] * px + pose[0, 1] * py + pose[0, 2] * pz + pose[0, 3]
        y = pose[1, 0] * px + pose[1, 1] * py + pose[1, 2] * pz + pose[1, 3]
        z = pose[2, 0] * px + pose[2, 1] * py + pose[2, 2] * pz + pose[2, 3]
        slope_x, slope_y = x / z, y / z
        held_x = min(right, max(-left, slope_x))
        held_y = min(lower, max(-upper, slope_y))
        ja, jb, jc, jd = fx / z, -fx * held_x / z, fy / z, -fy * held_y / z
        ux, uy = ja * pose[0, 0] + jb * pose[2, 0], ja * pose[0, 1] + jb * pose[2, 1]
        vx, vy = jc * pose[1, 0] + jd * pose[2, 0], jc * pose[1, 1] + jd * pose[2, 1]
        uz, vz = ja * pose[0, 2] + jb * pose[2, 2], jc * pose[1, 2] + jd * pose[2, 2]
        qw, qx, qy, qz = float(quats[i, 0]), float(quats[i, 1]), float(quats[i, 2]), float(quats[i, 3])
        turn[0, 0], turn[1, 0], turn[2, 0] = (
            1 - 2 * (qy * qy + qz * qz),
            2 * (qx * qy + qw * qz),
            2 * (qx * qz - qw * qy),
        )
        turn[0, 1], turn[1, 1], turn[2, 1] = (
            2 * (qx * qy - qw * qz),
            1 - 2 * (qx * qx + qz * qz),
            2 * (qy * qz + qw * qx),
        )
        turn[0, 2], turn[1, 2], turn[2, 2] = (
            2 * (qx * qz + qw * qy),
            2 * (qy * qz - qw * qx),
            1 - 2 * (qx * qx + qy * qy),
        )
        d_ux, d_uy, d_uz, d_vx, d_vy, d_vz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for axis in range(3):
            scale = math.exp(float(log_scales[i, axis]))
            rx, ry, rz = turn[0, axis], turn[1, axis], turn[2, axis]
            mu = scale * (ux * rx + uy * ry + uz * rz)
            mv = scale * (vx * rx + vy * ry + vz * rz)
            d_mu = 2.0 * d_xx * mu + d_xy * mv
            d_mv = 2.0 * d_yy * mv + d_xy * mu
            out[at, 3 + axis] = d_mu * mu + d_mv * mv
            d_mu *= scale
            d_mv *= scale
            d_turn[0, axis], d_turn[1, axis], d_turn[2, axis] = (
                d_mu * ux + d_mv * vx,
                d_mu * uy + d_mv * vy,
                d_mu * uz + d_mv * vz,
            )
            d_ux += d_mu * rx
            d_uy += d_mu * ry
            d_uz += d_mu * rz
            d_vx += d_mv * rx
            d_vy += d_mv * ry
            d_vz += d_mv * rz
        d_ja = d_ux * pose[0, 0] + d_uy * pose[0, 1] + d_uz * pose[0, 2]
        d_jb = d_ux * pose[2, 0] + d_uy * pose[2, 1] + d_uz * pose[2, 2]
        d_jc = d_vx * pose[1, 0] + d_vy * pose[1, 1] + d_vz * pose[1, 2]
        d_jd = d_vx * pose[2, 0] + d_vy * pose[2, 1] + d_vz * pose[2, 2]
        d_mx, d_my = slopes[at, 0], slopes[at, 1]
        d_x = d_mx * ja
        d_y = d_my * jc
        d_z = -(d_mx * ja * slope_x + d_my * jc * slope_y) - (d_ja * ja + d_jb * jb + d_jc * jc + d_jd * jd) / z
        # Beyond the margin the Jacobian's slope is held: only there it does not follow the centre.
        if held_x == slope_x:
            d_x -= d_jb * fx / (z * z)
            d_z += d_jb * fx * slope_x / (z * z)
        if held_y == slope_y:
            d_y -= d_jd * fy / (z * z)
            d_z += d_jd * fy * slope_y / (z * z)
        for k in range(3):
            out[at, k] = pose[0, k] * d_x + pose[1, k] * d_y + pose[2, k] * d_z
        # The derivative of R(q) splits into the symmetric and the antisymmetric parts of dL / dR.
        ax, ay, az = d_turn[2, 1] - d_turn[1, 2], d_turn[0, 2] - d_turn[2, 0], d_turn[1, 0] - d_turn[0, 1]
        yz, xz, xy = d_turn[2, 1] + d_turn[1, 2], d_turn[0, 2] + d_turn[2, 0], d_turn[1, 0] + d_turn[0, 1]
        gw = 2 * (qx * ax + qy * ay + qz * az)
        gx = 2 * (qy * xy + qz * xz + qw * ax) - 4 * qx * (d_turn[1, 1] + d_turn[2, 2])
        gy = 2 * (qx * xy + qz * yz + qw * ay) - 4 * qy * (d_turn[0, 0] + d_turn[2, 2])
        gz = 2 * (qx * xz + qy * yz + qw * az) - 4 * qz * (d_turn[0, 0] + d_turn[1, 1])
        radial = gw * qw + gx * qx + gy * qy + gz * qz
        out[at, 6], out[at, 7] = gw - radial * qw, gx - radial * qx
        out[at, 8], out[at, 9] = gy - radial * qy, gz - radial * qz
        out[at, 10] = slopes[at, 5] / (1.0 + math.exp(float(logits[i])))
