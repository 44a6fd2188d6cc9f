"""A ray or a point -> Gaussians -> object: what a click means.

Conventions: world units; a ray's direction may have any length but zero; distances are measured from its origin.
Along a ray each Gaussian counts with its largest response, opacity * exp(-m^2 / 2) with m the smallest Mahalanobis
distance of any point of the ray (the full covariance, no image plane), which is what a renderer's ellipse on an
image of infinitely fine pixels gives. Blending is the renderer's: front to back, the same cut-offs.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int32, Integer
from numpy import ndarray
from torch import Tensor

from gsseg.compiled import njit
from gsseg.render.constants import ALPHA_MAX, ALPHA_THRESHOLD, TRANSMITTANCE_THRESHOLD
from gsseg.scene import Gaussians
from gsseg.segmentation import NO_OBJECT

MIN_WEIGHT = 0.3
"""A ray that gives less of its light than this to all Gaussians together hits nothing: fringes and lone floaters."""

Vector = Float[ndarray, "3"] | Integer[ndarray, "3"]

_REACH = 2.0 * math.log(1.0 / ALPHA_THRESHOLD)
"""Squared Mahalanobis distance beyond which no opacity reaches the cut-off (11.1)."""


@dataclass(frozen=True, eq=False)
class Hits:
    """The Gaussians that stop a ray's light, nearest first."""

    rows: Int32[ndarray, " hits"]
    """Row in the scene."""
    weights: Float64[ndarray, " hits"]
    """Share of the ray's light that each stops, alpha * transmittance, in (0, 1); they sum to at most 1."""
    distances: Float64[ndarray, " hits"]
    """From the origin to where the Gaussian's response peaks on the ray, world units, ascending."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The object that a ray or a point hits."""

    object_id: int
    """Row in the table of objects."""
    rows: Int32[ndarray, " selected"]
    """All Gaussians of the object, ascending."""
    weight: float
    """Share of the ray's light that the object stops, 0..1; of a point: the response there, 0 where it lies outside."""
    gaussian: int
    """Row of the object's Gaussian that counts most."""
    position: Float64[ndarray, "3"]
    """World point: on the ray, where that Gaussian's response peaks; for a point: that Gaussian's centre."""


def pick(gaussians: Gaussians, origin: Vector, direction: Vector) -> Hits:
    """The Gaussians along a ray with their blending weights, equations (2)-(3) of Kerbl et al. 2023.

    One pass over all Gaussians on one thread, no structure to build or keep: 4 bytes a Gaussian while it runs. The
    interpreter lock is free meanwhile. Order is by the depth of each peak; what peaks before the near plane is not hit,
    as it is not drawn. ValueError for a direction of length 0 or a ray that is not finite.
    """
    return Hits(*_trace_ray(*_columns(gaussians), *_ray(origin, direction), gaussians.render.near_plane))


def select(
    gaussians: Gaussians,
    object_ids: Int32[ndarray, " gaussians"],
    origin: Vector,
    direction: Vector,
) -> Selection | None:
    """The object that stops most of a ray's light; None where there is no such object.

    Each object is given the summed weight of its hits. None where all hits together weigh less than `MIN_WEIGHT`,
    and where Gaussians of no object outweigh every object: through a thin haze of unassigned floaters the object behind
    is selected, but whoever clicks mostly on something unassigned is told so and not given what lies behind it.
    Of equal objects the one with the smaller id. ValueError as `pick`.
    """
    hits = pick(gaussians, origin, direction)
    if hits.weights.sum() < MIN_WEIGHT:
        return None
    ids, weights = _votes(object_ids[hits.rows], hits.weights)
    winner = int(np.argmax(weights))
    if ids[winner] == NO_OBJECT:
        return None
    heaviest = int(np.argmax(np.where(object_ids[hits.rows] == ids[winner], hits.weights, 0.0)))
    start, ray = _ray(origin, direction)
    return Selection(
        object_id=int(ids[winner]),
        rows=_rows_of(object_ids, int(ids[winner])),
        weight=float(weights[winner]),
        gaussian=int(hits.rows[heaviest]),
        position=start + hits.distances[heaviest] * ray,
    )


