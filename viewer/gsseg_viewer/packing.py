"""Gaussians as viser draws them: 32 bytes each, in units that float16 has room for.

    geometry   -> viser's 32 bytes a Gaussian: centre 3 x float32, 4 bytes left to the browser, covariance 6 x float16
                  (upper triangle, row by row), RGBA 4 x uint8
    node units -> world units * S, with S = 1 / (the node's scale in the scene) a power of two for each node

Why node units: a float16 holds 6e-5 to 65504, and a covariance in metres squared of a Gaussian a tenth of a millimetre
wide is 1e-8, which is drawn as nothing. In units of the node's typical Gaussian everything has room.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt32
from numpy import ndarray

from gsseg.scene import Gaussians
from gsseg.scene.rotations import rotation_matrices

_LOG_SIGMA = np.log(2.0) * np.array([-6.5, 7.5])
"""Natural logarithm of the least and the largest standard deviation in node units.

Variances are 2^-13 to 2^15 then. Above, 65504 is the largest float16; below, the smallest off-diagonal that
`_covariances` lets pass, 2^-11 of the variance, is 2^-24, the least number that is not rounded to zero."""

_CHUNK = 1 << 16
"""Gaussians packed at a time, which bounds what packing takes beside its result (about 20 MB)."""


def packed(
    gaussians: Gaussians, rows: Int32[ndarray, " drawn"], edges: Int64[ndarray, " edges"]
) -> tuple[UInt32[ndarray, "drawn 8"], Float64[ndarray, " nodes"]]:
    """The buffer of these rows, with colours of zero, and the size of each node's unit in world units.

    Node k is rows ``[edges[k], edges[k + 1])``; none is empty.
    """
    means, log_scales, quats = (
        values.numpy() for values in (gaussians.means, gaussians.log_scales, gaussians.quats_wxyz)
    )
    longest = log_scales.max(1)[rows]
    scales = np.array([_unit(longest[low:high]) for low, high in pairwise(edges.tolist())])
    units = np.repeat(scales, np.diff(edges))
    geometry = np.zeros((len(rows), 8), np.uint32)
    for low in range(0, len(rows), _CHUNK):
        part = slice(low, low + _CHUNK)
        there, unit = rows[part], units[part, None]
        centres = np.clip(means[there] / unit, -1e30, 1e30).astype(np.float32)
        logs = np.clip(log_scales[there] - np.log(unit), *_LOG_SIGMA).astype(np.float32)
        geometry[part, 0:3] = centres.view(np.uint32)
        geometry[part, 4:7] = _covariances(quats[there], np.exp(logs)).astype(np.float16).view(np.uint32)
    return geometry, scales


def _unit(log_sigmas: Float32[ndarray, " members"]) -> float:
    """The node unit: the power of two next to the typical Gaussian's largest standard deviation.

    Up to eight times that where a far larger Gaussian would else be cut to `_LOG_SIGMA`.
    """
    middle, top = float(np.median(log_sigmas)), float(log_sigmas.max()) - _LOG_SIGMA[1]
    return float(2.0 ** np.round(np.clip(max(middle, min(top, middle + np.log(8.0))), -80, 80) / np.log(2.0)))


def _covariances(
    quats_wxyz: Float32[ndarray, "drawn 4"], sigmas: Float32[ndarray, "drawn 3"]
) -> Float32[ndarray, "drawn 6"]:
    """Upper triangle of R diag(sigmas^2) R^T (Kerbl et al. 2023, equation 6), mended for float16 and viser's shader.

    float16 rounds each entry by up to 2^-11, which can make the matrix of a flat Gaussian indefinite, and the shader
    then draws nothing; and where a projected off-diagonal is exactly 0 the shader divides 0 by 0. So every off-diagonal
    has at least 2^-11 of sqrt(c_ii c_jj), and 2^-10 of the trace is added along the diagonal, which outweighs both
    errors: the thinnest Gaussian is 3 % as thick as it is long. The three entries of each are treated unlike, or
    else views along a diagonal of the axes would find the zero again.
    """
    rotation = rotation_matrices(quats_wxyz)
    xx, yy, zz = sigmas.T**2
    out = np.empty((len(sigmas), 6), np.float32)
    for column, (i, j) in enumerate(_TRIANGLE):
        a, b = rotation[:, i].T, rotation[:, j].T
        out[:, column] = a[0] * b[0] * xx + a[1] * b[1] * yy + a[2] * b[2] * zz
    size = (xx + yy + zz) * 2.0**-10
    for column, factor in ((0, 1.0), (3, 1.5), (5, 2.0)):
        out[:, column] += factor * size
    for column, i, j, factor in ((1, 0, 3, 1.0), (2, 0, 5, 1.25), (4, 3, 5, 1.5)):
        least = factor * 2.0**-11 * np.sqrt(out[:, i] * out[:, j])
        out[:, column] = np.copysign(np.maximum(np.abs(out[:, column]), least), out[:, column])
    return out


_TRIANGLE = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
