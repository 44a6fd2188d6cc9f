"""Vectors of masks become vectors of objects: in every view an object takes the vector of the mask that it fills best.

An object o covers A_o pixels of a view, the sum of the blending weights of its Gaussians, and M_mo of the pixels of
mask m. Both come from the pooled weights A = M W: no picture is drawn. How well they belong together is

    IoU(m, o) = M_mo / (|m| + A_o - M_mo)

over the masks of all levels of detail, so that the level is chosen for each object and view by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float32, Float64, Int32, Int64
from numpy import ndarray

from gsseg.language.describe import ObjectDescriptors, Sighting, describe_objects
from gsseg.language.mask_files import ViewMasks
from gsseg.render import BlendWeights, blend_weights
from gsseg.scene import Gaussians, View

LEAST_IOU = 0.25
"""Views where no mask fits the object better are left out. docs/language.md has what other values give."""

LEAST_PIXELS = 8.0
"""Views where the object covers less, of a picture of about 320 x 240, are left out: such masks are noise."""

LEAST_SHOWN = 0.1
"""Views where the object covers less than this share of what it covers in the view that shows most of it are left out.
"""


def vectors_from_masks(
    gaussians: Gaussians,
    object_ids: Int32[ndarray, " gaussians"],
    objects: int,
    views: Sequence[View],
    read: Callable[[View], ViewMasks],
    least_iou: float = LEAST_IOU,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ObjectDescriptors:
    """Descriptors of every object (0..objects-1; -1 = none) that some view's masks show, as far as masks have vectors.

    ``read`` gives the masks of a view. A view counts with the IoU of its best mask. ValueError without a view.
    """
    members = member_matrix(object_ids, objects)
    fits, vectors = [], []
    for done, view in enumerate(views):
        masks = read(view)
        fits.append(best_masks(blend_weights(gaussians, view), members, masks.levels, len(masks.vectors)))
        vectors.append(masks.vectors)
        progress(done + 1, len(views))
    return describe_objects(objects, gated(fits, vectors, least_iou))


@dataclass(frozen=True, eq=False)
class Fit:
    """The mask that each object of a view fills best."""

    mask: Int64[ndarray, " objects"]
    """Its row; 0 where no mask touches the object."""
    iou: Float64[ndarray, " objects"]
    """Of that mask and the object."""
    area: Float64[ndarray, " objects"]
    """Pixels that the object covers."""


def gated(
    fits: Sequence[Fit], vectors: Sequence[Float32[ndarray, "_ dim"]], least_iou: float = LEAST_IOU
) -> list[Sighting]:
    """What each view tells of the objects that it shows well: their best masks' vectors, weighed by the IoU.

    Left out is what covers too little of the view, or far less than where the object is seen best: behind something
    else, at the picture's edge, or far away, a mask tells of what is around it. ``vectors``: of each view's masks.
    """
    widest = np.max([fit.area for fit in fits], axis=0) if fits else np.zeros(0)
    seen = []
    for fit, each in zip(fits, vectors, strict=True):
        shown = fit.area >= np.maximum(LEAST_PIXELS, LEAST_SHOWN * widest)
        rows = np.flatnonzero((fit.iou >= least_iou) & (fit.iou > 0) & shown)
        rows = rows[each[fit.mask[rows]].any(axis=1)]
        seen.append((rows, each[fit.mask[rows]], fit.iou[rows]))
    return seen


def best_masks(
    weights: BlendWeights, members: sp.csr_array, levels: Int64[ndarray, "levels height width"], masks: int
) -> Fit:
    """The best mask of every object in one view; ``members`` as of `member_matrix`, ``levels`` as in `ViewMasks`."""
    area: ndarray = weights.visibility.cpu().numpy().astype(np.float64) @ members
    objects = len(area)
    best, iou = np.zeros(objects, np.int64), np.zeros(objects)
    for level in levels:
        labels = level.reshape(-1)
        pooled = weights.pool(torch.from_numpy(labels), masks + 1).cpu()
        rows, columns = pooled.indices().numpy()
        sums, shape = pooled.values().numpy().astype(np.float64), (masks + 1, weights.gaussians)
        overlap = sp.coo_array(sp.csr_array((sums, (rows, columns)), shape) @ members)
        inside = overlap.row > 0  # row 0 is what has no mask
        mask, item, common = overlap.row[inside], overlap.col[inside], overlap.data[inside]
        sizes = np.bincount(labels, minlength=masks + 1)
        values = common / np.maximum(sizes[mask] + area[item] - common, 1e-12)
        order = np.lexsort((-mask, values))  # of equal ones the smaller row is written last
        top, top_iou = np.zeros(objects, np.int64), np.zeros(objects)
        top[item[order]], top_iou[item[order]] = mask[order] - 1, values[order]
        best, iou = np.where(top_iou > iou, top, best), np.maximum(iou, top_iou)
    return Fit(best, iou, area)


def member_matrix(object_ids: Int32[ndarray, " gaussians"], objects: int) -> sp.csr_array:
    """(gaussians, objects), 1 where a Gaussian belongs to an object."""
    rows = np.flatnonzero(object_ids >= 0)
    ones = np.ones(len(rows))
    return sp.csr_array((ones, (rows, object_ids[rows])), shape=(len(object_ids), objects))
