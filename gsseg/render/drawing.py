"""A picture of the splats and the way back through it: the rasterizer that learns geometry.

`draw` is the forward pass: three colours straight into the picture. `draw_gradient` goes through the same Gaussians
in the same order and gives the gradient of their ellipses on the image plane and of their colours;
`gsseg.render.projection_gradient` takes it on into the world. Both cut the picture into the bands of
`gsseg.render.strips`. A band adds up the gradients of its own members; the bands are then added in their order, so
the result has the same bits whatever number of threads did the work.

The gradient is that of Inria's backward pass (Kerbl et al. 2023, appendix), front to back instead of back to front.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.colour_blocks import SUMS, draw_row, gradient_row
from gsseg.render.projection import Projected
from gsseg.render.strips import LOG_THRESHOLD, Band, alive_blocks, bands, share_out
from gsseg.render.vector_code import LANES
from gsseg.scene import Camera
from gsseg.threads import run_all, spans


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn picture and what the way back needs of it. Rows are padded to whole blocks; the padding is 0."""

    projected: Projected
    colors: Float32[ndarray, "visible 3"]
    """Of the Gaussians in ``projected``, in their order."""
    picture: Float32[ndarray, "3 height stride"]
    """Over black."""
    light: Float32[ndarray, "height stride"]
    """Transmittance behind everything: what a background shines with."""
    bands: list[Band]
    width: int


def draw(projected: Projected, colors: Float32[ndarray, "visible 3"], camera: Camera) -> Drawing:
    """Draws the projected Gaussians in the given colours (not clamped), over black."""
    todo = bands(projected, camera.width, camera.height)
    stride = todo[0].stride
    picture = np.zeros((3, camera.height, stride), np.float32)
    lights = np.zeros((camera.height, stride), np.float32)

    def work(queue: Iterator[Band]) -> None:
        for band in queue:
            light = band.light(camera.width)
            _draw_band(
                band.members, projected.ellipses, colors, stride, band.top, band.bottom, light,
                alive_blocks(light), picture.reshape(-1), picture.shape[1] * stride,
            )  # fmt: skip
            lights[band.top : band.bottom] = np.abs(light).reshape(-1, stride)

    share_out(todo, work)
    return Drawing(projected, colors, picture, lights, todo, camera.width)


def draw_gradient(
    drawing: Drawing,
    gradient: Float32[ndarray, "3 height stride"],
    light_gradient: Float32[ndarray, "height stride"] | None = None,
) -> tuple[Float64[ndarray, "visible 6"], Float32[ndarray, "visible 3"]]:
    """dL / d ellipses (in the order of `Projected.ellipses`) and dL / d colours, of the projected Gaussians.

    ``gradient``: dL / d picture; ``light_gradient``: dL / d light, for a background; both 0 in the padding.
    """
    projected, stride = drawing.projected, drawing.bands[0].stride
    behind = np.einsum("chs,chs->hs", drawing.picture, gradient)
    if light_gradient is not None:
        behind += drawing.light * light_gradient
    starts = np.cumsum([0, *(len(band.members) for band in drawing.bands)])
    slabs = np.empty((starts[-1], SUMS), np.float32)

    def work(queue: Iterator[tuple[int, Band]]) -> None:
        sums = np.zeros(SUMS * LANES, np.float32)
        for index, band in queue:
            light = band.light(drawing.width)
            rest = np.ascontiguousarray(behind[band.top : band.bottom]).reshape(-1)
            _band_gradient(
                band.members, projected.ellipses, drawing.colors, stride, band.top, band.bottom, light,
                alive_blocks(light), rest, gradient.reshape(-1), gradient.shape[1] * stride, sums,
                slabs[starts[index] : starts[index + 1]],
            )  # fmt: skip

    share_out(list(enumerate(drawing.bands)), work)
    ellipses = np.zeros((len(projected.rows), 6))
    colors = np.zeros((len(projected.rows), 3), np.float32)
    run_all(
        [
            lambda a=a, b=b: _add_bands([band.members for band in drawing.bands], slabs, ellipses, colors, a, b)
            for a, b in spans(len(ellipses))
        ]
    )
    return ellipses, colors


def _add_bands(
    members: list[ndarray],
    slabs: Float32[ndarray, "members 9"],
    ellipses: ndarray,
    colors: ndarray,
    start: int,
    stop: int,
) -> None:
    """Adds what the bands found for the projected Gaussians start..stop-1, in the order of the bands."""
    at = 0
    for mine in members:
        first, last = np.searchsorted(mine, [start, stop])
        _add_slab(mine[first:last], slabs[at + first : at + last], ellipses, colors)
        at += len(mine)


