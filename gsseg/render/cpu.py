"""Blending weights on a processor: one band of pixel rows a thread at a time, compiled by Numba.

The traversal lists blocks of weights in depth order; one counting sort by pixel makes the rows of W.
"""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.render.bands import Band, alive_blocks, bands, share_out, trace
from gsseg.render.config import RenderConfig
from gsseg.render.lanes import LANES
from gsseg.render.projection import Projected, project
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians

USUAL_ENTRIES = 64
"""Gaussians that a pixel usually sees at most; a guess that only decides how often memory grows."""

SCRATCH_ROWS = 256
"""Blocks of weights for which a thread has room at first, in multiples of the image's width."""


def blend_weights(
    gaussians: Gaussians, camera: Camera, config: RenderConfig, pixels: Int[ndarray, " pixels"] | None = None
) -> BlendWeights:
    """W of one camera: row p holds alpha_i T_i of the Gaussians that pixel p sees, front to back.

    ``pixels``: ascending row-major indices of the pixels wanted; None for all.
    Equations (2)-(3) of Kerbl et al. 2023.
    """
    projected = project(gaussians, camera, config)
    wanted = None
    if pixels is not None:
        wanted = np.zeros(camera.width * camera.height, np.bool_)
        wanted[pixels] = True
    todo = bands(projected, camera.width, camera.height)
    rows = camera.width * camera.height if pixels is None else len(pixels)
    entries = _Entries(max(1, USUAL_ENTRIES * rows))
    parts = share_out(todo, lambda queue: _draw(projected, queue, camera.width, wanted, entries))
    counts = np.concatenate([counts for _, counts in sorted(itertools.chain.from_iterable(parts), key=itemgetter(0))])
    if pixels is not None:
        counts = counts[pixels]
    indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    return BlendWeights(
        indptr=torch.from_numpy(indptr),
        indices=torch.from_numpy(entries.indices[: entries.used]),
        values=torch.from_numpy(entries.values[: entries.used]),
        gaussians=len(gaussians),
        pixels=None if pixels is None else torch.from_numpy(pixels),
    )


class _Entries:
    """The entries of W, which the threads fill band by band without a copy of their own.

    A band's place begins where the band above it ends, so places are given out in the order of bands, as soon as
    a band's number of entries is known; the filling goes on side by side.
    """

    def __init__(self, room: int) -> None:
        self.indices = np.empty(room, np.int32)
        self.values = np.empty(room, np.float32)
        self.used = 0
        self._top = 0
        self._writers = 0
        self._failed = False
        self._changed = threading.Condition()

    @contextmanager
    def place(self, band: Band, length: int) -> Iterator[int]:
        """Waits for the band's turn and yields where its ``length`` entries begin."""
        with self._changed:
            self._changed.wait_for(lambda: self._top == band.top or self._failed)
            if self.used + length > len(self.indices):
                self._changed.wait_for(lambda: self._writers == 0)  # nobody may write where it no longer counts
                room = 2 * self.used + length
                self.indices, self.values = (
                    _larger(self.indices, self.used, room),
                    _larger(self.values, self.used, room),
                )
            start = self.used
            self.used += length
            self._top = band.bottom
            self._writers += 1
            self._changed.notify_all()
        try:
            yield start
        finally:
            with self._changed:
                self._writers -= 1
                self._changed.notify_all()

    def fail(self) -> None:
        """Lets those go who wait for a band that will never come."""
        with self._changed:
            self._failed = True
            self._changed.notify_all()


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


def _draw(
    projected: Projected, queue: Iterator[Band], width: int, wanted: Bool[ndarray, " pixels"] | None, entries: _Entries
) -> list[tuple[int, Int32[ndarray, " pixels"]]]:
    """Draws the bands that this thread gets; first pixel row of each and its pixels' numbers of entries."""
    scratch = _Scratch.empty(SCRATCH_ROWS * (width + LANES))
    done = []
    try:
        for band in queue:
            blocks, counts, scratch = _blocks(projected, band, width, wanted, scratch)
            lists = (scratch.starts, scratch.sources, scratch.weights)
            with entries.place(band, int(counts.sum())) as start:
                _by_pixel(blocks, *lists, projected.rows, counts, entries.indices, entries.values, start)
            done.append((band.top, counts.reshape(-1, band.stride)[:, :width].reshape(-1)))
    except BaseException:
        entries.fail()
        raise
    return done


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
