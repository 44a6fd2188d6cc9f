"""The classic way to the same pictures: rasterize any channels directly, keep nothing, do it all again backward.

This is what W replaces inside training, and what `gsseg bench` compares it with. It is also how to draw a map
once, where building W would be waste: half the time and none of the memory. It shares projection and traversal
with `render.cpu`, so the two differ in nothing but what is kept.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor

from gsseg.compiled import njit
from gsseg.render.pixel_blocks import add_block, dot_block
from gsseg.render.projection import Projected, project
from gsseg.render.strips import Band, alive_blocks, bands, share_out, trace
from gsseg.render.vector_code import LANES
from gsseg.scene import Camera, Gaussians

CHUNK_BLOCKS = 8192
"""Blocks of weights listed before they are used: 330 kB, so that they never leave the second-level cache."""


def rasterize(
    features: Float[Tensor, "gaussians dim"],
    gaussians: Gaussians,
    camera: Camera,
    projected: Projected | None = None,
) -> Float[Tensor, "pixels dim"]:
    """The rendered map of ``features``, pixels in row-major order, differentiable in ``features``.

    ``projected``: what `project` returned for the same Gaussians and camera; it is computed where absent.
    """
    if features.shape[0] != len(gaussians):
        raise ValueError(f"{len(gaussians)} Gaussians, but the features have {features.shape[0]} rows")
    if projected is None:
        projected = project(gaussians, camera)
    return _Rasterize.apply(features, projected, camera)


class _Rasterize(torch.autograd.Function):
    """Features to map. A gradient for geometry would be a third kernel over the same traversal, in `backward`."""

    @staticmethod
    def forward(ctx, features: Tensor, projected: Projected, camera: Camera) -> Tensor:
        ctx.projected, ctx.camera, ctx.gaussians = projected, camera, features.shape[0]
        # Nearest first, as the traversal meets them: it then reads features in order, not all over the scene.
        dense = np.take(features.detach().numpy(), projected.rows, axis=0).astype(np.float32, copy=False)
        todo = bands(projected, camera.width, camera.height)
        stride = todo[0].stride
        maps = np.zeros((dense.shape[1], camera.height, stride), np.float32)

        def work(queue: Iterator[Band]) -> None:
            for band in queue:
                for blocks, starts, sources, weights in _chunks(projected, band, camera.width):
                    at = band.top * stride
                    _add_features(blocks, starts, sources, weights, dense, maps.reshape(-1), at)

        share_out(todo, work)
        pixels = maps[:, :, : camera.width].reshape(dense.shape[1], -1)
        return torch.from_numpy(np.ascontiguousarray(pixels.T))

    @staticmethod
    def backward(ctx, *gradients: Tensor):
        projected, camera = ctx.projected, ctx.camera
        todo = bands(projected, camera.width, camera.height)
        stride, dim = todo[0].stride, gradients[0].shape[1]
        maps = np.zeros((dim, camera.height, stride), np.float32)
        maps[:, :, : camera.width] = gradients[0].numpy().T.reshape(dim, camera.height, camera.width)

        def work(queue: Iterator[Band]) -> Float32[ndarray, "visible dim"]:
            total = np.zeros((len(projected.rows), dim), np.float32)
            for band in queue:
                for blocks, starts, sources, weights in _chunks(projected, band, camera.width):
                    at = band.top * stride
                    _add_gradients(blocks, starts, sources, weights, maps.reshape(-1), at, total)
            return total

        parts = share_out(todo, work)
        for part in parts[1:]:
            parts[0] += part
        out = np.zeros((ctx.gaussians, dim), np.float32)
        out[projected.rows] = parts[0]
        return torch.from_numpy(out), None, None


def _chunks(projected: Projected, band: Band, width: int) -> Iterator[tuple[int, ndarray, ndarray, ndarray]]:
    """The band's blocks of weights, some thousands at a time, in the same three arrays."""
    light = band.light(width)
    alive = alive_blocks(light)
    counts = np.zeros(len(light), np.int32)
    room = max(CHUNK_BLOCKS, len(alive))
    lists = (np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room * LANES, np.float32))
    at = 0
    while at < len(band.members):
        state = (projected.ellipses, band.stride, band.top, band.bottom, light, alive, counts)
        at, blocks = trace(band.members, at, *state, *lists)
        yield blocks, *lists


@njit(nogil=True, cache=True)
def _add_features(blocks, starts, sources, weights, features, maps, at):
    dim = features.shape[1]
    plane = len(maps) // dim
    for block in range(blocks):
        source = sources[block]
        for d in range(dim):
            add_block(maps, d * plane + at + starts[block], weights, block * LANES, features[source, d])


@njit(nogil=True, cache=True)
def _add_gradients(blocks, starts, sources, weights, maps, at, total):
    dim = total.shape[1]
    plane = len(maps) // dim
    for block in range(blocks):
        source = sources[block]
        for d in range(dim):
            total[source, d] += dot_block(maps, d * plane + at + starts[block], weights, block * LANES)