@njit(nogil=True, cache=True, inline="always")
def _row(mean_x, mean_y, tilt, inverse_y, reach, variance_x, log_opacity, y):
    """One pixel row of an ellipse: dy, half-width, centre, ln alpha at its middle; the half-width is < 0 off it."""
    dy = y + 0.5 - mean_y
    form = dy * dy * inverse_y
    room = reach - form
    half = math.sqrt(room * variance_x) if room >= 0.0 else -1.0
    return dy, half, mean_x + tilt * dy - 0.5, log_opacity - 0.5 * form


@njit(nogil=True, cache=True, fastmath=True)
def _draw_band(members, ellipses, colors, stride, top, bottom, light, alive, picture, plane):
    across = stride // LANES
    below = picture[top * stride :]  # the light of a band starts at its own top, the picture at the image's
    for member in members:
        mean_x, mean_y, tilt = ellipses[member, 0], ellipses[member, 1] - top, ellipses[member, 2]
        inverse_x, inverse_y, log_opacity = ellipses[member, 3], ellipses[member, 4], ellipses[member, 5]
        red, green, blue = colors[member, 0], colors[member, 1], colors[member, 2]
        reach = 2.0 * (log_opacity - LOG_THRESHOLD)
        half_height = math.sqrt(reach / inverse_y)
        variance_x = 1.0 / inverse_x
        curvature = np.float32(-0.5 * inverse_x)
        first = max(0, math.ceil(mean_y - half_height - 0.5))
        last = min(bottom - top - 1, math.floor(mean_y + half_height - 0.5))
        for y in range(first, last + 1):
            _, half, centre, height = _row(mean_x, mean_y, tilt, inverse_y, reach, variance_x, log_opacity, y)
            if half < 0.0:
                continue
            x0 = max(0, math.ceil(centre - half))
            x1 = min(stride - 1, math.floor(centre + half))
            if x0 > x1:
                continue
            draw_row(
                light, alive, below, plane, y * stride, y * across, x0, x1, centre, curvature, np.float32(height),
                red, green, blue,
            )  # fmt: skip


@njit(nogil=True, cache=True, fastmath=True)
def _band_gradient(
    members, ellipses, colors, stride, top, bottom, light, alive, behind, gradient, plane, sums, slab
):  # fmt: skip
    across = stride // LANES
    below = gradient[top * stride :]
    total = np.empty(SUMS, np.float32)
    for at in range(len(members)):
        member = members[at]
        mean_x, mean_y, tilt = ellipses[member, 0], ellipses[member, 1] - top, ellipses[member, 2]
        inverse_x, inverse_y, log_opacity = ellipses[member, 3], ellipses[member, 4], ellipses[member, 5]
        red, green, blue = colors[member, 0], colors[member, 1], colors[member, 2]
        reach = 2.0 * (log_opacity - LOG_THRESHOLD)
        half_height = math.sqrt(reach / inverse_y)
        variance_x = 1.0 / inverse_x
        curvature = np.float32(-0.5 * inverse_x)
        first = max(0, math.ceil(mean_y - half_height - 0.5))
        last = min(bottom - top - 1, math.floor(mean_y + half_height - 0.5))
        touched = False
        for y in range(first, last + 1):
            dy, half, centre, height = _row(mean_x, mean_y, tilt, inverse_y, reach, variance_x, log_opacity, y)
            if half < 0.0:
                continue
            x0 = max(0, math.ceil(centre - half))
            x1 = min(stride - 1, math.floor(centre + half))
            if x0 > x1:
                continue
            touched = True
            gradient_row(
                light, alive, behind, below, plane, y * stride, y * across, sums, x0, x1, centre, curvature,
                np.float32(height), np.float32(dy), red, green, blue,
            )  # fmt: skip
        if not touched:
            slab[at] = 0.0
            continue
        for k in range(SUMS):
            value = np.float32(0.0)
            for lane in range(LANES):
                value += sums[k * LANES + lane]
                sums[k * LANES + lane] = 0.0
            total[k] = value
        # ln alpha = ln opacity - (inverse_x u^2 + inverse_y dy^2) / 2 with u = x + 0.5 - mean_x - tilt dy.
        slab[at, 0] = inverse_x * total[1]
        slab[at, 1] = inverse_y * total[3] - inverse_x * tilt * total[1]
        slab[at, 2] = inverse_x * total[5]
        slab[at, 3] = -0.5 * total[2]
        slab[at, 4] = -0.5 * total[4]
        slab[at, 5] = total[0]
        slab[at, 6], slab[at, 7], slab[at, 8] = total[6], total[7], total[8]


@njit(nogil=True, cache=True)
def _add_slab(members, slab, ellipses, colors):
    for at in range(len(members)):
        member = members[at]
        for k in range(6):
            ellipses[member, k] += slab[at, k]
        for k in range(3):
            colors[member, k] += slab[at, 6 + k]
