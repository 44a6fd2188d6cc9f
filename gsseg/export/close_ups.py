"""Close-ups: each object, and each instance that was lost, cut out of the photo that shows it best.

Few views are looked at (`gsseg.export.best_views`): W at low resolution says whose pixel is whose, and the photo, one
at a time in memory, gives the picture. Where there is no photo, the splats are drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int32
from numpy import ndarray
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from gsseg.errors import InputError
from gsseg.export.best_views import Silhouette, covering_views, seen_of, silhouette_of
from gsseg.export.pictures import Crop, Picture, blended, fitted, photo_of
from gsseg.features import MaskEvidence
from gsseg.render import blend_weights
from gsseg.render.dominant import dominant_labels
from gsseg.scene import Scene, View
from gsseg.scene.sh import seen_colors

MAP_SIDE = 240
"""Longer side of the maps in which silhouettes are looked for, pixels."""
PHOTO_SIDE = 960
"""Longer side of the photos that are cut, pixels at most."""
THUMBNAIL_SIDE = 160
"""Longer side of a thumbnail, pixels at most."""
LOSS_SIDE = 300
"""Longer side of a picture of a loss, pixels at most."""
FEWEST = 12
"""Pixels of the map: a thing that shows fewer has no picture."""
FADED, GREY = 0.3, 45
"""What surrounds an object keeps so much of its contrast, above this grey (0..255): no light or dark thing drowns."""
TRUTH, FOUND = (60, 220, 90), (255, 60, 200)
"""Outlines of what is really there and of what was found."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Subjects:
    """What pictures are wanted of."""

    object_ids: Int32[ndarray, " gaussians"]
    objects: int
    """Number of objects."""
    instances: Int32[ndarray, " gaussians"] | None = None
    """Instance of each Gaussian, where some are to be shown."""
    lost: Mapping[int, int | None] = field(default_factory=dict)
    """Instances to show, each with the object to outline beside it."""


@dataclass(frozen=True, eq=False)
class CloseUps:
    """The pictures."""

    objects: dict[int, Crop]
    """Thumbnail of each object that some photo shows: what surrounds it is faded."""
    lost: dict[int, Crop]
    """Of instances: outlined as they are (`TRUTH`) and as they were found (`FOUND`)."""


NO_CLOSE_UPS = CloseUps({}, {})
"""Of a report without pictures of single things."""


@dataclass(frozen=True, eq=False)
class _Best:
    """The best view of one subject so far."""

    score: float
    view: int
    shape: Silhouette
    other: Bool[ndarray, "height width"] | None = None


def close_ups(scene: Scene, evidence: MaskEvidence, subjects: Subjects) -> CloseUps:
    """Pictures of all objects and of the lost instances; `evidence` is that of the scene's views with masks."""
    views = [view for view in scene.views if view.labels is not None]
    seen = [seen_of(evidence, subjects.object_ids, subjects.objects)]
    lost = sorted(subjects.lost)
    if subjects.instances is not None and lost:
        seen.append(seen_of(evidence, subjects.instances, int(subjects.instances.max()) + 1)[:, lost])
    chosen = covering_views(np.concatenate(seen, axis=1))
    objects: dict[int, _Best] = {}
    instances: dict[int, _Best] = {}
    gaussians = scene.gaussians.to("cpu")
    for number in chosen:
        camera = fitted(views[number].camera, MAP_SIDE)
        weights, shape = blend_weights(gaussians, camera), (camera.height, camera.width)
        mine = dominant_labels(weights, subjects.object_ids).reshape(shape)
        for each in np.unique(mine[mine >= 0]).tolist():
            _keep(objects, each, number, mine == each, None)
        if subjects.instances is not None and lost:
            truth = dominant_labels(weights, subjects.instances).reshape(shape)
            for each in set(np.unique(truth).tolist()) & set(lost):
                home = subjects.lost[each]
                _keep(instances, each, number, truth == each, None if home is None else mine == home)
    thumbnails: dict[int, Crop] = {}
    shown: dict[int, Crop] = {}
    for number in chosen:  # once more over the views, so that one photo at a time is in memory
        wanted = [(k, best) for k, best in objects.items() if best.view == number]
        gone = [(k, best) for k, best in instances.items() if best.view == number]
        if not wanted and not gone:
            continue
        photo = _look(scene, views[number])
        thumbnails.update({k: thumbnail(photo, best.shape) for k, best in wanted})
        shown.update({k: outlined(photo, best.shape, best.other) for k, best in gone})
    return CloseUps(dict(sorted(thumbnails.items())), dict(sorted(shown.items())))


