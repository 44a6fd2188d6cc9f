"""How far a picture is from its photo: L1 and SSIM (Wang et al. 2004), with the gradient written out.

SSIM compares means and variances under a Gaussian window of 11 x 11 pixels (standard deviation 1.5, zeros beyond the
border, as Inria's trainer has it). The window is a product, so each blur is two passes of 11 numbers; with
E = blur of products, the gradient by the picture x is one more blur of three maps:

    dL/dx = blur(dL/d mean) + 2 x blur(dL/dE[xx]) + y blur(dL/dE[xy])
"""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.threads import run_all, spans

RADIUS = 5
WINDOW = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * 1.5**2)).astype(np.float64)
WINDOW = (WINDOW / WINDOW.sum()).astype(np.float32)
"""One axis of the window."""
C1, C2 = 0.01**2, 0.03**2
"""Wang's constants for pictures in [0, 1]."""


def photometric(
    picture: Float32[ndarray, "3 height stride"],
    photo: Float32[ndarray, "3 height stride"],
    width: int,
    ssim_share: float,
    seen: Float32[ndarray, "height stride"] | None = None,
) -> tuple[float, float, Float32[ndarray, "3 height stride"]]:
    """Loss, mean SSIM and dL / d picture; the padding beyond ``width`` counts for nothing.

    The loss is (1 - share) mean |x - y| + share (1 - mean SSIM). ``seen``: 1 for pixels that the photo shows, 0 for
    those that it does not; both pictures are 0 there, and no gradient comes from there.
    """
    if seen is not None:
        picture, photo = picture * seen, photo * seen
    height = picture.shape[1]
    count = 3 * height * width
    maps = np.zeros((3, *picture.shape), np.float32)  # dL/d mean, dL/dE[xx], dL/dE[xy]
    out = np.zeros_like(picture)
    jobs = spans(height)
    sums = run_all([lambda a=a, b=b: _compare(picture, photo, width, WINDOW, maps, a, b) for a, b in jobs])
    weights = (np.float32((1.0 - ssim_share) / count), np.float32(-ssim_share / count))
    run_all([lambda a=a, b=b: _gather(picture, photo, width, WINDOW, maps, *weights, out, a, b) for a, b in jobs])
    difference, likeness = (sum(each[k] for each in sums) / count for k in range(2))
    if seen is not None:
        out *= seen
    return (1.0 - ssim_share) * difference + ssim_share * (1.0 - likeness), likeness, out


@njit(nogil=True, cache=True, fastmath=True)
def _across(row, width, window, out):
    """Blurs one row, which is padded by RADIUS zeros on both sides."""
    out[:width] = 0.0
    for k in range(len(window)):
        w = window[k]
        for x in range(width):
            out[x] += w * row[x + k]


@njit(nogil=True, cache=True, fastmath=True)
def _compare(picture, photo, width, window, maps, start, stop):
    """Sums of |x - y| and of SSIM over the rows start..stop-1, and dSSIM by the three moments of x."""
    height = picture.shape[1]
    rows = np.zeros((5, width + 2 * RADIUS), np.float32)
    blurred = np.empty((5, width), np.float32)
    difference, likeness = 0.0, 0.0
    for channel in range(3):
        for y in range(start, stop):
            rows[:] = 0.0
            for k in range(max(0, RADIUS - y), min(2 * RADIUS + 1, height + RADIUS - y)):
                w = window[k]
                mine, theirs = picture[channel, y + k - RADIUS], photo[channel, y + k - RADIUS]
                for x in range(width):
                    a, b = mine[x], theirs[x]
                    rows[0, RADIUS + x] += w * a
                    rows[1, RADIUS + x] += w * b
                    rows[2, RADIUS + x] += w * a * a
                    rows[3, RADIUS + x] += w * b * b
                    rows[4, RADIUS + x] += w * a * b
            for k in range(5):
                _across(rows[k], width, window, blurred[k])
            row_difference, row_likeness = np.float32(0.0), np.float32(0.0)
            for x in range(width):
                row_difference += abs(picture[channel, y, x] - photo[channel, y, x])
                m, n = blurred[0, x], blurred[1, x]
                a1 = np.float32(2.0) * m * n + np.float32(C1)
                a2 = np.float32(2.0) * (blurred[4, x] - m * n) + np.float32(C2)
                b1 = m * m + n * n + np.float32(C1)
                b2 = blurred[2, x] - m * m + blurred[3, x] - n * n + np.float32(C2)
                inverse = np.float32(1.0) / (b1 * b2)
                s = a1 * a2 * inverse
                row_likeness += s
                # b1 (b2) holds the mean once by itself and once inside the variance, hence two terms of each kind.
                maps[0, channel, y, x] = np.float32(2.0) * (n * (a2 - a1) * inverse - m * s * (b2 - b1) * inverse)
                maps[1, channel, y, x] = -s * b1 * inverse
                maps[2, channel, y, x] = np.float32(2.0) * a1 * inverse
            difference += row_difference
            likeness += row_likeness
    return difference, likeness


@njit(nogil=True, cache=True, fastmath=True)
def _gather(picture, photo, width, window, maps, absolute, similar, out, start, stop):
    """dL / d picture of the rows start..stop-1."""
    height = picture.shape[1]
    rows = np.zeros((3, width + 2 * RADIUS), np.float32)
    blurred = np.empty((3, width), np.float32)
    for channel in range(3):
        for y in range(start, stop):
            rows[:] = 0.0
            for k in range(max(0, RADIUS - y), min(2 * RADIUS + 1, height + RADIUS - y)):
                w = window[k]
                for kind in range(3):
                    source = maps[kind, channel, y + k - RADIUS]
                    for x in range(width):
                        rows[kind, RADIUS + x] += w * source[x]
            for kind in range(3):
                _across(rows[kind], width, window, blurred[kind])
            for x in range(width):
                a, b = picture[channel, y, x], photo[channel, y, x]
                slope = absolute if a > b else -absolute if a < b else np.float32(0.0)
                gain = blurred[0, x] + np.float32(2.0) * a * blurred[1, x] + b * blurred[2, x]
                out[channel, y, x] = slope + similar * gain