def select_point(
    gaussians: Gaussians,
    object_ids: Int32[ndarray, " gaussians"],
    point: Vector,
) -> Selection | None:
    """The object at a point of the world, or the nearest one; None where there is no object at all.

    Gaussians of objects respond with opacity * exp(-m^2 / 2), m the point's Mahalanobis distance, and the object with
    the largest summed response is chosen. Where no object responds with `MIN_WEIGHT`, e.g. inside a hollow box, it is
    the one whose centre of a Gaussian is nearest in world units: far outside, Mahalanobis distance would favour
    whatever is largest. ValueError for a point that is not finite.
    """
    there = np.asarray(point, np.float64)
    if not np.isfinite(there).all():
        raise ValueError(f"no point: {there.tolist()}")
    rows, responses, nearest = _respond_at(*_columns(gaussians), object_ids, there)
    if nearest < 0:
        return None
    ids, sums = _votes(object_ids[rows], responses)
    chosen, weight, gaussian = int(object_ids[nearest]), 0.0, int(nearest)
    if len(ids) and sums.max() >= MIN_WEIGHT:
        winner = int(np.argmax(sums))
        chosen, weight = int(ids[winner]), float(sums[winner])
        gaussian = int(rows[np.argmax(np.where(object_ids[rows] == chosen, responses, 0.0))])
    return Selection(
        object_id=chosen,
        rows=_rows_of(object_ids, chosen),
        weight=min(1.0, weight),
        gaussian=gaussian,
        position=gaussians.means[gaussian].cpu().numpy().astype(np.float64),
    )


def _ray(origin: Vector, direction: Vector) -> tuple[Float64[ndarray, "3"], Float64[ndarray, "3"]]:
    """Origin and unit direction; ValueError where they are none."""
    start, ray = np.asarray(origin, np.float64), np.asarray(direction, np.float64)
    largest = np.abs(ray).max()  # comes out first, so that no direction is too long or too short to be squared
    if not (np.isfinite(start).all() and np.isfinite(ray).all() and largest > 0):
        raise ValueError(f"no ray: origin {start.tolist()}, direction {ray.tolist()}")
    ray = ray / largest
    return start, ray / np.linalg.norm(ray)


def _rows_of(object_ids: Int32[ndarray, " gaussians"], object_id: int) -> Int32[ndarray, " selected"]:
    return np.flatnonzero(object_ids == object_id).astype(np.int32)


def _votes(
    ids: Int32[ndarray, " hits"], weights: Float64[ndarray, " hits"]
) -> tuple[Int32[ndarray, " voters"], Float64[ndarray, " voters"]]:
    voters, places = np.unique(ids, return_inverse=True)
    return voters, np.bincount(places, weights, len(voters)).astype(np.float64)  # of nothing, numpy counts integers


def _columns(gaussians: Gaussians) -> tuple[ndarray, ndarray, ndarray, ndarray, ndarray]:
    def plain(tensor: Tensor) -> ndarray:
        return np.ascontiguousarray(tensor.detach().cpu().numpy())

    return (
        plain(gaussians.means),
        plain(gaussians.log_scales),
        plain(gaussians.quats_wxyz),
        plain(gaussians.opacity_logits),
        plain(gaussians.drawable),
    )


@njit(nogil=True, cache=True)
def _radius_squared(a, b, c):
    """At least the square of the radius beyond which a Gaussian of these log scales is cut off, at most 7 % more.

    The bits of a float32, read as an integer, interpolate log2 linearly, and a chord lies above 2^y: an upper bound of
    the exponential for the price of an addition, which keeps the pass over a million Gaussians bound by memory.
    """
    y = 2.8853900817779268 * max(a, max(b, c))  # 2 / ln 2: the square of exp(largest) is 2^y
    bits = np.int32((min(126.0, max(-126.0, y)) + 127.0) * 8388608.0)
    return _REACH * 1.000001 * float(bits.view(np.float32))


