"""The loss of `gsseg.splats.ssim` in torch, for a device that torch differentiates on."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

from gsseg.splats.ssim import C1, C2, RADIUS, WINDOW


def photometric_loss(
    picture: Float[Tensor, "3 height width"],
    photo: Float[Tensor, "3 height width"],
    ssim_share: float,
    seen: Float[Tensor, "height width"] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """(1 - share) mean |x - y| + share (1 - mean SSIM), and the mean square error of what the photo shows.

    ``seen``: 1 for pixels that the photo shows, 0 for those that it does not. The second is without a gradient.
    """
    shown = float(picture.numel())
    if seen is not None:
        picture, photo = picture * seen, photo * seen
        shown = max(3.0 * float(seen.sum()), 1.0)
    line = torch.as_tensor(WINDOW, device=picture.device).to(picture.dtype)

    def blur(values: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
        along = conv2d(values[:, None], line[None, None, None, :], padding=(0, RADIUS))
        return conv2d(along, line[None, None, :, None], padding=(RADIUS, 0))[:, 0]

    m, n = blur(picture), blur(photo)
    upper = (2 * m * n + C1) * (2 * (blur(picture * photo) - m * n) + C2)
    lower = (m * m + n * n + C1) * (blur(picture * picture) - m * m + blur(photo * photo) - n * n + C2)
    fit = (1 - ssim_share) * (picture - photo).abs().mean() + ssim_share * (1 - (upper / lower).mean())
    return fit, ((picture - photo) ** 2).detach().sum() / shown