def _keep(
    best: dict[int, _Best], each: int, view: int, mask: Bool[ndarray, "height width"], other: ndarray | None
) -> None:
    shape = silhouette_of(mask)
    if shape is not None and mask.sum() >= FEWEST and (each not in best or shape.score > best[each].score):
        best[each] = _Best(shape.score, view, shape, other)


def _look(scene: Scene, view: View) -> Picture:
    """The photo, or the drawn splats where there is none or it is damaged."""
    try:
        photo = photo_of(view, fitted(view.camera, PHOTO_SIDE))
    except InputError:
        photo = None
    if photo is not None:
        return photo
    camera, gaussians = fitted(view.camera, MAP_SIDE), scene.gaussians.to("cpu")
    return blended(blend_weights(gaussians, camera), camera, [seen_colors(gaussians, camera.position)])[0]


def thumbnail(photo: Picture, shape: Silhouette) -> Crop:
    """The object with a margin of a sixth of its size; what is not the object fades into grey."""
    box = _grown(shape.box, 1 / 6, shape.mask.shape)
    crop, inside = _cut(photo, box, shape.mask.shape), _cut_mask(shape.mask, box, photo)
    faded = np.round(FADED * crop.astype(np.float64).mean(axis=2, keepdims=True) + GREY).astype(np.uint8)
    return _fit(np.where(inside[..., None], crop, faded), THUMBNAIL_SIDE)


def outlined(photo: Picture, shape: Silhouette, other: Bool[ndarray, "_ _"] | None) -> Crop:
    """The instance with a wide margin, outlined as it is and, where ``other`` is given, as it was found."""
    box = _grown(shape.box, 0.6, shape.mask.shape)
    crop = _cut(photo, box, shape.mask.shape)
    crop = _fit(crop, LOSS_SIDE).copy()
    for mask, color in ((other, FOUND), (shape.mask, TRUTH)):
        if mask is not None:
            crop[_outline(_resized(_cut_mask(mask, box, photo), crop.shape[:2]))] = color
    return crop


def _grown(box: Box, margin: float, shape: tuple[int, ...]) -> Box:
    """The box with a margin, a share of its longer side, within the picture."""
    more = max(2, round(margin * max(box[2] - box[0], box[3] - box[1])))
    top, left = max(0, box[0] - more), max(0, box[1] - more)
    return top, left, min(shape[0], box[2] + more), min(shape[1], box[3] + more)


def _in_photo(box: Box, photo: Picture, shape: tuple[int, ...]) -> Box:
    down, across = photo.shape[0] / shape[0], photo.shape[1] / shape[1]
    return round(box[0] * down), round(box[1] * across), round(box[2] * down), round(box[3] * across)


def _cut(photo: Picture, box: Box, shape: tuple[int, ...]) -> Crop:
    top, left, bottom, right = _in_photo(box, photo, shape)
    return photo[top:bottom, left:right]


def _cut_mask(mask: ndarray, box: Box, photo: Picture) -> Bool[ndarray, "_ _"]:
    """The mask of a map inside a box, at the photo's resolution; between pixels of the map it is interpolated."""
    top, left, bottom, right = _in_photo(box, photo, mask.shape)
    return _resized(mask[box[0] : box[2], box[1] : box[3]], (bottom - top, right - left))


def _resized(mask: ndarray, shape: tuple[int, ...]) -> Bool[ndarray, "_ _"]:
    if mask.shape == tuple(shape):
        return mask
    grey = Image.fromarray(mask.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(grey) > 0.5


def _outline(mask: Bool[ndarray, "rows columns"]) -> Bool[ndarray, "rows columns"]:
    """Two pixels wide, one of them on either side; none along the picture's border."""
    return binary_dilation(mask) & np.logical_not(binary_erosion(mask, border_value=1))


def _fit(picture: Crop, side: int) -> Crop:
    """The picture with its longer side brought down to ``side``; never up."""
    shrink = max(picture.shape[:2]) / side
    if shrink <= 1:
        return np.ascontiguousarray(picture)
    width, height = (max(1, round(length / shrink)) for length in (picture.shape[1], picture.shape[0]))
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((width, height), Image.Resampling.BOX))
