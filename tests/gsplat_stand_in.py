"""gsplat's CUDA functions without a GPU: the same signatures, the semantics of its kernels, on the processor.

Offsets and projections are gsplat's own torch functions. Tiles and the listing follow IntersectTile.cu and
RasterizeToIndices3DGS.cu of gsplat 1.5.3, in float32, with its order of operations; tests/render/test_stand_in.py holds
them to gsplat's torch functions where it has them. Where a kernel leaves memory unwritten there is NaN here. It cannot
show fast arithmetic, races, real memory and time.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import gsplat
import numpy as np
import torch
from gsplat.cuda._torch_impl import _fully_fused_projection, _isect_offset_encode, _quat_scale_to_covar_preci
from torch import Tensor

from gsseg.compiled import njit
from tests.emulated_device import Elsewhere

ALPHA_THRESHOLD = np.float32(1.0 / 255.0)
BATCH = 256
"""Gaussians that a block of threads fetches at a time: TILE x TILE."""


@contextmanager
def gsplat_stood_in() -> Iterator[list[str]]:
    """gsplat with the stand-in's functions; yields the names of those called."""
    called: list[str] = []
    functions = (isect_tiles, isect_offset_encode, rasterize_to_indices_in_range, rasterization)
    with mock.patch.multiple(gsplat, **{each.__name__: _bound(each, called) for each in functions}):
        yield called


def _bound(function: Callable, called: list[str]) -> Callable:
    """Called as the installed function may be called; tensors of the emulated device go in and come out."""
    signature = inspect.signature(getattr(gsplat, function.__name__))

    def call(*args: Any, **kwargs: Any) -> Any:
        called.append(function.__name__)
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        tensors = [value for value in given.arguments.values() if isinstance(value, Tensor)]
        away = isinstance(tensors[0], Elsewhere)
        assert all(isinstance(value, Elsewhere) == away for value in tensors), "tensors of two devices"
        for name, value in given.arguments.items():
            if isinstance(value, Elsewhere) and name != "colors":  # through which gradients go back
                given.arguments[name] = value.held
        named = {name: given.arguments[name] for name in inspect.signature(function).parameters}
        out = function(**named)
        return _sent_away(out) if away and isinstance(out, Tensor) else tuple(map(_sent_away, out)) if away else out

    return call


def _sent_away(value: Any) -> Any:
    return Elsewhere(value) if isinstance(value, Tensor) and not isinstance(value, Elsewhere) else value


def isect_tiles(
    means2d: Tensor, radii: Tensor, depths: Tensor, tile_size: int, tile_width: int, tile_height: int
) -> tuple[Tensor, Tensor, Tensor]:
    """One image: tiles a Gaussian, keys tile << 32 | bits of depth ascending, and the Gaussian of each."""
    images, count, _ = means2d.shape
    assert images == 1
    assert count > 0, "a GPU's host code divides by the number of Gaussians"
    assert (means2d.dtype, radii.dtype, depths.dtype) == (torch.float32, torch.int32, torch.float32)
    bits = depths[0].contiguous().numpy().view(np.uint32).astype(np.int64)
    tiles = np.zeros(count, np.int32)
    box = (means2d[0].numpy(), radii[0].numpy(), tile_size, tile_width, tile_height)
    _tiles(*box, bits, tiles, np.empty(0, np.int64), np.empty(0, np.int32))
    keys, flat = np.empty(tiles.sum(), np.int64), np.empty(tiles.sum(), np.int32)
    _tiles(*box, bits, tiles, keys, flat)
    order = np.argsort(keys, kind="stable")
    return torch.from_numpy(tiles)[None], torch.from_numpy(keys[order]), torch.from_numpy(flat[order])


def isect_offset_encode(isect_ids: Tensor, n_images: int, tile_width: int, tile_height: int) -> Tensor:
    """Place of each tile's first key."""
    return _isect_offset_encode(isect_ids, n_images, tile_width, tile_height)


