"""Holes: how much of an object's silhouette in the training views is drawn by Gaussians that belong to no object.

No truth is needed. The silhouette of an object in a view is what its masks show, and a mask is of the object that draws
most of it (`OWNED`); pixels that other objects mostly draw are left out, for a segmenter merges neighbours. What is
farther than `FAR` from all masks is *outside*: the light of objects there tells what they took that no mask shows, so
that holes cannot be filled by giving everything away.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64, Integer
from numpy import ndarray
from scipy import ndimage

from gsseg.compiled import njit
from gsseg.evaluate.view_iou import SILHOUETTE_ALPHA
from gsseg.render import BlendWeights, blend_weights
from gsseg.scene import Camera, Gaussians, Scene

FAR = 3
"""Pixels beyond which a masks' erosion does not explain that a pixel is unmasked."""

OWNED = 0.25
"""Share of a mask's light that an object must draw for the mask to be its own."""


@dataclass(frozen=True, eq=False)
class Holes:
    """Sums over the training views, for each object; all 0 for an object that owns no mask."""

    pixels: Int64[ndarray, " objects"]
    """Pixels of its silhouettes."""
    unclaimed: Int64[ndarray, " objects"]
    """Those that are mostly drawn by Gaussians of no object."""
    open: Int64[ndarray, " objects"]
    """Those that the object, exported and drawn alone, leaves more transparent than `SILHOUETTE_ALPHA`."""
    light: Float64[ndarray, " objects"]
    """Light of its silhouettes."""
    unclaimed_light: Float64[ndarray, " objects"]
    """The part of it that Gaussians of no object draw: also what shines through, and tails of what stands behind."""
    outside: float
    """Share of the light outside all masks that objects draw."""

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of all silhouettes together: unclaimed pixels, open pixels, unclaimed light."""
        pixels, light = max(self.pixels.sum(), 1), max(self.light.sum(), 1e-12)
        return self.unclaimed.sum() / pixels, self.open.sum() / pixels, self.unclaimed_light.sum() / light


def find_holes(
    scene: Scene,
    object_ids: Integer[ndarray, " gaussians"],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Holes:
    """The holes of all objects, over the views that have masks."""
    count = int(object_ids.max(initial=-1)) + 1
    sums = np.zeros((5, count))
    outside = np.zeros(2)
    rows = [np.flatnonzero(object_ids == k) for k in range(count)]
    views = [view for view in scene.views if view.labels is not None]
    for done, view in enumerate(views):
        assert view.labels is not None
        weights = blend_weights(scene.gaussians, view).to("cpu")
        owner = mask_owners(weights, view.labels, object_ids, count)[view.labels.reshape(-1)]
        arrays = (array.numpy() for array in (weights.indptr, weights.indices, weights.values))
        own, nobody, others = _light(*arrays, object_ids.astype(np.int64), owner).T
        total = own + nobody + others
        inside = (owner >= 0) & (others <= total / 2) & (total > 0)
        for k in np.unique(owner[inside]):
            at = np.flatnonzero(inside & (owner == k))
            alone = alpha_alone(scene.gaussians, rows[k], view.camera, at)
            sums[:, k] += (
                len(at), (nobody[at] > total[at] / 2).sum(), (alone <= SILHOUETTE_ALPHA).sum(),
                total[at].sum(), nobody[at].sum(),
            )  # fmt: skip
        far = np.asarray(ndimage.distance_transform_edt(view.labels == 0)).reshape(-1) > FAR
        outside += total[far].sum(), others[far].sum()
        progress(done + 1, len(views))
    pixels, unclaimed, open_ = sums[:3].astype(np.int64)
    return Holes(pixels, unclaimed, open_, sums[3], sums[4], float(outside[1] / max(outside[0], 1e-12)))


def mask_owners(
    weights: BlendWeights,
    labels: Integer[ndarray, "height width"],
    object_ids: Integer[ndarray, " gaussians"],
    count: int,
) -> Int64[ndarray, " labels"]:
    """The object of every mask of a view: who draws most of it, if at least `OWNED` of its light; else -1."""
    pooled = weights.pool(torch.from_numpy(labels.reshape(-1).astype(np.int64)))
    rows, columns = pooled.indices().numpy()
    member = np.where(object_ids >= 0, object_ids, count)[columns]
    light = np.bincount(rows * (count + 1) + member, pooled.values().numpy(), pooled.shape[0] * (count + 1))
    light = light.reshape(-1, count + 1)
    best = light[:, :count].argmax(axis=1) if count else np.full(len(light), -1)
    enough = light[np.arange(len(light)), best] >= np.maximum(OWNED * light.sum(axis=1), 1e-12)
    return np.where(enough & (np.arange(len(light)) > 0), best, -1)


def alpha_alone(
    gaussians: Gaussians, rows: Int64[ndarray, " selected"], camera: Camera, pixels: Int64[ndarray, " pixels"]
) -> Float64[ndarray, " pixels"]:
    """How opaque some Gaussians, drawn without all others, are at some pixels, given ascending."""
    alone = gaussians.subset(torch.from_numpy(rows).to(gaussians.means.device))
    return blend_weights(alone, camera, pixels).alpha.cpu().numpy().astype(np.float64)


@njit(nogil=True, cache=True)
def _light(indptr, indices, values, object_ids, owner):
    """Light of each pixel: of its owner, of no object, of the others."""
    out = np.zeros((len(owner), 3))
    for pixel in range(len(owner)):
        for entry in range(indptr[pixel], indptr[pixel + 1]):
            k = object_ids[indices[entry]]
            out[pixel, 1 if k < 0 else 0 if k == owner[pixel] else 2] += values[entry]
    return out
