"""Who computes W: three renderers behind one contract, and the two calls that everybody else makes.

The oracle is `reference`, plain float64; `cpu` is compiled for this processor; `cuda` is gsplat on a GPU. They agree to
1e-4 on W, on its row sums and on gradients. Adding one is a module with a `WeightsRenderer` and a row in `RENDERERS`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from gsseg.render import cpu, cuda, rasterize, reference
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians, View

RendererName = Literal["cpu", "cuda", "reference"]
Renderer = Literal["auto", "cpu", "cuda", "reference"]
"""``auto``: where the Gaussians are."""


class WeightsRenderer(Protocol):
    """The contract of a renderer: W of one camera, equations (2)-(3) of Kerbl et al. 2023."""

    def __call__(
        self, gaussians: Gaussians, camera: Camera, pixels: Int[ndarray, " pixels"] | None = None
    ) -> BlendWeights:
        """W with a row for each of ``pixels`` (row-major, ascending, without repetition; None: all of the image).

        - Row p lists the Gaussians that pixel p sees, front to back; Gaussians of one float32 depth by their row.
        - Values are alpha_i T_i with the constants of `gsseg.render.constants` and ``gaussians.render``: nothing below
          `ALPHA_THRESHOLD` is listed, alphas end at `ALPHA_MAX`, a pixel ends at `TRANSMITTANCE_THRESHOLD`.
        - Rows that are not ``drawable`` are never listed; columns are all Gaussians, in the file's order.
        - The Gaussians may lie on any device; W lies where it was computed, and `blend_weights`, the function, hands
          it to the Gaussians' device.
        """
        ...


RENDERERS: Mapping[RendererName, WeightsRenderer] = {
    "cpu": cpu.blend_weights,
    "cuda": cuda.blend_weights,
    "reference": reference.blend_weights,
}
"""Every renderer by its name."""


def blend_weights(
    gaussians: Gaussians,
    view: View | Camera,
    pixels: Int[Tensor, " pixels"] | Int[ndarray, " pixels"] | None = None,
    renderer: Renderer = "auto",
) -> BlendWeights:
    """W of one view: row p holds the blending weights alpha_i T_i of the Gaussians that pixel p sees, front to back.

    ``pixels``: row-major indices of the pixels wanted, ascending and without repetition; None: all, in order.
    ``renderer``: see `chosen`. The settings of the rasterizer are the Gaussians' own (`Gaussians.render`); the weights
    lie on their device, whoever computed them. Equations (2)-(3) of Kerbl et al. 2023. ValueError for pixels that are
    unsorted or outside the image.
    """
    camera = view.camera if isinstance(view, View) else view
    wanted = None if pixels is None else _checked(pixels, camera)
    return RENDERERS[chosen(gaussians, renderer)](gaussians, camera, wanted).to(gaussians.means.device)


def weight_strips(gaussians: Gaussians, view: View | Camera) -> Iterator[BlendWeights]:
    """W of all pixels of a view, whole rows of pixels at a time from the top, each part with its ``pixels``.

    For Gaussians on a GPU, where W of a view may be larger than memory: a part is used and forgotten. On the processor
    there is one part.
    """
    camera = view.camera if isinstance(view, View) else view
    if chosen(gaussians) == "cuda":
        yield from cuda.strips(gaussians, camera)
    else:
        yield replace(cpu.blend_weights(gaussians, camera), pixels=torch.arange(camera.width * camera.height))


def chosen(gaussians: Gaussians, renderer: Renderer = "auto") -> RendererName:
    """The renderer that ``auto`` means: gsplat where the Gaussians are not on the processor, else the compiled one."""
    if renderer != "auto":
        return renderer
    return "cpu" if gaussians.means.is_cpu else "cuda"


def render_map(
    features: Float[Tensor, "gaussians dim"], gaussians: Gaussians, view: View | Camera
) -> Float[Tensor, "height width dim"]:
    """A picture of any quantity of the Gaussians, drawn once without building W; differentiable in ``features``.

    With a column of ones it is the silhouette. To draw again and again from one view, build W: `blend_weights`.
    """
    camera = view.camera if isinstance(view, View) else view
    draw = rasterize.rasterize if gaussians.means.is_cpu else cuda.render_map
    return draw(features, gaussians, camera).reshape(camera.height, camera.width, features.shape[1])


def _checked(pixels: Tensor | ndarray, camera: Camera) -> Int[ndarray, " pixels"]:
    wanted = pixels.cpu().numpy() if isinstance(pixels, torch.Tensor) else np.asarray(pixels)
    wanted = np.ascontiguousarray(wanted, np.int64)
    if len(wanted) and (wanted[0] < 0 or wanted[-1] >= camera.width * camera.height):
        raise ValueError(f"pixels {wanted[0]}..{wanted[-1]} of an image of {camera.width} x {camera.height}")
    if (np.diff(wanted) <= 0).any():
        raise ValueError("pixels must ascend and not repeat")
    return wanted
