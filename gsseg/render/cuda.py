"""Blending weights on a GPU: projected in float64 by torch, listed by gsplat 1.5.3, decided in float64 again.

gsplat's kernel lists (Gaussian, pixel) pairs, pixels ascending and front to back inside a pixel, by float32 alphas
that err by some 1e-4. It is asked for more than is drawn: opacities are raised by `RAISED`, light starts at `HEADROOM`
instead of 1. What is drawn is decided here, from float64 alphas, so that W is the processor's W. Pixels that nobody
wants start without light: nothing is listed for them. Every range of depths at once, because a second range would
forget which pixels had ended (`rasterize_to_indices_in_range`).

Memory: W is listed in strips of whole rows of tiles, about `STRIP_ENTRIES` pairs each; gsplat takes 32 bytes a pair,
what is kept 20. A strip takes about half a gigabyte, whatever the scene; one row of tiles is the least.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.exact_sums import in_steps_of, step_of
from gsseg.render.constants import ALPHA_MAX, ALPHA_THRESHOLD, TRANSMITTANCE_THRESHOLD
from gsseg.render.projection_on_device import ProjectedOnDevice, project_on_device
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians

TILE = 16
"""Pixels along a tile's side; gsplat's default."""

STRIP_ENTRIES = 1 << 23
"""Pairs of Gaussian and pixel that a strip aims at."""

FIRST_RATE = 64.0
"""Pairs for each Gaussian and tile, of 256 pixels, that the first strip is expected to have; most scenes have fewer."""

CHUNK = 1 << 21
"""Pairs whose alphas are computed at once: some 120 bytes each."""

RAISED = 1.0 + 1e-3
"""Factor on the opacities that gsplat sees: its alphas err by less, needles of an aspect beyond 90 excepted."""

HEADROOM = 4.0
"""Light that pixels start with in gsplat: with raised alphas, 1 would end some of them early."""

WHOLE_RANGE = 1 << 30
"""More batches of Gaussians than any tile has."""


def blend_weights(gaussians: Gaussians, camera: Camera, pixels: Int[ndarray, " pixels"] | None = None) -> BlendWeights:
    """W of one camera, on the GPU that holds the Gaussians (the first one, where they are on the processor)."""
    gaussians = gaussians.to(gpu()) if gaussians.means.is_cpu else gaussians
    parts = list(strips(gaussians, camera, pixels))
    whole = BlendWeights.stacked(parts, len(gaussians), gaussians.means.device)
    return whole if pixels is not None else replace(whole, pixels=None)


def strips(
    gaussians: Gaussians, camera: Camera, pixels: Int[ndarray, " pixels"] | None = None
) -> Iterator[BlendWeights]:
    """The rows of W from the top of the image to its bottom, some rows of tiles at a time, with their ``pixels``."""
    gaussians = gaussians.to(gpu()) if gaussians.means.is_cpu else gaussians
    device = gaussians.means.device
    projected = project_on_device(gaussians, camera)
    light = np.full(camera.width * camera.height, HEADROOM, np.float32)
    if pixels is not None:
        light[:] = 0.0
        light[pixels] = HEADROOM
    work = _tiles_by_row(projected, camera)
    rate, top = FIRST_RATE, 0
    while top < camera.height:
        expected = np.cumsum(rate * work[top // TILE :])
        rows = max(1, int(np.searchsorted(expected, STRIP_ENTRIES, side="right"))) * TILE
        bottom = min(top + rows, camera.height)
        span = slice(top * camera.width, bottom * camera.width)
        wanted = np.flatnonzero(light[span])
        if len(wanted):
            shown = torch.from_numpy(light[span].reshape(1, bottom - top, camera.width)).to(device)
            counts, found, values = _strip(projected, camera, top, shown)
            listed = work[top // TILE : -(-bottom // TILE)].sum()
            if len(wanted) == len(light[span]) and listed:
                rate = max(1.0, 1.5 * len(values) / float(listed))  # of the next strip, with some room
            kept = torch.from_numpy(wanted).to(device)
            indptr = torch.zeros(len(kept) + 1, dtype=torch.int64, device=device)
            torch.cumsum(counts[kept], 0, out=indptr[1:])
            yield BlendWeights(indptr, found, values, len(gaussians), kept + span.start)
        top = bottom


def render_map(
    features: Float[Tensor, "gaussians dim"], gaussians: Gaussians, camera: Camera
) -> Float[Tensor, "pixels dim"]:
    """A map of any channels by gsplat's own rasterizer, pixels in row-major order, differentiable in ``features``."""
    from gsplat import rasterization

    gaussians = gaussians.to(gpu()) if gaussians.means.is_cpu else gaussians
    device = gaussians.means.device
    if len(gaussians) == 0:  # gsplat divides by their number
        return features.new_zeros(camera.width * camera.height, features.shape[1])
    images, _, _ = rasterization(
        means=gaussians.means,
        quats=gaussians.quats_wxyz,
        scales=gaussians.scales,
        opacities=gaussians.opacities,
        colors=features.to(device),
        viewmats=_pose(camera, device),
        Ks=_intrinsics(camera, device),
        width=camera.width,
        height=camera.height,
        near_plane=gaussians.render.near_plane,
        eps2d=gaussians.render.dilation,
        packed=False,
        tile_size=TILE,
        rasterize_mode="antialiased" if gaussians.render.antialiased else "classic",
    )
    return images[0].reshape(-1, features.shape[1])


