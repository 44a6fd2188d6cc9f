"""How near the splats come to photos that they were not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.render.drawing import draw
from gsseg.render.projection import project
from gsseg.scene import Gaussians, View
from gsseg.scene.sh import seen_colors
from gsseg.splats.photos import Photo, PhotoCache
from gsseg.splats.ssim import photometric


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One photo that was kept apart, and the splats from where it was taken."""

    name: str
    psnr: float
    """dB, of colours in [0, 1] as they are."""
    fitted_psnr: float
    """dB after each channel's brightness and contrast were fitted to the photo: what exposure leaves."""
    ssim: float
    photo: Float32[ndarray, "height width 3"]
    render: Float32[ndarray, "height width 3"]


def score_views(gaussians: Gaussians, views: Sequence[View]) -> list[HeldOut]:
    """Draws every view over black and compares it with its photo; pixels that the photo does not show do not count."""
    photos = PhotoCache(views, 1)
    return [_score(gaussians, view, photos.read(index, 1)) for index, view in enumerate(views)]


def _score(gaussians: Gaussians, view: View, photo: Photo) -> HeldOut:
    camera, width = photo.camera, photo.camera.width
    projected = project(gaussians, camera)
    colors = np.ascontiguousarray(seen_colors(gaussians, camera.position).numpy()[projected.rows])
    picture = np.clip(draw(projected, colors, camera).picture, 0.0, 1.0)
    ssim = photometric(picture, photo.pixels, width, 1.0, photo.seen)[1]
    shown = np.ones((camera.height, width), bool) if photo.seen is None else photo.seen[:, :width] > 0
    mine, theirs = picture[:, :, :width][:, shown], photo.pixels[:, :, :width][:, shown]
    return HeldOut(
        view.name,
        _psnr(mine, theirs),
        _psnr(np.clip(_fitted(mine, theirs), 0.0, 1.0), theirs),
        ssim,
        np.ascontiguousarray(photo.pixels[:, :, :width].transpose(1, 2, 0)),
        np.ascontiguousarray(picture[:, :, :width].transpose(1, 2, 0)),
    )


def _fitted(mine: Float32[ndarray, "3 pixels"], theirs: Float32[ndarray, "3 pixels"]) -> Float32[ndarray, "3 pixels"]:
    centred = mine - mine.mean(1, keepdims=True)
    spread = np.maximum((centred**2).sum(1, keepdims=True), 1e-12)
    gain = (centred * theirs).sum(1, keepdims=True) / spread
    return gain * centred + theirs.mean(1, keepdims=True)


def _psnr(mine: Float32[ndarray, "3 pixels"], theirs: Float32[ndarray, "3 pixels"]) -> float:
    return float(-10.0 * np.log10(max(float(((mine - theirs) ** 2).mean(dtype=np.float64)), 1e-12)))
