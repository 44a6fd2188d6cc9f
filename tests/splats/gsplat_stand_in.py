"""gsplat's kernels by plain torch, so that its strategies and what calls them run without a GPU.

`rasterization` is the project's float64 reference renderer, differentiable, bound to the signature of the installed
function; the relocation is equation 9 of Kheradmand et al. 2024. They show that names, shapes and order are right, and
nothing of a card's speed, memory or rounding.
"""

import inspect

import gsplat
import pytest
import torch
from gsplat.cuda._torch_impl import _quat_scale_to_covar_preci

from gsseg.render import reference
from gsseg.scene import Camera, Gaussians

SIGNATURE = inspect.signature(gsplat.rasterization)


def rasterization(*args, **kwargs):
    """One packed view of one camera over a colour, as gsplat gives it, with what its strategies ask for."""
    given = SIGNATURE.bind(*args, **kwargs)
    given.apply_defaults()
    call = given.arguments
    assert call["packed"]
    assert call["render_mode"] == "RGB"
    assert call["viewmats"].shape == (1, 4, 4)
    (lens,), (pose,) = call["Ks"].tolist(), call["viewmats"].double().tolist()
    camera = Camera(
        call["width"],
        call["height"],
        lens[0][0],
        lens[1][1],
        lens[0][2],
        lens[1][2],
        torch.tensor(pose, dtype=torch.float64).numpy(),
    )
    count = len(call["means"])
    gaussians = Gaussians(
        means=call["means"],
        log_scales=call["scales"].log(),
        quats_wxyz=torch.nn.functional.normalize(call["quats"], dim=1),
        opacity_logits=call["opacities"].logit(),
        sh=call["colors"],
        drawable=torch.ones(count, dtype=torch.bool),
    )
    caught = {}
    projected = reference._projected

    def watched(*these):
        means, covariances = projected(*these)
        caught["means2d"], caught["rows"] = means.float(), these[1]
        return caught["means2d"].double(), covariances

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "_projected", watched)
        weights = reference.blend(gaussians, camera).weights
    colors = _colors(gaussians, camera, call["sh_degree"])
    picture = weights @ colors + (1.0 - weights.sum(1, keepdim=True)) * call["backgrounds"].double()
    info = {
        "means2d": caught["means2d"],
        "gaussian_ids": caught["rows"],
        "radii": torch.ones(len(caught["rows"]), 2, dtype=torch.int32),
        "width": camera.width,
        "height": camera.height,
        "n_cameras": 1,
    }
    shape = (1, camera.height, camera.width)
    return picture.float().reshape(*shape, 3), weights.sum(1).float().reshape(*shape, 1), info


def _colors(gaussians: Gaussians, camera: Camera, degree: int) -> torch.Tensor:
    from gsplat.cuda._torch_impl import _spherical_harmonics

    away = gaussians.means - torch.as_tensor(camera.position, dtype=torch.float32)
    return torch.clamp(_spherical_harmonics(degree, away, gaussians.sh) + 0.5, min=0.0).double()


def compute_relocation(opacities, scales, ratios, binoms):
    """Opacities and scales of so many Gaussians in one place that together look like one."""
    new = 1.0 - (1.0 - opacities) ** (1.0 / ratios)
    denominator = torch.zeros_like(opacities)
    for row, count in enumerate(ratios.tolist()):
        for i in range(1, int(count) + 1):
            for k in range(i):
                denominator[row] += binoms[i - 1, k] * (-1) ** k / (k + 1) ** 0.5 * new[row] ** (k + 1)
    return new, (opacities / denominator)[:, None] * scales


def stand_in(patch: pytest.MonkeyPatch) -> None:
    """From now on gsplat needs no GPU."""
    patch.setattr("gsseg.splats.on_gpu.rasterization", rasterization)
    patch.setattr("gsplat.strategy.ops.compute_relocation", compute_relocation)
    patch.setattr("gsplat.strategy.ops.quat_scale_to_covar_preci", _quat_scale_to_covar_preci)