@njit(nogil=True, cache=True)
def _whitened(quats, log_scales, i, x, y, z):
    """A world vector in the Gaussian's own axes, in standard deviations: S^-1 R^T v. No inverse covariance is formed:
    its squares would lose the short axis of a flat Gaussian."""
    w, a, b, c = float(quats[i, 0]), float(quats[i, 1]), float(quats[i, 2]), float(quats[i, 3])
    u = (1 - 2 * (b * b + c * c)) * x + 2 * (a * b + w * c) * y + 2 * (a * c - w * b) * z
    v = 2 * (a * b - w * c) * x + (1 - 2 * (a * a + c * c)) * y + 2 * (b * c + w * a) * z
    s = 2 * (a * c + w * b) * x + 2 * (b * c - w * a) * y + (1 - 2 * (a * a + b * b)) * z
    return (
        u * math.exp(-float(log_scales[i, 0])),
        v * math.exp(-float(log_scales[i, 1])),
        s * math.exp(-float(log_scales[i, 2])),
    )


@njit(nogil=True, cache=True)
def _trace_ray(means, log_scales, quats, logits, drawable, origin, direction, near):
    """Rows, weights and distances of the hits; ``direction`` has unit length."""
    ox, oy, oz = origin[0], origin[1], origin[2]
    dx, dy, dz = direction[0], direction[1], direction[2]
    candidates = np.empty(len(means), np.int32)
    count = 0
    for i in range(len(means)):
        x, y, z = means[i, 0] - ox, means[i, 1] - oy, means[i, 2] - oz
        along = x * dx + y * dy + z * dz
        radius_squared = _radius_squared(log_scales[i, 0], log_scales[i, 1], log_scales[i, 2])
        px, py, pz = x - along * dx, y - along * dy, z - along * dz
        short = min(0.0, along - near)
        if px * px + py * py + pz * pz <= radius_squared and short * short <= radius_squared:
            candidates[count] = i
            count += 1
    rows = np.empty(count, np.int32)
    alphas = np.empty(count)
    depths = np.empty(count)
    hits = 0
    for k in range(count):
        i = candidates[k]
        if not drawable[i]:
            continue
        opacity = 1.0 / (1.0 + math.exp(-float(logits[i])))
        ax, ay, az = _whitened(quats, log_scales, i, ox - means[i, 0], oy - means[i, 1], oz - means[i, 2])
        bx, by, bz = _whitened(quats, log_scales, i, dx, dy, dz)
        # The line a + t b is nearest to 0 at t = -a.b / b.b, at the distance |a x b| / |b|.
        length_squared = bx * bx + by * by + bz * bz
        cx, cy, cz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        alpha = opacity * math.exp(-0.5 * (cx * cx + cy * cy + cz * cz) / length_squared)
        depth = -(ax * bx + ay * by + az * bz) / length_squared
        if alpha >= ALPHA_THRESHOLD and depth >= near:
            rows[hits], alphas[hits], depths[hits] = i, min(ALPHA_MAX, alpha), depth
            hits += 1
    order = np.argsort(depths[:hits], kind="mergesort")
    weights = np.empty(hits)
    light = 1.0
    drawn = 0
    for k in order:
        after = light * (1.0 - alphas[k])
        if after <= TRANSMITTANCE_THRESHOLD:
            break
        weights[drawn] = light * alphas[k]
        light = after
        drawn += 1
    order = order[:drawn]
    return rows[order], weights[:drawn].copy(), depths[order]


@njit(nogil=True, cache=True)
def _respond_at(means, log_scales, quats, logits, drawable, object_ids, point):
    """Rows and responses of the objects' Gaussians that reach the point; the row of the nearest centre, or -1."""
    rows = np.empty(len(means), np.int32)
    responses = np.empty(len(means))
    count = 0
    nearest = -1
    least = math.inf
    for i in range(len(means)):
        if object_ids[i] == NO_OBJECT or not drawable[i]:
            continue
        x, y, z = point[0] - means[i, 0], point[1] - means[i, 1], point[2] - means[i, 2]
        distance_squared = x * x + y * y + z * z
        if distance_squared < least:
            nearest, least = i, distance_squared
        if distance_squared > _radius_squared(log_scales[i, 0], log_scales[i, 1], log_scales[i, 2]):
            continue
        a, b, c = _whitened(quats, log_scales, i, x, y, z)
        response = math.exp(-0.5 * (a * a + b * b + c * c)) / (1.0 + math.exp(-float(logits[i])))
        if response >= ALPHA_THRESHOLD:
            rows[count], responses[count] = i, response
            count += 1
    return rows[:count].copy(), responses[:count].copy(), nearest
