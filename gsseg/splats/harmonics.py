"""Colours from spherical harmonics and the way back, for the Gaussians that a camera sees.

The functions are those of `gsseg.scene.sh`, which is the oracle of the tests.
"""

import math

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.scene.sh import SH_0
from gsseg.threads import run_all, spans


def colors(
    sh: Float32[ndarray, "rows harmonics"],
    means: Float32[ndarray, "rows 3"],
    rows: Int32[ndarray, " visible"],
    position: Float64[ndarray, "3"],
    degree: int,
) -> Float32[ndarray, "visible 3"]:
    """RGB of the given rows as seen from a position, not below 0; of the harmonics up to ``degree`` alone."""
    out = np.empty((len(rows), 3), np.float32)
    run_all([lambda a=a, b=b: _colors(sh, means, rows, position, degree, out, a, b) for a, b in spans(len(rows))])
    return out


def colors_gradient(
    sh: Float32[ndarray, "rows harmonics"],
    means: Float32[ndarray, "rows 3"],
    rows: Int32[ndarray, " visible"],
    position: Float64[ndarray, "3"],
    degree: int,
    seen: Float32[ndarray, "visible 3"],
    slopes: Float32[ndarray, "visible 3"],
    gradients: Float32[ndarray, "visible slopes"],
) -> None:
    """Writes dL / d sh to the columns from 11 on and adds what direction does to dL / d mean, columns 0 to 2.

    ``seen``: what `colors` gave; where it is 0 the colour was cut off, and nothing is learnt. ``slopes``: dL / d seen.
    """
    jobs = spans(len(rows))
    run_all([lambda a=a, b=b: _back(sh, means, rows, position, degree, seen, slopes, gradients, a, b) for a, b in jobs])


@njit(nogil=True, cache=True)
def _basis(x, y, z, degree, value, slope):
    """The functions on the unit sphere, and their derivatives by x, y and z as free variables."""
    value[0] = SH_0
    slope[0, 0], slope[0, 1], slope[0, 2] = 0.0, 0.0, 0.0
    if degree >= 1:
        c = 0.4886025119029199
        value[1], value[2], value[3] = -c * y, c * z, -c * x
        slope[1:4] = 0.0
        slope[1, 1], slope[2, 2], slope[3, 0] = -c, c, -c
    if degree >= 2:
        a, b, c = 1.0925484305920792, 0.31539156525252005, 0.5462742152960396
        value[4], value[5], value[6] = a * x * y, -a * y * z, b * (3.0 * z * z - 1.0)
        value[7], value[8] = -a * x * z, c * (x * x - y * y)
        slope[4, 0], slope[4, 1], slope[4, 2] = a * y, a * x, 0.0
        slope[5, 0], slope[5, 1], slope[5, 2] = 0.0, -a * z, -a * y
        slope[6, 0], slope[6, 1], slope[6, 2] = 0.0, 0.0, 6.0 * b * z
        slope[7, 0], slope[7, 1], slope[7, 2] = -a * z, 0.0, -a * x
        slope[8, 0], slope[8, 1], slope[8, 2] = 2.0 * c * x, -2.0 * c * y, 0.0
    if degree >= 3:
        a, b, c = 0.5900435899266435, 2.890611442640554, 0.4570457994644658
        d, e = 0.3731763325901154, 1.445305721320277
        value[9], value[10] = -a * y * (3.0 * x * x - y * y), b * x * y * z
        value[11], value[12] = -c * y * (5.0 * z * z - 1.0), d * z * (5.0 * z * z - 3.0)
        value[13], value[14] = -c * x * (5.0 * z * z - 1.0), e * z * (x * x - y * y)
        value[15] = -a * x * (x * x - 3.0 * y * y)
        slope[9, 0], slope[9, 1], slope[9, 2] = -6.0 * a * x * y, -3.0 * a * (x * x - y * y), 0.0
        slope[10, 0], slope[10, 1], slope[10, 2] = b * y * z, b * x * z, b * x * y
        slope[11, 0], slope[11, 1], slope[11, 2] = 0.0, -c * (5.0 * z * z - 1.0), -10.0 * c * y * z
        slope[12, 0], slope[12, 1], slope[12, 2] = 0.0, 0.0, d * (15.0 * z * z - 3.0)
        slope[13, 0], slope[13, 1], slope[13, 2] = -c * (5.0 * z * z - 1.0), 0.0, -10.0 * c * x * z
        slope[14, 0], slope[14, 1], slope[14, 2] = 2.0 * e * x * z, -2.0 * e * y * z, e * (x * x - y * y)
        slope[15, 0], slope[15, 1], slope[15, 2] = -3.0 * a * (x * x - y * y), 6.0 * a * x * y, 0.0


@njit(nogil=True, cache=True)
def _colors(sh, means, rows, position, degree, out, start, stop):
    value, slope = np.empty(16), np.empty((16, 3))
    for at in range(start, stop):
        i = rows[at]
        x, y, z = means[i, 0] - position[0], means[i, 1] - position[1], means[i, 2] - position[2]
        far = 1.0 / max(math.sqrt(x * x + y * y + z * z), 1e-12)
        _basis(x * far, y * far, z * far, degree, value, slope)
        for c in range(3):
            total = 0.5
            for k in range((degree + 1) ** 2):
                total += value[k] * sh[i, 3 * k + c]
            out[at, c] = max(0.0, total)


@njit(nogil=True, cache=True)
def _back(sh, means, rows, position, degree, seen, slopes, gradients, start, stop):
    value, slope = np.empty(16), np.empty((16, 3))
    for at in range(start, stop):
        i = rows[at]
        x, y, z = means[i, 0] - position[0], means[i, 1] - position[1], means[i, 2] - position[2]
        far = 1.0 / max(math.sqrt(x * x + y * y + z * z), 1e-12)
        x, y, z = x * far, y * far, z * far
        _basis(x, y, z, degree, value, slope)
        dx, dy, dz = 0.0, 0.0, 0.0
        for k in range((degree + 1) ** 2):
            along = 0.0
            for c in range(3):
                own = slopes[at, c] if seen[at, c] > 0.0 else 0.0
                gradients[at, 11 + 3 * k + c] = own * value[k]
                along += own * sh[i, 3 * k + c]
            dx += along * slope[k, 0]
            dy += along * slope[k, 1]
            dz += along * slope[k, 2]
        # Only what turns the direction counts: the part along it is taken away, the rest shrinks with distance.
        radial = dx * x + dy * y + dz * z
        gradients[at, 0] += far * (dx - radial * x)
        gradients[at, 1] += far * (dy - radial * y)
        gradients[at, 2] += far * (dz - radial * z)
