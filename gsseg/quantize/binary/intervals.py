"""The interval of a vector: the two ends of the even grid that its components are rounded to.

A centred vector x is rebuilt as xq_i = a + (b - a) k_i / (points - 1), k_i in 0..points-1, points = 2^bits. The loss of
an interval [a, b] is anisotropic (Guo et al., ICML 2020): an error along x moves inner products with x's neighbours
more than one across it, and counts more,

    loss = (1 - lambda) (x . (x - xq))^2 / |x|^2 + lambda |x - xq|^2.

Given the k_i it is quadratic in (a, b). Two ways to the interval:

- `descend`: rounds and solves for (a, b) in turns, as Apache Lucene's OptimizedScalarQuantizer does. It repeats that
  code's choice of float32 or float64 in every step, because codes on the edge between two grid points depend on it.
- `split`: one bit only, the smallest loss over all codes. With sums S_0, S_1 and counts n_0, n_1 of the components of
  either code, solving for (a, b) leaves loss = |x|^2 - G / (lambda + (1 - lambda) G / |x|^2), G = S_0^2 / n_0 +
  S_1^2 / n_1, which falls as G grows: the best codes are those of 2-means in one dimension, a cut of the sorted
  components. The ends are the two means times 1 / (lambda + (1 - lambda) G / |x|^2).

Called from compiled code; every function works on one vector (float32) and holds no interpreter lock.
"""

import numpy as np

from gsseg.compiled import njit

LAMBDA = np.float32(0.1)
"""Weight of the whole squared error in the loss; one minus it for the error along the vector."""

ROUNDS = 5
"""Rounds of `descend` at most."""

STILL = 1e-8
"""`descend` ends when neither end moves by this much."""

NORMAL_HALF_WIDTH = np.array([0.798, 1.493, 2.051, 2.514, 2.916, 3.278, 3.611, 3.922], np.float32)
"""Half the width, in standard deviations, of the best even grid for a normal distribution, for 1..8 bits (one bit:
sqrt(2 / pi)): where the descent starts."""


@njit(nogil=True, cache=True, error_model="numpy")
def moments(centred):
    """Least, greatest, squared length (float32, in order), mean and standard deviation (float64, Welford)."""
    least, greatest = np.float32(np.inf), np.float32(-np.inf)
    norm2 = np.float32(0.0)
    mean, spread = 0.0, 0.0
    for i in range(len(centred)):
        x = centred[i]
        least, greatest = min(least, x), max(greatest, x)
        norm2 += x * x
        delta = np.float64(x) - mean
        mean += delta / (i + 1)
        spread += delta * (np.float64(x) - mean)
    return least, greatest, norm2, mean, np.sqrt(spread / len(centred))


@njit(nogil=True, cache=True, error_model="numpy")
def first_interval(bits, least, greatest, mean, deviation):
    """The best grid for a normal distribution of this mean and deviation, cut to the range of the components."""
    width = np.float64(NORMAL_HALF_WIDTH[bits - 1]) * deviation
    lower = min(max(mean - width, np.float64(least)), np.float64(greatest))
    upper = min(max(mean + width, np.float64(least)), np.float64(greatest))
    return np.float32(lower), np.float32(upper)


@njit(nogil=True, cache=True, error_model="numpy")
def nearest_step(position):
    """floor(position + 1/2) without that sum's own rounding; 0 where a grid of no width makes the position NaN."""
    if not position > 0.0:
        return 0.0
    below = np.floor(position)
    return below + 1.0 if position - below >= 0.5 else below


@njit(nogil=True, cache=True, error_model="numpy")
def interval_loss(centred, norm2, points, lower, upper):
    """The loss of an interval when every component takes the nearest grid point."""
    a, b = np.float64(lower), np.float64(upper)
    step = (b - a) / (points - 1.0)
    inverse = 1.0 / step
    along, whole = 0.0, 0.0
    for i in range(len(centred)):
        x = np.float64(centred[i])
        error = x - (a + step * nearest_step((min(max(x, a), b) - a) * inverse))
        along += x * error
        whole += error * error
    weight = np.float64(LAMBDA)
    return (1.0 - weight) * along * along / np.float64(norm2) + weight * whole


@njit(nogil=True, cache=True, error_model="numpy")
def descend(centred, norm2, points, lower, upper, rounds):
    """Rounds to the grid and solves for its ends, in turns, until the loss would rise; returns the ends."""
    loss = interval_loss(centred, norm2, points, lower, upper)
    scale = (np.float32(1.0) - LAMBDA) / norm2
    if not np.isfinite(scale):
        return lower, upper
    scale_wide, weight = np.float64(scale), np.float64(LAMBDA)
    last = np.float32(points - 1)
    for _ in range(rounds):
        a, b = np.float64(lower), np.float64(upper)
        inverse = np.float64(last / (upper - lower))
        daa, dab, dbb, dax, dbx = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(len(centred)):
            x = centred[i]
            s = np.float32(nearest_step((min(max(np.float64(x), a), b) - a) * inverse)) / last
            rest = 1.0 - np.float64(s)
            daa += rest * rest
            dab += rest * np.float64(s)
            dbb += np.float64(s * s)
            dax += np.float64(x) * rest
            dbx += np.float64(x * s)
        m0 = scale_wide * dax * dax + weight * daa
        m1 = scale_wide * dax * dbx + weight * dab
        m2 = scale_wide * dbx * dbx + weight * dbb
        determinant = m0 * m2 - m1 * m1
        if determinant == 0.0:
            break
        new_lower = np.float32((m2 * dax - m1 * dbx) / determinant)
        new_upper = np.float32((m0 * dbx - m1 * dax) / determinant)
        if abs(lower - new_lower) < STILL and abs(upper - new_upper) < STILL:
            break
        new_loss = interval_loss(centred, norm2, points, new_lower, new_upper)
        if new_loss > loss:
            break
        lower, upper, loss = new_lower, new_upper, new_loss
    return lower, upper


@njit(nogil=True, cache=True, error_model="numpy")
def split(centred):
    """The ends of the smallest one-bit loss, and the greatest component of code 0 (codes: component > it)."""
    ordered = np.sort(centred)
    count = len(ordered)
    total, norm2 = 0.0, 0.0
    for i in range(count):
        x = np.float64(ordered[i])
        total += x
        norm2 += x * x
    if norm2 == 0.0:
        return np.float32(0.0), np.float32(0.0), ordered[-1]
    below = 0.0
    best, cut, below_cut = total * total / count, count - 1, total
    for i in range(count - 1):
        below += np.float64(ordered[i])
        if ordered[i] < ordered[i + 1]:
            above = total - below
            gain = below * below / (i + 1) + above * above / (count - 1 - i)
            if gain > best:
                best, cut, below_cut = gain, i, below
    weight = np.float64(LAMBDA)
    stretch = 1.0 / (weight + (1.0 - weight) * best / norm2)
    lower = below_cut / (cut + 1) * stretch
    upper = (total - below_cut) / (count - 1 - cut) * stretch if cut < count - 1 else lower
    return np.float32(lower), np.float32(upper), ordered[cut]
