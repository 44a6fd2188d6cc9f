"""Brightness and contrast of every photo, measured before anything is learnt: against the colours of the points.

A point's colour is the mean of what the photos show of it. A photo shows some of the points, and of those that
something stands before something else; a fit that leaves outliers out (Geman and McClure's weights) gives its gain and
offset all the same. Learning would have to guess them while geometry is still wrong, and geometry would fit the guess.
"""

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray
from scipy.ndimage import uniform_filter

from gsseg.splats.exposure import NONE, as_they_are
from gsseg.splats.initial import Points
from gsseg.splats.photos import PhotoCache

LEAST_POINTS = 50
"""Seen by a photo; with fewer it counts as it is."""
WINDOW = 3
"""Pixels across, of the square whose mean is a point's colour in a photo."""
ROUNDS = 30
LEAST_SPREAD = 0.03
"""Of differences in colour: what is farther off than the median one, or than this, loses its weight."""
HOLD = 0.01
"""Variance of colours that holds the gain at 1, where the points of a photo are all alike."""


def first_exposures(wanted: bool, photos: PhotoCache, points: Points) -> Float32[ndarray, "views 2 3"]:
    """Gain and offset of each photo and channel: photo = gain * colour + offset. The mean photo has 1 and 0.

    1 and 0 for all where they are not ``wanted``, or where the points are guesses.
    """
    found = as_they_are(len(photos.views)).astype(np.float64)
    for index in range(len(found) if wanted and not points.guessed else 0):
        photo = photos.read(index, 1)
        pixels, depth = photo.camera.project(points.positions)
        rows = np.flatnonzero(photo.camera.sees(pixels, depth))
        x, y = np.floor(pixels[rows]).astype(np.int64).T
        known = np.ones(len(rows), bool)
        if photo.seen is not None:
            known &= photo.seen[y, x] > 0
        if photo.clear is not None:
            known &= photo.clear[y, x] == 0
        if known.sum() < LEAST_POINTS:
            continue
        rows, x, y = rows[known], x[known], y[known]
        smooth = np.stack([uniform_filter(channel[:, : photo.camera.width], WINDOW) for channel in photo.pixels])
        found[index] = _fit(points.colors[rows].astype(np.float64), smooth[:, y, x].T.astype(np.float64))
    return (found - found.mean(0) + NONE).astype(np.float32)


def _fit(colors: Float64[ndarray, "points 3"], shown: Float64[ndarray, "points 3"]) -> Float64[ndarray, "2 3"]:
    """Gain and offset by which ``colors`` become most of ``shown``."""
    gain, offset = np.ones(3), np.zeros(3)
    for _ in range(ROUNDS):
        square = ((shown - gain * colors - offset) ** 2).sum(1)
        spread = max(LEAST_SPREAD**2, float(np.median(square)))
        weights = ((1.0 + square / spread) ** -2)[:, None]
        weights /= weights.sum()
        mean, mean_shown = (weights * colors).sum(0), (weights * shown).sum(0)
        centred = colors - mean
        together = (weights * centred * (shown - mean_shown)).sum(0)
        gain = (together + HOLD) / ((weights * centred**2).sum(0) + HOLD)
        offset = mean_shown - gain * mean
    return np.stack([gain, offset])
