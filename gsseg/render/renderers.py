"""The front door of the renderers: one call, three of them behind it, the same W from each."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from gsseg.render import cpu, cuda, rasterize, reference
from gsseg.render.config import RenderConfig
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians, View

Renderer = Literal["auto", "cpu", "cuda", "reference"]
"""Who computes W: compiled code on the processor, gsplat on the GPU, or the slow float64 oracle. ``auto``: where
the Gaussians are."""


def blend_weights(
    gaussians: Gaussians,
    view: View | Camera,
    config: RenderConfig | None = None,
    pixels: Int[Tensor, " pixels"] | Int[ndarray, " pixels"] | None = None,
    renderer: Renderer = "auto",
) -> BlendWeights:
    """W of one view: row p holds the blending weights alpha_i T_i of the Gaussians that pixel p sees, front to back.

    ``pixels``: row-major indices of the pixels wanted, ascending and without repetition; None: all, in order.
    ``config`` None: the constants of gsplat. The weights lie on the device of the Gaussians.
    Equations (2)-(3) of Kerbl et al. 2023. ValueError for pixels that are unsorted or outside the image.
    """
    camera = view.camera if isinstance(view, View) else view
    config = config or RenderConfig()
    wanted = None if pixels is None else _checked(pixels, camera)
    if renderer == "auto":
        renderer = "cuda" if gaussians.means.is_cuda else "cpu"
    if renderer == "cuda":
        return cuda.blend_weights(gaussians, camera, config, wanted)
    compute = cpu.blend_weights if renderer == "cpu" else reference.blend_weights
    device = gaussians.means.device
    return compute(gaussians.to("cpu"), camera, config, wanted).to(device)


def render_map(
    features: Float[Tensor, "gaussians dim"],
    gaussians: Gaussians,
    view: View | Camera,
    config: RenderConfig | None = None,
) -> Float[Tensor, "height width dim"]:
    """A picture of any quantity of the Gaussians, drawn once without building W; differentiable in ``features``.

    With a column of ones it is the silhouette. To draw again and again from one view, build W: `blend_weights`.
    """
    camera = view.camera if isinstance(view, View) else view
    config = config or RenderConfig()
    draw = cuda.render_map if gaussians.means.is_cuda else rasterize.rasterize
    return draw(features, gaussians, camera, config).reshape(camera.height, camera.width, features.shape[1])


def _checked(pixels: Tensor | ndarray, camera: Camera) -> Int[ndarray, " pixels"]:
    wanted = pixels.cpu().numpy() if isinstance(pixels, torch.Tensor) else np.asarray(pixels)
    wanted = np.ascontiguousarray(wanted, np.int64)
    if len(wanted) and (wanted[0] < 0 or wanted[-1] >= camera.width * camera.height):
        raise ValueError(f"pixels {wanted[0]}..{wanted[-1]} of an image of {camera.width} x {camera.height}")
    if (np.diff(wanted) <= 0).any():
        raise ValueError("pixels must ascend and not repeat")
    return wanted
