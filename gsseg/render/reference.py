"""The plain version of the renderer: float64, every pixel against every Gaussian, no cleverness. The oracle.

It shares no code with the fast renderers, the projection included, and needs pixels x gaussians x 8 bytes several
times over: a few hundred Gaussians on a few thousand pixels.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float64, Int, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.render.constants import ALPHA_MAX, ALPHA_THRESHOLD, FRUSTUM_MARGIN, TRANSMITTANCE_THRESHOLD
from gsseg.render.weights import BlendWeights
from gsseg.scene import Camera, Gaussians


@dataclass(frozen=True, eq=False)
class Blend:
    """How each pixel was blended; columns are the Gaussians in front of the near plane, nearest first."""

    rows: Int64[Tensor, " visible"]
    """Row of each column in the scene."""
    alphas: Float64[Tensor, "pixels visible"]
    """Opacity of each Gaussian on each pixel, at most ALPHA_MAX, before the cut-off."""
    light: Float64[Tensor, "pixels visible"]
    """Transmittance in front of each Gaussian if no pixel ever ended."""
    gaussians: int
    """Number of Gaussians in the scene."""

    @property
    def touched(self) -> Bool[Tensor, "pixels visible"]:
        """Where the contribution reaches the cut-off."""
        return self.alphas >= ALPHA_THRESHOLD

    @property
    def light_after(self) -> Float64[Tensor, "pixels visible"]:
        """Transmittance behind each Gaussian if no pixel ever ended."""
        return self.light * (1.0 - self.alphas * self.touched)

    @property
    def drawn(self) -> Bool[Tensor, "pixels visible"]:
        """What is drawn: transmittance only falls, so the first Gaussian to pass the threshold ends its pixel."""
        return self.touched & (self.light_after > TRANSMITTANCE_THRESHOLD)

    @property
    def weights(self) -> Float64[Tensor, "pixels gaussians"]:
        """W, dense, columns in the scene's order."""
        dense = torch.zeros(self.alphas.shape[0], self.gaussians, dtype=torch.float64)
        dense[:, self.rows] = self.alphas * self.light * self.drawn
        return dense


def blend_weights(gaussians: Gaussians, camera: Camera, pixels: Int[ndarray, " pixels"] | None = None) -> BlendWeights:
    """W in the renderers' common form: computed in float64, stored in float32."""
    blended = blend(gaussians, camera, pixels)
    drawn = blended.drawn
    row, column = torch.nonzero(drawn, as_tuple=True)  # row-major, so front to back inside a pixel
    counts = torch.bincount(row, minlength=drawn.shape[0])
    return BlendWeights(
        indptr=torch.cat([counts.new_zeros(1), torch.cumsum(counts, 0)]),
        indices=blended.rows[column].int(),
        values=(blended.alphas * blended.light)[row, column].float(),
        gaussians=len(gaussians),
        pixels=None if pixels is None else torch.as_tensor(pixels, dtype=torch.int64),
    )


def blend(gaussians: Gaussians, camera: Camera, pixels: Int[ndarray, " pixels"] | None = None) -> Blend:
    """Blends every pixel (or those asked for), equations (2)-(3) and (5)-(6) of Kerbl et al. 2023."""
    gaussians = gaussians.to("cpu")
    pose = torch.as_tensor(camera.T_camera_world, dtype=torch.float64)
    opacities = torch.sigmoid(gaussians.opacity_logits.double()) * gaussians.drawable
    centres = gaussians.means.double() @ pose[:3, :3].T + pose[:3, 3]
    depths = centres[:, 2].float()
    rows = torch.nonzero((centres[:, 2] >= gaussians.render.near_plane) & (opacities >= ALPHA_THRESHOLD))[:, 0]
    rows = rows[torch.argsort(depths[rows], stable=True)]
    means, sharp = _projected(gaussians, rows, centres[rows], pose, camera)
    covariances = sharp + gaussians.render.dilation * torch.eye(2, dtype=torch.float64)
    opacities = opacities[rows]
    if gaussians.render.antialiased:
        opacities = opacities * torch.sqrt(torch.clamp(torch.det(sharp) / torch.det(covariances), min=0.0))
    index = torch.arange(camera.width * camera.height) if pixels is None else torch.as_tensor(pixels)
    points = torch.stack([index % camera.width + 0.5, index // camera.width + 0.5], 1).double()
    offsets = points[:, None] - means[None]
    form = torch.einsum("pgi,gij,pgj->pg", offsets, torch.linalg.inv(covariances), offsets)
    alphas = torch.clamp(opacities * torch.exp(-0.5 * form), max=ALPHA_MAX)
    passed = torch.cumprod(1.0 - alphas * (alphas >= ALPHA_THRESHOLD), dim=1)
    light = torch.cat([torch.ones(len(index), 1, dtype=torch.float64), passed], 1)[:, :-1]
    return Blend(rows, alphas, light, len(gaussians))


def _projected(
    gaussians: Gaussians, rows: Tensor, centres: Tensor, pose: Tensor, camera: Camera
) -> tuple[Float64[Tensor, "visible 2"], Float64[Tensor, "visible 2 2"]]:
    """Means (pixels) and covariances (pixels^2, before dilation) on the image plane: Sigma' = J R Sigma R^T J^T."""
    axes = _rotations(gaussians.quats_wxyz[rows].double()) * torch.exp(gaussians.log_scales[rows].double())[:, None]
    x, y, z = centres.unbind(1)
    means = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], 1)
    margin_x = FRUSTUM_MARGIN * 0.5 * camera.width / camera.fx
    margin_y = FRUSTUM_MARGIN * 0.5 * camera.height / camera.fy
    tx = z * torch.clamp(x / z, -camera.cx / camera.fx - margin_x, (camera.width - camera.cx) / camera.fx + margin_x)
    ty = z * torch.clamp(y / z, -camera.cy / camera.fy - margin_y, (camera.height - camera.cy) / camera.fy + margin_y)
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([camera.fx / z, zero, -camera.fx * tx / z**2], 1),
            torch.stack([zero, camera.fy / z, -camera.fy * ty / z**2], 1),
        ],
        1,
    )
    spread = jacobian @ pose[:3, :3] @ axes
    return means, spread @ spread.mT


def _rotations(quats_wxyz: Float64[Tensor, "gaussians 4"]) -> Float64[Tensor, "gaussians 3 3"]:
    """Unit quaternions to matrices: R = I + 2 w [v] + 2 [v]^2, with [v] the cross-product matrix of (x, y, z)."""
    w, x, y, z = quats_wxyz.unbind(1)
    zero = torch.zeros_like(w)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    return torch.eye(3, dtype=torch.float64) + 2.0 * w[:, None, None] * cross + 2.0 * cross @ cross
