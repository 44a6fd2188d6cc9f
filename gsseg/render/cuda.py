"""Blending weights on a GPU by gsplat 1.5.3, which is imported only when it is used.

gsplat lists (Gaussian, pixel) pairs, pixels ascending and front to back inside a pixel; it is asked for the whole
range at once, because a second range would forget which pixels had ended (`rasterize_to_indices_in_range`). Alpha
and transmittance are computed here from the same projected values. Memory is bounded by drawing `STRIP_ROWS` pixel
rows at a time, not by depth ranges.

Written against gsplat's source; checked where tests/gpu finds a GPU.
"""

import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from gsseg.render.constants import ALPHA_MAX
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians

TILE = 16
"""Pixels along a tile's side; gsplat's default."""

STRIP_ROWS = 256
"""Pixel rows drawn at once, a multiple of TILE: a megapixel strip with 50 entries a pixel takes some 3 GB."""

WHOLE_RANGE = 1 << 30
"""More batches of Gaussians than any tile has."""


def blend_weights(gaussians: Gaussians, camera: Camera, pixels: Int[ndarray, " pixels"] | None = None) -> BlendWeights:
    """W of one camera, on the GPU that holds the Gaussians (the first one, where they are on the processor)."""
    gaussians = _on_gpu(gaussians)
    means, conics, opacities, depths, radii = _project(gaussians, camera)
    strips = [
        _strip(means, conics, opacities, depths, radii, camera, top) for top in range(0, camera.height, STRIP_ROWS)
    ]
    counts = torch.cat([count for count, _, _ in strips])
    weights = BlendWeights(
        indptr=torch.cat([counts.new_zeros(1), torch.cumsum(counts, 0)]),
        indices=torch.cat([indices for _, indices, _ in strips]),
        values=torch.cat([values for _, _, values in strips]),
        gaussians=len(gaussians),
    )
    return weights if pixels is None else weights.sampled(torch.as_tensor(pixels, device=counts.device))


def render_map(
    features: Float[Tensor, "gaussians dim"], gaussians: Gaussians, camera: Camera
) -> Float[Tensor, "pixels dim"]:
    """A map of any channels by gsplat's own rasterizer, pixels in row-major order, differentiable in ``features``."""
    from gsplat import rasterization

    gaussians = _on_gpu(gaussians)
    device = gaussians.means.device
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


def _project(gaussians: Gaussians, camera: Camera) -> tuple[Tensor, ...]:
    """Means, conics, opacities, depths and radii (0: not visible), each with a leading axis of one camera."""
    from gsplat import fully_fused_projection

    device, render = gaussians.means.device, gaussians.render
    opacities = gaussians.opacities[None]
    radii, means, depths, conics, compensations = fully_fused_projection(
        gaussians.means, None, gaussians.quats_wxyz, gaussians.scales, _pose(camera, device),
        _intrinsics(camera, device), camera.width, camera.height, eps2d=render.dilation,
        near_plane=render.near_plane, calc_compensations=render.antialiased, opacities=gaussians.opacities,
    )  # fmt: skip
    if render.antialiased:
        opacities = opacities * compensations
    return means, conics, opacities, depths, radii


def _strip(
    means: Tensor, conics: Tensor, opacities: Tensor, depths: Tensor, radii: Tensor, camera: Camera, top: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Entries a pixel, their Gaussians and their weights, of the pixel rows from ``top`` on."""
    from gsplat import isect_offset_encode, isect_tiles, rasterize_to_indices_in_range

    width, height = camera.width, min(STRIP_ROWS, camera.height - top)
    across, down = -(-width // TILE), -(-height // TILE)
    shifted = means - means.new_tensor([0.0, float(top)])
    _, keys, flat = isect_tiles(shifted, radii, depths, TILE, across, down)
    offsets = isect_offset_encode(keys, 1, across, down).reshape(1, down, across)
    light = torch.ones(1, height, width, device=means.device)
    gaussian, pixel, _ = rasterize_to_indices_in_range(
        0, WHOLE_RANGE, light, shifted, conics, opacities, width, height, TILE, offsets, flat
    )
    dx = pixel % width + 0.5 - shifted[0, gaussian, 0]
    dy = torch.div(pixel, width, rounding_mode="floor") + 0.5 - shifted[0, gaussian, 1]
    xx, xy, yy = conics[0, gaussian].unbind(-1)
    form = 0.5 * (xx * dx * dx + yy * dy * dy) + xy * dx * dy
    alphas = torch.clamp(opacities[0, gaussian] * torch.exp(-form), max=ALPHA_MAX)
    counts = torch.bincount(pixel, minlength=width * height)
    return counts, gaussian.int(), alphas * _light_before(alphas, counts)


def _light_before(alphas: Float[Tensor, " entries"], counts: Int[Tensor, " pixels"]) -> Float[Tensor, " entries"]:
    """Transmittance in front of each entry: the product of 1 - alpha over the earlier entries of its pixel.

    As differences of one running sum of logarithms; in float64, because the sum runs over the whole strip.
    """
    if len(alphas) == 0:
        return alphas
    running = torch.cumsum(torch.log1p(-alphas.double()), 0)
    before = torch.cat([running.new_zeros(1), running])
    starts = torch.cumsum(counts, 0) - counts
    return torch.exp(before[:-1] - torch.repeat_interleave(before[starts], counts)).to(alphas.dtype)


def _on_gpu(gaussians: Gaussians) -> Gaussians:
    if gaussians.means.is_cuda:
        return gaussians
    if not torch.cuda.is_available():
        raise RuntimeError("no GPU that torch can use; take the renderer 'cpu'")
    return gaussians.to("cuda")


def _pose(camera: Camera, device: torch.device) -> Float[Tensor, "1 4 4"]:
    return torch.as_tensor(camera.T_camera_world, dtype=torch.float32, device=device)[None]


def _intrinsics(camera: Camera, device: torch.device) -> Float[Tensor, "1 3 3"]:
    rows = [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]]
    return torch.tensor(rows, dtype=torch.float32, device=device)[None]
