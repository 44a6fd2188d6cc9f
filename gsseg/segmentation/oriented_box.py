"""The oriented box of an object: small, and not blown up by the Gaussians that were given to it by mistake.

Three steps. The central half of the centres tells how the object lies: of its convex hull, the box that is flush with
a triangle and an edge of it and has the least volume. Then one slice after the other is taken off the box, always off
the face where it saves the most, until `HELD` of the centres are left. The box of these is searched once more.

Open3D has such boxes, but every training would have to load it for them, on machines that lack its libraries too; and
the least boxes of its version 0.20 do not always hold the points they were made from.
"""

import math

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.spatial import ConvexHull, QhullError

from gsseg.segmentation.table import OrientedBox

HELD = 0.98
"""Share of the centres that a box holds at least."""

_CORE = 0.5
"""Share of the centres that the first orientation comes from: of trained objects, far fewer are strays."""
_CONCENTRATIONS = 5
"""Steps to the central centres; the determinant of their covariance falls with each, and hardly after a few."""
_SLICES = 8
"""Slices in which 1 - `HELD` of the centres is taken off: each may come off another face."""
_MOST_POINTS, _MOST_TRIANGLES = 5_000, 100
"""Of which an orientation is searched: a bound on time for objects of millions of Gaussians, or as round as a ball."""


def oriented_box(points: Float64[ndarray, "points 3"]) -> OrientedBox:
    """A small box around at least `HELD` of one or more points; its axes turn with them.

    Around fewer than four points, and around points in one plane, a box along the world's axes. Boxes flush with a
    triangle of the convex hull are those that Open3D calls MINIMAL_APPROX; of these, every edge of the triangle is
    tried. Freeing the covariance from strays: the concentration steps of Rousseeuw and Van Driessen 1999.
    """
    middle = points.mean(axis=0)
    local = points - middle  # far from the origin the hull would lose digits
    try:
        held = _peeled(local, _least_axes(_central(_some(local))))
        axes = _least_axes(_some(held))
    except QhullError:
        held, axes = _peeled(local, np.eye(3)), np.eye(3)
    low, high = (held @ axes).min(axis=0), (held @ axes).max(axis=0)
    order = np.argsort(low - high, kind="stable")
    return _rounded(middle + axes @ ((low + high) / 2), (high - low)[order], _signed(axes[:, order]))


def _some(points: Float64[ndarray, "points 3"]) -> Float64[ndarray, "some 3"]:
    """Every so many-th point: `_MOST_POINTS` at most."""
    return points[:: -(-len(points) // _MOST_POINTS)]


def _central(points: Float64[ndarray, "points 3"]) -> Float64[ndarray, "core 3"]:
    """The `_CORE` of the points that are nearest to their own mean, as their own covariance measures it."""
    kept, count = points, math.ceil(_CORE * len(points))
    for _ in range(_CONCENTRATIONS):
        offsets = points - kept.mean(axis=0)
        spread = kept - kept.mean(axis=0)
        precision = np.linalg.pinv(spread.T @ spread, hermitian=True)
        distance = ((offsets @ precision) * offsets).sum(axis=1)
        kept = points[np.argpartition(distance, count - 1)[:count]]
    return kept


def _least_axes(points: Float64[ndarray, "points 3"]) -> Float64[ndarray, "3 3"]:
    """Axes, as columns, of the least box flush with a triangle of the hull and an edge of it; QhullError: no hull."""
    hull = ConvexHull(points)
    corners, outer = points[hull.simplices], points[hull.vertices]
    edges = np.roll(corners, -1, axis=1) - corners
    areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    largest = np.argsort(-areas, kind="stable")[:_MOST_TRIANGLES]
    along = edges[largest] / np.linalg.norm(edges[largest], axis=2, keepdims=True)
    up = np.broadcast_to(hull.equations[largest, None, :3], along.shape)
    frames = np.stack([along, np.cross(up, along), up], 2).reshape(-1, 3, 3)
    lengths = np.ptp(frames.reshape(-1, 3) @ outer.T, axis=1).reshape(-1, 3)
    return frames[int(lengths.prod(axis=1).argmin())].T


def _peeled(points: Float64[ndarray, "points 3"], axes: Float64[ndarray, "3 3"]) -> Float64[ndarray, "held 3"]:
    """The points less a few outer ones, 1 - `HELD` of them at most, so that their box along ``axes`` is small."""
    spare = len(points) - math.ceil(HELD * len(points))
    if not spare:
        return points
    along = points @ axes
    # Only what is among the outermost of an axis can be taken off: nothing else has to be sorted.
    low, high = np.partition(along, (spare, len(points) - 1 - spare), axis=0)[[spare, len(points) - 1 - spare]]
    outer = np.flatnonzero(((along <= low) | (along >= high)).any(axis=1))
    kept, most = np.ones(len(points), bool), -(-spare // _SLICES)
    while spare:
        slice_ = min(most, spare)
        order = np.argsort(along[outer], axis=0, kind="stable")
        ranked = np.take_along_axis(along[outer], order, axis=0)
        saved = np.stack([ranked[slice_] - ranked[0], ranked[-1] - ranked[-1 - slice_]])
        side, axis = divmod(int(np.argmax(saved / np.maximum(ranked[-1] - ranked[0], 1e-300))), 3)
        off = order[:slice_, axis] if side == 0 else order[-slice_:, axis]
        kept[outer[off]] = False
        outer = np.delete(outer, off)
        spare -= slice_
    return points[kept]


def _signed(axes: Float64[ndarray, "3 3"]) -> Float64[ndarray, "3 3"]:
    """The same axes as a rotation; of the first two, the largest component is positive, so that reruns agree."""
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0))
    first, second, _ = (axes * signs).T
    return np.stack([first, second, np.cross(first, second)], 1)


def _rounded(
    center: Float64[ndarray, "3"], extent: Float64[ndarray, "3"], rotation: Float64[ndarray, "3 3"]
) -> OrientedBox:
    """Nine digits, those of a splat's own float32 numbers: objects.json and scene.gsseg hold them as text."""
    middle, lengths = ([float(f"{value:.9g}") for value in values] for values in (center, extent))
    return OrientedBox(middle, lengths, np.round(rotation, 9).tolist())
