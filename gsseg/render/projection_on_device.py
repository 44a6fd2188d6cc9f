"""`gsseg.render.projection` on any device: the same formulas on whole columns of float64.

gsplat's own projection is float32: two Gaussians at nearly one depth change places, and a needle's conic loses three
digits. In float64 the order is that of the processor exactly: a depth is made of the same products and sums, each
rounded by itself (one operation after the other, none fused), so its bits are the same.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from gsseg.render.constants import ALPHA_THRESHOLD, FRUSTUM_MARGIN
from gsseg.scene import Camera, Gaussians


@dataclass(frozen=True, eq=False)
class ProjectedOnDevice:
    """The Gaussians a camera can see, nearest first; those of one float32 depth by their row."""

    rows: Int64[Tensor, " visible"]
    """Row of each in the scene."""
    means: Float64[Tensor, "visible 2"]
    """Centres on the image plane, pixels."""
    conics: Float64[Tensor, "visible 3"]
    """Inverse covariances: xx, xy, yy, 1 / pixels^2."""
    opacities: Float64[Tensor, " visible"]
    """After the antialiasing factor; at least `ALPHA_THRESHOLD`."""
    reach: Float64[Tensor, "visible 2"]
    """Half the width and height, in pixels, of the box outside of which nothing is drawn."""


def project_on_device(gaussians: Gaussians, camera: Camera) -> ProjectedOnDevice:
    """Projects all Gaussians where they lie, drops those that no pixel can see, and sorts the rest."""
    pose: list[list[float]] = camera.T_camera_world.tolist()
    opacities = 1.0 / (1.0 + torch.exp(-gaussians.opacity_logits.double()))
    depths = _along(pose[2], gaussians.means)
    ahead = gaussians.drawable & (depths >= gaussians.render.near_plane) & (opacities >= ALPHA_THRESHOLD)
    rows = torch.nonzero(ahead)[:, 0]
    rows = rows[torch.sort(depths[rows].float(), stable=True)[1]]
    found = _on_plane(gaussians, camera, pose, rows, depths[rows], opacities[rows])
    (x, y), (half_width, half_height) = found.means.unbind(1), found.reach.unbind(1)
    # As on the processor: a Gaussian is seen where its box holds the middle of some row of pixels.
    first = torch.clamp(torch.ceil(y - half_height - 0.5), min=0.0)
    last = torch.clamp(torch.floor(y + half_height - 0.5), max=camera.height - 1.0)
    # What is fainter than the threshold after antialiasing has no reach: NaN, and every comparison is false.
    seen = torch.nonzero((x + half_width > 0.0) & (x - half_width < camera.width) & (first <= last))[:, 0]
    return ProjectedOnDevice(
        found.rows[seen], found.means[seen], found.conics[seen], found.opacities[seen], found.reach[seen]
    )


def _along(row: list[float], points: Tensor) -> Float64[Tensor, " points"]:
    """One coordinate in the camera's frame. Not a matrix product, whose sums may be fused and in any order."""
    x, y, z = points.double().unbind(1)
    return row[0] * x + row[1] * y + row[2] * z + row[3]


def _on_plane(
    gaussians: Gaussians, camera: Camera, pose: list[list[float]], rows: Tensor, z: Tensor, opacities: Tensor
) -> ProjectedOnDevice:
    """Means, conics and reach of the given rows; see `gsseg.render.projection` for the formulas."""
    render, points = gaussians.render, gaussians.means[rows]
    x, y = _along(pose[0], points), _along(pose[1], points)
    margin_x = FRUSTUM_MARGIN * 0.5 * camera.width / camera.fx
    margin_y = FRUSTUM_MARGIN * 0.5 * camera.height / camera.fy
    right, left = (camera.width - camera.cx) / camera.fx + margin_x, camera.cx / camera.fx + margin_x
    lower, upper = (camera.height - camera.cy) / camera.fy + margin_y, camera.cy / camera.fy + margin_y
    tx, ty = z * torch.clamp(x / z, -left, right), z * torch.clamp(y / z, -upper, lower)
    # The rows of J R_camera: how image x and y change with world position.
    ja, jb, jc, jd = camera.fx / z, -camera.fx * tx / (z * z), camera.fy / z, -camera.fy * ty / (z * z)
    u = [ja * pose[0][k] + jb * pose[2][k] for k in range(3)]
    v = [jc * pose[1][k] + jd * pose[2][k] for k in range(3)]
    scales = torch.exp(gaussians.log_scales[rows].double())
    sxx, sxy, syy = torch.zeros_like(z), torch.zeros_like(z), torch.zeros_like(z)
    for axis, direction in enumerate(_axes(gaussians.quats_wxyz[rows].double())):
        mu = scales[:, axis] * (u[0] * direction[0] + u[1] * direction[1] + u[2] * direction[2])
        mv = scales[:, axis] * (v[0] * direction[0] + v[1] * direction[1] + v[2] * direction[2])
        sxx, sxy, syy = sxx + mu * mu, sxy + mu * mv, syy + mv * mv
    sharp = sxx * syy - sxy * sxy
    sxx, syy = sxx + render.dilation, syy + render.dilation
    det = sxx * syy - sxy * sxy
    det = torch.where(det > 0.0, det, math.nan)
    if render.antialiased:
        opacities = opacities * torch.sqrt(torch.clamp(sharp / det, min=0.0))
    reach = torch.sqrt(2.0 * torch.log(opacities / ALPHA_THRESHOLD))
    return ProjectedOnDevice(
        rows=rows,
        means=torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], 1),
        conics=torch.stack([syy / det, -sxy / det, sxx / det], 1),
        opacities=opacities,
        reach=torch.stack([reach * torch.sqrt(sxx), reach * torch.sqrt(syy)], 1),
    )


def _axes(quats_wxyz: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The Gaussians' own axes in the world: the columns of their rotations."""
    w, x, y, z = quats_wxyz.unbind(1)
    return [
        (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
        (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
        (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)),
    ]
