"""Blending weights on a processor: one band of pixel rows a thread at a time, compiled by Numba.

The traversal lists blocks of weights in depth order; one counting sort by pixel makes the rows of W.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.projection import Projected, project
from gsseg.render.strips import Band, alive_blocks, bands, share_out, trace
from gsseg.render.vector_code import LANES
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians
from gsseg.threads import run_all, thread_count

USUAL_ENTRIES = 64
"""Gaussians that a pixel usually sees; a guess that only decides how often memory grows."""

SCRATCH_ROWS = 256
"""Blocks of weights for which a thread has room at first, in multiples of the image's width."""


def blend_weights(gaussians: Gaussians, camera: Camera, pixels: Int[ndarray, " pixels"] | None = None) -> BlendWeights:
    """W of one camera: row p holds alpha_i T_i of the Gaussians that pixel p sees, front to back.

    ``pixels``: ascending row-major indices of the pixels wanted; None for all.
    Equations (2)-(3) of Kerbl et al. 2023.
    """
    projected = project(gaussians.to("cpu"), camera)
    wanted = None
    if pixels is not None:
        wanted = np.zeros(camera.width * camera.height, np.bool_)
        wanted[pixels] = True
    todo = bands(projected, camera.width, camera.height)
    room = USUAL_ENTRIES * (camera.width * camera.height if pixels is None else len(pixels)) // thread_count()
    parts = share_out(todo, lambda queue: _draw(projected, queue, camera.width, wanted, max(room, 1)))
    rows = sorted(itertools.chain.from_iterable(parts), key=lambda part: part.top)
    counts = np.concatenate([part.counts for part in rows])
    if pixels is not None:
        counts = counts[pixels]
    indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    indices, values = run_all(
        [
            lambda: np.concatenate([part.indices for part in rows]),
            lambda: np.concatenate([part.values for part in rows]),
        ]
    )
    return BlendWeights(
        indptr=torch.from_numpy(indptr),
        indices=torch.from_numpy(indices),
        values=torch.from_numpy(values),
        gaussians=len(gaussians),
        pixels=None if pixels is None else torch.from_numpy(pixels),
    )


@dataclass(frozen=True, eq=False)
class _Scratch:
    """The lists that `trace` fills; a thread keeps one for all its bands."""

    starts: Int32[ndarray, " blocks"]
    sources: Int32[ndarray, " blocks"]
    weights: Float32[ndarray, " entries"]

    @staticmethod
    def empty(blocks: int) -> "_Scratch":
        return _Scratch(np.empty(blocks, np.int32), np.empty(blocks, np.int32), np.empty(blocks * LANES, np.float32))

    def grown(self, used: int) -> "_Scratch":
        blocks = 2 * len(self.starts)
        return _Scratch(
            _larger(self.starts, used, blocks),
            _larger(self.sources, used, blocks),
            _larger(self.weights, used * LANES, blocks * LANES),
        )


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of W of one band."""

    top: int
    counts: Int32[ndarray, " pixels"]
    indices: Int32[ndarray, " entries"]
    values: Float32[ndarray, " entries"]


def _draw(
    projected: Projected, queue: Iterator[Band], width: int, wanted: Bool[ndarray, " pixels"] | None, room: int
) -> list[_Rows]:
    """The rows of the bands that this thread gets. They lie in two arrays, because many small ones would each be
    new memory to the system; ``room`` is a guess at their length."""
    scratch = _Scratch.empty(SCRATCH_ROWS * (width + LANES))
    indices, values = np.empty(room, np.int32), np.empty(room, np.float32)
    used = 0
    done: list[tuple[int, ndarray, int]] = []
    for band in queue:
        blocks, counts, scratch = _blocks(projected, band, width, wanted, scratch)
        total = int(counts.sum())
        if used + total > len(indices):
            indices, values = _larger(indices, used, 2 * used + total), _larger(values, used, 2 * used + total)
        _by_pixel(
            blocks, scratch.starts, scratch.sources, scratch.weights, projected.rows, counts, indices, values, used
        )
        done.append((band.top, counts.reshape(-1, band.stride)[:, :width].reshape(-1), used))
        used += total
    edges = itertools.pairwise([*(start for _, _, start in done), used])
    return [
        _Rows(top, counts, indices[start:end], values[start:end])
        for (top, counts, _), (start, end) in zip(done, edges, strict=True)
    ]


def _larger(array: ndarray, used: int, length: int) -> ndarray:
    larger = np.empty(length, array.dtype)
    larger[:used] = array[:used]
    return larger


def _blocks(
    projected: Projected, band: Band, width: int, wanted: Bool[ndarray, " pixels"] | None, scratch: _Scratch
) -> tuple[int, Int32[ndarray, " padded"], _Scratch]:
    """Traces the band: number of blocks in the scratch lists, entries of each pixel, and the lists, maybe longer."""
    light = band.light(width, wanted)
    alive = alive_blocks(light)
    counts = np.zeros(len(light), np.int32)
    at, used = 0, 0
    while True:
        lists = (scratch.starts[used:], scratch.sources[used:], scratch.weights[used * LANES :])
        at, more = trace(
            band.members, at, projected.ellipses, band.stride, band.top, band.bottom, light, alive, counts, *lists
        )
        used += more
        if at == len(band.members):
            return used, counts, scratch
        scratch = scratch.grown(used)


@njit(nogil=True, cache=True)
def _by_pixel(blocks, starts, sources, weights, rows, counts, indices, values, start):
    """A counting sort: entries of pixel p in one piece, pixels in order; depth order is kept inside a pixel."""
    cursor = np.empty(len(counts), np.int64)
    total = start
    for p in range(len(counts)):
        cursor[p] = total
        total += counts[p]
    for block in range(blocks):
        row = rows[sources[block]]
        for lane in range(LANES):
            weight = weights[block * LANES + lane]
            if weight > 0.0:
                p = starts[block] + lane
                at = cursor[p]
                cursor[p] = at + 1
                indices[at] = row
                values[at] = weight