def gpu() -> torch.device:
    """The GPU that Gaussians on the processor are sent to; RuntimeError where there is none."""
    if not torch.cuda.is_available():
        raise RuntimeError("no GPU that torch can use; take the renderer 'cpu'")
    return torch.device("cuda")


def _tiles_by_row(projected: ProjectedOnDevice, camera: Camera) -> Float64[ndarray, " rows"]:
    """For each row of tiles, how many pairs of a Gaussian and a tile it has: what the work of a strip follows from."""
    across, down = -(-camera.width // TILE), -(-camera.height // TILE)
    size = torch.tensor([across, down]).to(projected.means.device)
    low = torch.clamp(torch.floor((projected.means - projected.reach) / TILE), min=0.0).minimum(size).long()
    high = torch.clamp(torch.ceil((projected.means + projected.reach) / TILE), min=0.0).minimum(size).long()
    columns = high[:, 0] - low[:, 0]
    change = torch.zeros(down + 1, dtype=torch.int64, device=low.device)
    change.index_add_(0, low[:, 1], columns).index_add_(0, high[:, 1], -columns)
    return torch.cumsum(change, 0)[:-1].cpu().numpy().astype(np.float64)


def _strip(
    projected: ProjectedOnDevice, camera: Camera, top: int, light: Float32[Tensor, "1 height width"]
) -> tuple[Int64[Tensor, " pixels"], Int[Tensor, " entries"], Float32[Tensor, " entries"]]:
    """Entries of each pixel, their Gaussians (rows of the scene) and their weights, of pixel rows from ``top`` on."""
    pixels = light.numel()
    nearest, pixel = _listed(projected, camera, top, light)
    kept_gaussian, kept_pixel, kept_alpha, kept_log = [], [], [], []
    step = step_of(math.log(1.0 / (1.0 - ALPHA_MAX)))
    for start in range(0, len(pixel), CHUNK):
        some, at = nearest[start : start + CHUNK], pixel[start : start + CHUNK]
        alphas = _alphas(projected, camera.width, top, some, at)
        drawn = alphas >= ALPHA_THRESHOLD
        kept_gaussian.append(projected.rows[some[drawn]].int())
        kept_pixel.append(at[drawn].int())
        kept_alpha.append(alphas[drawn].float())
        kept_log.append(in_steps_of(step, torch.log1p(-alphas[drawn])))
    if not kept_pixel:
        none = torch.zeros(0, device=light.device)
        return torch.zeros(pixels, dtype=torch.int64, device=light.device), none.int(), none
    del nearest, pixel
    at, alphas, logs = torch.cat(kept_pixel), torch.cat(kept_alpha), torch.cat(kept_log)
    before = _log_light_before(logs, torch.bincount(at, minlength=pixels)).double() * step
    # Light only falls, so what fails this is behind all that passes it.
    lit = torch.exp(before + logs.double() * step) > TRANSMITTANCE_THRESHOLD
    values = alphas[lit] * torch.exp(before[lit]).float()
    return torch.bincount(at[lit], minlength=pixels), torch.cat(kept_gaussian)[lit], values


def _listed(
    projected: ProjectedOnDevice, camera: Camera, top: int, light: Float32[Tensor, "1 height width"]
) -> tuple[Int64[Tensor, " pairs"], Int64[Tensor, " pairs"]]:
    """gsplat's pairs: place among the projected Gaussians and pixel of the strip, more than are drawn."""
    from gsplat import isect_offset_encode, isect_tiles, rasterize_to_indices_in_range

    count, device = len(projected.rows), light.device
    if count == 0:  # gsplat divides by their number
        none = torch.zeros(0, dtype=torch.int64, device=device)
        return none, none
    _, height, width = light.shape
    across, down = -(-width // TILE), -(-height // TILE)
    means = projected.means.clone()
    means[:, 1] -= top
    radii = torch.ceil(projected.reach).clamp(max=float(1 << 30)).int()
    # gsplat sorts by the bits of the depths and reads them as nothing else: places in the order, which no two share.
    places = torch.arange(count, dtype=torch.int32, device=device).view(torch.float32)
    shifted = means.float()[None]
    _, keys, flat = isect_tiles(shifted, radii[None], places[None], TILE, across, down)
    offsets = isect_offset_encode(keys, 1, across, down).reshape(1, down, across)
    del keys
    raised = (projected.opacities * RAISED).float()
    nearest, pixel, _ = rasterize_to_indices_in_range(
        0, WHOLE_RANGE, light, shifted, projected.conics.float()[None], raised[None], width, height, TILE, offsets, flat
    )
    return nearest, pixel


def _alphas(
    projected: ProjectedOnDevice, width: int, top: int, nearest: Tensor, pixel: Tensor
) -> Float64[Tensor, " pairs"]:
    """Opacity of each Gaussian at the centre of its pixel, at most `ALPHA_MAX`."""
    row = torch.div(pixel, width, rounding_mode="floor")
    dx = (pixel - row * width) + 0.5 - projected.means[nearest, 0]
    dy = row + (top + 0.5) - projected.means[nearest, 1]
    xx, xy, yy = projected.conics[nearest].unbind(1)
    form = 0.5 * (xx * dx * dx + yy * dy * dy) + xy * dx * dy
    return torch.clamp(projected.opacities[nearest] * torch.exp(-form), max=ALPHA_MAX)


def _log_light_before(logs: Int64[Tensor, " entries"], counts: Int64[Tensor, " pixels"]) -> Int64[Tensor, " entries"]:
    """ln of the light in front of each entry, in the steps of ``logs``: the sum of ln(1 - alpha) over the earlier
    entries of its pixel. Differences of one running sum, in whole numbers so that they are exact in any order."""
    before = torch.zeros(len(logs) + 1, dtype=torch.int64, device=logs.device)
    torch.cumsum(logs, 0, out=before[1:])
    starts = torch.cumsum(counts, 0) - counts
    return before[:-1] - torch.repeat_interleave(before[starts], counts, output_size=len(logs))


def _pose(camera: Camera, device: torch.device) -> Float[Tensor, "1 4 4"]:
    return torch.from_numpy(np.asarray(camera.T_camera_world, np.float32)).to(device)[None]


def _intrinsics(camera: Camera, device: torch.device) -> Float[Tensor, "1 3 3"]:
    rows = [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]]
    return torch.tensor(rows, dtype=torch.float32).to(device)[None]
