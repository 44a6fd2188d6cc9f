"""What a segmenter sees of a photo: colours, evenness, and edges of light and dark that it takes for borders."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8
from numpy import ndarray
from scipy.ndimage import find_objects, gaussian_filter, label, median

from gsseg.sample.scan_noise import ScanNoise

_BLUR = 1.2
"""Pixels (one sigma) over which brightness is smoothed before edges are looked for."""
_SHARP = 0.07
"""Least slope of brightness at an edge, in its height a pixel: a ramp over 14 pixels or fewer."""
_EVEN = 0.010
"""Median deviation of brightness from its surroundings below which a surface counts as textureless."""
_LEAST_SHARE, _LEAST_PIXELS = 0.08, 90
"""Both sides of an edge are at least so much of the mask that it cuts."""
_LARGE = 400
"""Pixels of the smallest mask that is cut."""
_SPECK = 40
"""Specks of fewer pixels stay on the side that surrounds them."""
_BINS = 48


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, smoothed as each question needs it; 0..1."""

    color: Float64[ndarray, "height width 3"]
    light: Float64[ndarray, "height width"]
    """Brightness."""
    slope: Float64[ndarray, "height width"]
    """Of brightness, a pixel."""
    detail: Float64[ndarray, "height width"]
    """How far brightness is from that of its surroundings."""

    def is_even(self, labels: Int64[ndarray, "height width"], count: int) -> Bool[ndarray, " labels"]:
        """Which of the labels 0..count - 1, all there, have no texture."""
        return np.asarray(median(self.detail, labels, np.arange(count))) < _EVEN


def photo_of(picture: UInt8[ndarray, "height width 3"]) -> Photo:
    """The photo as 8-bit sRGB, seen by a segmenter."""
    color = gaussian_filter(picture / 255.0, (1.0, 1.0, 0.0))
    light = gaussian_filter(picture.mean(axis=2) / 255.0, _BLUR)
    down, across = np.gradient(light)
    return Photo(color, light, np.hypot(down, across), np.abs(light - gaussian_filter(light, 4.0)))


def cut_along_edges(
    labels: Int64[ndarray, "height width"], photo: Photo, noise: ScanNoise, rng: np.random.Generator
) -> Int64[ndarray, "height width"]:
    """Large masks in two, each with probability ``noise.edges``, where the photo shows a clear edge inside them.

    The two sides are the brightness above and below Otsu's threshold (1979). It is an edge, and no slow shade, where
    brightness is steep along it, and neither side is specks.
    """
    _, places = np.unique(labels, return_inverse=True)
    out, fresh = labels.copy(), int(labels.max()) + 1
    boxes = find_objects(places.reshape(labels.shape) + 1)
    names = np.unique(labels)
    for name, box in zip(names, boxes, strict=True):
        region = labels[box] == name
        if name == 0 or region.sum() < _LARGE or rng.random() >= noise.edges:
            continue
        bright = _bright_side(region, photo.light[box], photo.slope[box], noise.edge_step)
        if bright is not None:
            out[box][bright] = fresh
            fresh += 1
    return out


def _bright_side(region: ndarray, light: ndarray, slope: ndarray, step: float) -> Bool[ndarray, "rows columns"] | None:
    """The brighter side of the region's clearest edge; None where it has none."""
    values = light[region]
    bright = region & (light > otsu(values))
    for side in (bright, region & ~bright):
        islands = np.empty(region.shape, np.int32)
        label(side, output=islands)
        sizes = np.bincount(islands.reshape(-1))
        sizes[0] = _SPECK
        speck = side & (sizes[islands] < _SPECK)
        bright = bright ^ speck
        if sizes[1:].max(initial=0) < max(_LEAST_PIXELS, _LEAST_SHARE * len(values)):
            return None
    dark = region & ~bright
    height = light[bright].mean() - light[dark].mean()
    along = np.zeros(region.shape, bool)
    for axis in (0, 1):
        one, other = np.delete(bright, -1, axis), np.delete(dark, 0, axis)
        back, front = np.delete(dark, -1, axis), np.delete(bright, 0, axis)
        meet = one & other | back & front
        along |= np.pad(meet, [(0, 1), (0, 0)] if axis == 0 else [(0, 0), (0, 1)])
    if height < step or not along.any() or np.median(slope[along]) < _SHARP * height:
        return None
    return bright


def otsu(values: Float64[ndarray, " values"]) -> float:
    """The threshold that leaves the least variance inside the two classes (Otsu 1979), of 48 tried."""
    counts, edges = np.histogram(values, _BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), np.cumsum(counts * middles)
    above = below[-1] - below
    inner = (below > 0) & (above > 0)
    if not inner.any():
        return float(edges[-1])
    gap = total[inner] / below[inner] - (total[-1] - total[inner]) / above[inner]
    return float(edges[1:][inner][np.argmax(below[inner] * above[inner] * gap**2)])