def rasterize_to_indices_in_range(
    range_start: int,
    range_end: int,
    transmittances: Tensor,
    means2d: Tensor,
    conics: Tensor,
    opacities: Tensor,
    image_width: int,
    image_height: int,
    tile_size: int,
    isect_offsets: Tensor,
    flatten_ids: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """(Gaussian, pixel, image) of everything drawn; pixels ascend, front to back inside a pixel."""
    count = means2d.shape[1]
    assert count > 0, "a GPU's host code divides by the number of Gaussians"
    assert transmittances.shape == (1, image_height, image_width)
    assert (means2d.shape, conics.shape, opacities.shape) == ((1, count, 2), (1, count, 3), (1, count))
    assert {each.dtype for each in (transmittances, means2d, conics, opacities)} == {torch.float32}
    ends = np.append(isect_offsets.reshape(-1).numpy(), len(flatten_ids))
    given = (
        range_start, range_end, transmittances[0].numpy(), means2d[0].numpy(), conics[0].contiguous().numpy(),
        opacities[0].numpy(), tile_size, isect_offsets.shape[-1], ends, flatten_ids.numpy(),
    )  # fmt: skip
    counts = np.zeros(image_width * image_height, np.int64)
    _list(*given, counts, np.zeros(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
    starts = np.cumsum(counts) - counts
    gaussian, pixel = np.empty(counts.sum(), np.int64), np.empty(counts.sum(), np.int64)
    _list(*given, counts, starts, gaussian, pixel)
    return torch.from_numpy(gaussian), torch.from_numpy(pixel), torch.zeros(len(pixel), dtype=torch.int64)


def rasterization(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    viewmats: Tensor,
    Ks: Tensor,
    width: int,
    height: int,
    near_plane: float,
    eps2d: float,
    tile_size: int,
    rasterize_mode: str,
) -> tuple[Tensor, Tensor, dict]:
    """One image of any channels, differentiable in ``colors``; alpha and what belongs to it are left out."""
    covars, _ = _quat_scale_to_covar_preci(quats, scales, compute_preci=False)
    radii, points, depths, conics, factor = _fully_fused_projection(
        means, covars, viewmats, Ks, width, height, eps2d, near_plane,
        calc_compensations=rasterize_mode == "antialiased",
    )  # fmt: skip
    opacities = opacities[None] if factor is None else opacities[None] * factor
    unseen = (radii <= 0).any(dim=-1, keepdim=True)
    points, conics = points.masked_fill(unseen, math.nan), conics.masked_fill(unseen, math.nan)
    across, down = -(-width // tile_size), -(-height // tile_size)
    _, keys, flat = isect_tiles(points, radii, depths, tile_size, across, down)
    offsets = isect_offset_encode(keys, 1, across, down)
    light = torch.ones(1, height, width)
    gaussian, pixel, _ = rasterize_to_indices_in_range(
        0, 1 << 30, light, points, conics, opacities, width, height, tile_size, offsets, flat
    )
    dx, dy = points[0, gaussian, 0] - (pixel % width + 0.5), points[0, gaussian, 1] - (pixel // width + 0.5)
    xx, xy, yy = conics[0, gaussian].unbind(1)
    alphas = (opacities[0, gaussian] * torch.exp(-0.5 * (xx * dx * dx + yy * dy * dy) - xy * dx * dy)).clamp(max=0.999)
    parts = (pixel, gaussian, torch.from_numpy(_weights(alphas.numpy(), pixel.numpy())))
    pixel, gaussian, weights = map(_sent_away, parts) if isinstance(colors, Elsewhere) else parts
    drawn = colors.new_zeros(width * height, colors.shape[1]).index_add(0, pixel, weights[:, None] * colors[gaussian])
    return drawn.reshape(1, height, width, -1), torch.full((1, height, width, 1), math.nan), {}


@njit(nogil=True, cache=True)
def _tiles(means, radii, size, across, down, bits, tiles, keys, flat):
    """First pass (no keys): tiles of each Gaussian; second: its keys. A cast to unsigned ends at 0 on a GPU."""
    at = 0
    for i in range(len(means)):
        rx, ry = np.float32(radii[i, 0]), np.float32(radii[i, 1])
        if rx <= 0 or ry <= 0:
            tiles[i] = 0
            continue
        s = np.float32(size)
        x, y = means[i, 0] / s, means[i, 1] / s
        x0 = min(max(np.float32(0), np.floor(x - rx / s)), np.float32(across))
        y0 = min(max(np.float32(0), np.floor(y - ry / s)), np.float32(down))
        x1 = min(max(np.float32(0), np.ceil(x + rx / s)), np.float32(across))
        y1 = min(max(np.float32(0), np.ceil(y + ry / s)), np.float32(down))
        tiles[i] = int(y1 - y0) * int(x1 - x0)
        if len(keys):
            for row in range(int(y0), int(y1)):
                for column in range(int(x0), int(x1)):
                    keys[at] = (row * across + column) << 32 | bits[i]
                    flat[at] = i
                    at += 1


@njit(nogil=True, cache=True)
def _list(
    first, last, light, means, conics, opacities, size, across, ends, flat, counts, starts, out_gaussian, out_pixel
):
    """First pass (no output): entries of each pixel; second: the entries."""
    height, width = light.shape
    half, most = np.float32(0.5), np.float32(0.999)
    for i in range(height):
        for j in range(width):
            tile = (i // size) * across + j // size
            start, end = ends[tile], ends[tile + 1]
            batches = (end - start + size * size - 1) // (size * size)
            if first >= batches:
                continue
            px, py, trans, found = np.float32(j) + half, np.float32(i) + half, light[i, j], 0
            for at in range(start + first * size * size, min(end, start + min(last, batches) * size * size)):
                g = flat[at]
                dx, dy = means[g, 0] - px, means[g, 1] - py
                sigma = half * (conics[g, 0] * dx * dx + conics[g, 2] * dy * dy) + conics[g, 1] * dx * dy
                alpha = min(most, opacities[g] * np.float32(np.exp(-sigma)))
                if not sigma >= 0 or alpha < ALPHA_THRESHOLD:
                    continue
                after = trans * (np.float32(1) - alpha)
                if after <= np.float32(1e-4):
                    break
                if len(out_pixel):
                    out_gaussian[starts[i * width + j] + found] = g
                    out_pixel[starts[i * width + j] + found] = i * width + j
                found += 1
                trans = after
            counts[i * width + j] = found


@njit(nogil=True, cache=True)
def _weights(alphas, pixels):
    out = np.empty_like(alphas)
    light = np.float32(1)
    for at in range(len(alphas)):
        if at == 0 or pixels[at] != pixels[at - 1]:
            light = np.float32(1)
        out[at] = alphas[at] * light
        light *= np.float32(1) - alphas[at]
    return out
