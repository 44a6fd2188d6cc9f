"""Pictures of a segmentation: any per-Gaussian colour, blended by W, beside the photo and the masks.

Pictures are (height, width, 3) uint8, sRGB; colours of Gaussians are (gaussians, 3) in [0, 1].
"""

import io
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from gsseg.io.photos import fit_photo, read_photo
from gsseg.render import BlendWeights
from gsseg.scene import Camera, View
from gsseg.segmentation import NO_CODE, ObjectInfo
from gsseg.segmentation.table import display_colors

BACKDROP = (0.09, 0.1, 0.12)
"""Where nothing is drawn: dark, and none of the colours that mean something."""

NOBODY = (0.45, 0.45, 0.45)
"""Gaussians without code or object, and features nobody learnt."""

Picture = UInt8[ndarray, "height width 3"]
Crop = UInt8[ndarray, "_ _ 3"]
"""A picture of whatever size, among others of other sizes."""


def fitted(camera: Camera, side: int) -> Camera:
    """The camera with its longer side brought down to ``side`` pixels; never up."""
    shrink = max(1.0, max(camera.width, camera.height) / side)
    return camera.resized(max(1, round(camera.width / shrink)), max(1, round(camera.height / shrink)))


def choose_views(views: Sequence[View], count: int) -> list[int]:
    """Indices of views that show the scene from different sides, ascending; masked ones with a photo come first.

    Farthest-point sampling on position and viewing direction, from the view nearest to the middle of all; ties go to
    the earlier view.
    """
    rank = [(view.labels is None) + (view.photo is None) for view in views]
    candidates = [i for i in range(len(views)) if rank[i] == min(rank)]
    positions = np.array([views[i].camera.position for i in candidates]).reshape(-1, 3)
    directions = np.array([views[i].camera.T_camera_world[2, :3] for i in candidates]).reshape(-1, 3)
    spread = float(np.linalg.norm(positions.std(axis=0))) if len(candidates) else 0.0
    places = np.concatenate([positions / max(spread, 1e-12), directions], 1)
    chosen: list[int] = []
    distance = np.full(len(candidates), np.inf)
    while len(chosen) < min(count, len(candidates)):
        if chosen:
            distance = np.minimum(distance, np.linalg.norm(places - places[chosen[-1]], axis=1))
            distance[chosen] = -1.0
            chosen.append(int(np.argmax(distance)))
        else:
            chosen.append(int(np.argmin(np.linalg.norm(places - places.mean(axis=0), axis=1))))
    return sorted(candidates[k] for k in chosen)


def blended(weights: BlendWeights, camera: Camera, colors: Sequence[Float[Tensor, "gaussians 3"]]) -> list[Picture]:
    """One picture for each colouring of the Gaussians: W @ colours, over `BACKDROP` where W is transparent."""
    alpha = torch.ones(weights.gaussians, 1)
    maps = weights.render(torch.cat([*(c.float() for c in colors), alpha], 1)).numpy()
    background = (1.0 - maps[:, -1:]) * np.array(BACKDROP, np.float32)
    return [
        _to_bytes((maps[:, 3 * k : 3 * k + 3] + background).reshape(camera.height, camera.width, 3))
        for k in range(len(colors))
    ]


def photo_of(view: View, camera: Camera) -> Picture | None:
    """The view's photo at the size of ``camera``; None where there is none."""
    if view.photo is None:
        return None
    return fit_photo(Image.fromarray(read_photo(view)), camera, None)


def labels_picture(labels: Integer[ndarray, "rows columns"], camera: Camera, look: Picture) -> Picture:
    """Label map in distinct colours, `BACKDROP` for 0, over the brightness of the photo."""
    row = (np.arange(camera.height) + 0.5) * labels.shape[0] / camera.height
    column = (np.arange(camera.width) + 0.5) * labels.shape[1] / camera.width
    fitted_labels = labels[row.astype(np.int64)[:, None], column.astype(np.int64)[None]]
    names, places = np.unique(fitted_labels, return_inverse=True)
    palette = display_colors(len(names))
    palette[names == 0] = BACKDROP
    return over_brightness(_to_bytes(palette[places.reshape(fitted_labels.shape)]), look)


def over_brightness(colors: Picture, look: Picture, strength: float = 0.75) -> Picture:
    """Flat colours with something of a photo's light and shade, so that one sees what they lie on."""
    grey = look.astype(np.float64).mean(axis=2, keepdims=True)
    return np.round(strength * colors + (1.0 - strength) * grey).astype(np.uint8)


def feature_colors(
    features: Float[Tensor, "gaussians dim"], seen: Bool[Tensor, " gaussians"]
) -> Float[Tensor, "gaussians 3"]:
    """The three principal components of the seen Gaussians' features as red, green and blue; others `NOBODY`.

    One projection for the whole scene, so that a colour means the same in every picture. Each component is stretched
    from its 1st to its 99th percentile; its sign makes the largest loading positive, so that reruns look alike.
    """
    colors = torch.tensor(NOBODY).repeat(len(features), 1)
    seen = seen & torch.isfinite(features).all(dim=1)
    if not bool(seen.any()):
        return colors
    used = features[seen].double()
    used = used - used.mean(dim=0)
    _, axes = torch.linalg.eigh(used.T @ used)
    axes = axes.flip(1)[:, :3]
    loading = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True))
    components = (used @ (axes * torch.sign(loading))).numpy()
    low, high = np.percentile(components, [1, 99], axis=0)
    stretched = np.clip((components - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    colors[seen, : stretched.shape[1]] = torch.from_numpy(stretched).float()
    return colors


def code_colors(codes: Integer[ndarray, " gaussians"]) -> Float[Tensor, "gaussians 3"]:
    """A distinct colour for each code; `NOBODY` for Gaussians without one."""
    names, places = np.unique(codes, return_inverse=True)
    palette = display_colors(len(names))
    palette[names == NO_CODE] = NOBODY
    return torch.from_numpy(palette[places]).float()


def object_colors(
    object_ids: Integer[ndarray, " gaussians"], objects: Sequence[ObjectInfo]
) -> Float[Tensor, "gaussians 3"]:
    """Each Gaussian in the display colour of its object; `NOBODY` for those of none."""
    palette = np.array([*(np.array(row.color) / 255.0 for row in objects), NOBODY], np.float32)
    return torch.from_numpy(palette[object_ids])  # -1 is the last row


def jpeg(picture: Crop, quality: int = 88) -> bytes:
    """The picture as a JPEG without colour subsampling, which would smear the borders of labels."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality, subsampling=0, optimize=True)
    return stream.getvalue()


def strip(
    pictures: Sequence[UInt8[ndarray, "height _ 3"]], gap: int = 6, color: int = 255
) -> UInt8[ndarray, "height _ 3"]:
    """Pictures of equal height side by side, with a gap between them."""
    height = pictures[0].shape[0]
    between = np.full((height, gap, 3), color, np.uint8)
    parts = [part for picture in pictures for part in (picture, between)][:-1]
    return np.concatenate(parts, axis=1)


def _to_bytes(colors: Float[ndarray, "height width 3"]) -> Picture:
    return np.round(np.clip(colors, 0.0, 1.0) * 255.0).astype(np.uint8)
