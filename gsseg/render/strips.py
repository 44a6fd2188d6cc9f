"""Bands of pixel rows and the one traversal that every renderer on the processor shares.

A band is `BAND_ROWS` full pixel rows, padded to whole blocks of `LANES` pixels; its transmittances fit the
first-level cache. Its Gaussians are taken front to back, and each visits only the blocks its ellipse touches, so
no pixel tests a Gaussian that is far from it, and there is no cap on the contributors of a pixel. `trace` lists
what was drawn, as blocks of weights; whoever calls it decides what to do with them (keep them as W, add up
features, scatter gradients).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.constants import ALPHA_THRESHOLD
from gsseg.render.pixel_blocks import blend_block
from gsseg.render.projection import Projected
from gsseg.render.vector_code import LANES
from gsseg.threads import run_all, thread_count

Piece = TypeVar("Piece")
Result = TypeVar("Result")

BAND_ROWS = 16
"""Fewer rows: Gaussians belong to more bands; more rows: transmittances leave the cache."""

LOG_THRESHOLD = math.log(ALPHA_THRESHOLD)


@dataclass(frozen=True, eq=False)
class Band:
    """Pixel rows ``top .. bottom - 1`` before anything is drawn on them, and what will be."""

    top: int
    bottom: int
    stride: int
    """Pixels from one row to the next: the width, rounded up to whole blocks."""
    members: Int32[ndarray, " members"]
    """The projected Gaussians that may touch the band, nearest first."""

    def light(self, width: int, wanted: Bool[ndarray, " pixels"] | None = None) -> Float32[ndarray, " padded"]:
        """Transmittance before drawing: 1 on the pixels wanted (all, if None), 0 on others and on the padding."""
        light = np.zeros((self.bottom - self.top, self.stride), np.float32)
        light[:, :width] = 1.0 if wanted is None else wanted[self.top * width : self.bottom * width].reshape(-1, width)
        return light.reshape(-1)


def bands(projected: Projected, width: int, height: int) -> list[Band]:
    """Cuts the image into bands and tells each its Gaussians."""
    tops = range(0, height, BAND_ROWS)
    first, last = projected.bounds[:, 0] // BAND_ROWS, projected.bounds[:, 1] // BAND_ROWS
    counts = np.zeros(len(tops) + 1, np.int64)
    _count_members(first, last, counts)
    ends = np.cumsum(counts)
    members = np.empty(ends[-1], np.int32)
    _list_members(first, last, ends[:-1].copy(), members)
    stride = -(-width // LANES) * LANES
    return [
        Band(top, min(top + BAND_ROWS, height), stride, members[a:b])
        for top, a, b in zip(tops, ends[:-1], ends[1:], strict=True)
    ]


def share_out(todo: list[Piece], work: Callable[[Iterator[Piece]], Result]) -> list[Result]:
    """Runs ``work`` on every thread, all drawing from one queue of the pieces; one result a thread."""
    queue = iter(todo)
    return run_all([lambda: work(queue) for _ in range(min(thread_count(), len(todo)))])


@njit(nogil=True, cache=True)
def _count_members(first, last, counts):
    for i in range(len(first)):
        for band in range(first[i], last[i] + 1):
            counts[band + 1] += 1


@njit(nogil=True, cache=True)
def _list_members(first, last, cursor, members):
    for i in range(len(first)):
        for band in range(first[i], last[i] + 1):
            members[cursor[band]] = i
            cursor[band] += 1


def alive_blocks(light: Float32[ndarray, " padded"]) -> UInt8[ndarray, " blocks"]:
    """1 for each block that has an unfinished pixel."""
    return np.asarray((light.reshape(-1, LANES) > 0.0).any(axis=1), np.uint8)


@njit(nogil=True, cache=True, fastmath=True)
def trace(members, at, ellipses, stride, top, bottom, light, alive, counts, starts, sources, weights):
    """Draws members from the ``at``-th on until all are drawn or the next might overflow the lists.

    Block k of the lists: projected Gaussian ``sources[k]`` on the pixels from ``starts[k]`` on (counted in the
    band) with ``weights[LANES * k :]``. Returns (next member, blocks listed). The lists must have room for
    at least one block a block of the band. ``light``, ``alive`` and ``counts`` carry the state on.
    """
    across = stride // LANES
    length = 0
    while at < len(members):
        member = members[at]
        mean_x, mean_y, tilt = ellipses[member, 0], ellipses[member, 1] - top, ellipses[member, 2]
        inverse_x, inverse_y, log_opacity = ellipses[member, 3], ellipses[member, 4], ellipses[member, 5]
        reach = 2.0 * (log_opacity - LOG_THRESHOLD)
        half_height = math.sqrt(reach / inverse_y)
        first = max(0, math.ceil(mean_y - half_height - 0.5))
        last = min(bottom - top - 1, math.floor(mean_y + half_height - 0.5))
        if length + (last - first + 1) * across > len(starts):
            break
        variance_x = 1.0 / inverse_x
        curvature = np.float32(-0.5 * inverse_x)
        for y in range(first, last + 1):
            dy = y + 0.5 - mean_y
            form = dy * dy * inverse_y
            room = reach - form
            if room < 0.0:
                continue
            half = math.sqrt(room * variance_x)
            centre = mean_x + tilt * dy - 0.5
            x0 = max(0, math.ceil(centre - half))
            x1 = min(stride - 1, math.floor(centre + half))
            if x0 > x1:
                continue
            height = np.float32(log_opacity - 0.5 * form)
            for block in range(x0 // LANES, x1 // LANES + 1):
                if alive[y * across + block] == 0:
                    continue
                x = block * LANES
                lanes = blend_block(
                    light, y * stride + x, counts, weights, length * LANES,
                    np.float32(x - centre), curvature, height, np.int32(x0 - x), np.int32(x1 - x),
                )  # fmt: skip
                if lanes < 1 << LANES:
                    alive[y * across + block] = 0
                if lanes & ((1 << LANES) - 1):
                    starts[length] = y * stride + x
                    sources[length] = member
                    length += 1
        at += 1
    return at, length
