"""Blending weights on a processor: bands of pixel rows, compiled by Numba, one band a thread at a time.

A band is `BAND_ROWS` full pixel rows; its transmittances fit the first-level cache. The Gaussians of a band
are taken front to back; each one visits only the pixels inside its ellipse (a row's interval comes from the
quadratic x^T conic x <= reach), so no pixel ever tests a Gaussian that does not touch it, and there is no cap
on the contributors of a pixel. Entries come out in depth order; one counting sort by pixel makes the rows.
"""

import math

import numpy as np
import torch
from numba import njit

from gsseg.render.config import ALPHA_MAX, ALPHA_THRESHOLD, TRANSMITTANCE_THRESHOLD, RenderConfig
from gsseg.render.projection import Projected, project
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians
from gsseg.threads import run_all

BAND_ROWS = 16

# exp(y) on [-0.75, 0], least squares in relative error at Chebyshev points.
C0 = 0.9999999967087265
C1 = 0.9999996080762148
C2 = 0.49999216036764454
C3 = 0.16660661133737534
C4 = 0.04144344826107169
C5 = 0.007897736417481526
C6 = 0.0009497851151069217


def blend_weights(
    gaussians: Gaussians, camera: Camera, config: RenderConfig, pixels: np.ndarray | None = None
) -> BlendWeights:
    """W of one camera: row p holds alpha_i T_i of the Gaussians that pixel p sees, front to back.

    ``pixels``: sorted indices (row-major) of the pixels wanted; None for all. Equations (2)-(3) of Kerbl et al. 2023.
    """
    projected = project(gaussians, camera, config)
    wanted = None
    if pixels is not None:
        wanted = np.zeros(camera.width * camera.height, np.bool_)
        wanted[pixels] = True
    starts = range(0, camera.height, BAND_ROWS)
    members = _band_members(projected, len(starts))
    jobs = [
        lambda y=y, rows=rows: _band(projected, rows, camera.width, y, min(y + BAND_ROWS, camera.height), wanted)
        for y, rows in zip(starts, members, strict=True)
    ]
    bands = run_all(jobs)
    counts = np.concatenate([counts for counts, _, _ in bands])
    if pixels is not None:
        counts = counts[pixels]
    indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    return BlendWeights(
        indptr=torch.from_numpy(indptr),
        indices=torch.from_numpy(np.concatenate([indices for _, indices, _ in bands])),
        values=torch.from_numpy(np.concatenate([values for _, _, values in bands])),
        gaussians=len(gaussians),
        pixels=None if pixels is None else torch.from_numpy(np.asarray(pixels, np.int64)),
    )


def _band_members(projected: Projected, bands: int) -> list[np.ndarray]:
    """For every band, the visible Gaussians that may touch it, nearest first."""
    first, last = projected.first_row // BAND_ROWS, projected.last_row // BAND_ROWS
    counts = np.zeros(bands + 1, np.int64)
    _count_members(first, last, counts)
    offsets = np.cumsum(counts)
    members = np.empty(offsets[-1], np.int32)
    _list_members(first, last, offsets[:-1].copy(), members)
    return [members[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True)]


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


def _band(projected: Projected, members: np.ndarray, width: int, y0: int, y1: int, wanted: np.ndarray | None):
    """Counts a pixel, and the entries' Gaussians and weights in pixel order, of rows y0..y1-1."""
    light = np.ones((y1 - y0) * width, np.float32)
    if wanted is not None:
        light[~wanted[y0 * width : y1 * width]] = 0.0
    return _blend_band(
        members, projected.rows, projected.means, projected.conics, projected.opacities, width, y0, y1, light
    )


@njit(nogil=True, cache=True, fastmath=True)
def _blend_band(members, rows, means, conics, opacities, width, y0, y1, light):
    capacity = 64 * len(light)
    pixel = np.empty(capacity, np.int32)
    source = np.empty(capacity, np.int32)
    weight = np.empty(capacity, np.float32)
    counts = np.zeros(len(light), np.int32)
    alphas = np.empty(width, np.float32)
    length = 0
    for member in members:
        cxx, cxy, cyy = conics[member, 0], conics[member, 1], conics[member, 2]
        mean_x, mean_y = means[member, 0], means[member, 1]
        opacity = opacities[member]
        reach = 2.0 * math.log(opacity / ALPHA_THRESHOLD)
        half_height = math.sqrt(reach * cxx / (cxx * cyy - cxy * cxy))
        first = max(y0, int(math.ceil(mean_y - half_height - 0.5)))
        last = min(y1 - 1, int(math.floor(mean_y + half_height - 0.5)))
        if length + (last - first + 1) * width > capacity:
            capacity = 2 * capacity + (last - first + 1) * width
            pixel = _grown(pixel, capacity, length)
            source = _grown(source, capacity, length)
            weight = _grown(weight, capacity, length)
        row = rows[member]
        for y in range(first, last + 1):
            dy = y + 0.5 - mean_y
            # x^T conic x = cxx (dx + slope)^2 + rest, so the row's interval is where cxx (dx + slope)^2 <= reach - rest.
            slope = cxy * dy / cxx
            rest = (cyy - cxy * cxy / cxx) * dy * dy
            room = reach - rest
            if room < 0.0:
                continue
            half = math.sqrt(room / cxx)
            centre = mean_x - slope
            x0 = max(0, int(math.ceil(centre - half - 0.5)))
            x1 = min(width - 1, int(math.floor(centre + half - 0.5)))
            if x0 > x1:
                continue
            base = np.float32(x0 + 0.5 - centre)
            a = np.float32(-0.5 * cxx)
            b = np.float32(math.log(opacity) - 0.5 * rest)
            for k in range(x1 - x0 + 1):
                dx = base + np.float32(k)
                alphas[k] = _exp(a * dx * dx + b)
            start = (y - y0) * width + x0
            for k in range(x1 - x0 + 1):
                p = start + k
                t = light[p]
                if t == np.float32(0.0):
                    continue
                alpha = min(alphas[k], np.float32(ALPHA_MAX))
                after = t * (np.float32(1.0) - alpha)
                if after <= np.float32(TRANSMITTANCE_THRESHOLD):
                    light[p] = 0.0  # finished: as in gsplat, the Gaussian that would end the pixel is not drawn
                    continue
                light[p] = after
                pixel[length] = p
                source[length] = row
                weight[length] = alpha * t
                counts[p] += 1
                length += 1
    cursor = np.empty(len(light), np.int64)
    total = 0
    for p in range(len(light)):
        cursor[p] = total
        total += counts[p]
    indices = np.empty(length, np.int32)
    values = np.empty(length, np.float32)
    for entry in range(length):
        at = cursor[pixel[entry]]
        cursor[pixel[entry]] = at + 1
        indices[at] = source[entry]
        values[at] = weight[entry]
    return counts, indices, values


@njit(nogil=True, cache=True)
def _grown(array, capacity, length):
    larger = np.empty(capacity, array.dtype)
    larger[:length] = array[:length]
    return larger


@njit(nogil=True, cache=True, fastmath=True, inline="always")
def _exp(x):
    """exp on [-6, 0], relative error 1e-7: a degree-6 polynomial for exp(x / 8), squared three times.

    Plain multiplications, so the compiler turns the loop over a row of pixels into vector code.
    """
    y = x * np.float32(0.125)
    p = np.float32(C6)
    p = p * y + np.float32(C5)
    p = p * y + np.float32(C4)
    p = p * y + np.float32(C3)
    p = p * y + np.float32(C2)
    p = p * y + np.float32(C1)
    p = p * y + np.float32(C0)
    p = p * p
    p = p * p
    return p * p
