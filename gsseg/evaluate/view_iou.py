"""View IoU: click an object in a held-out view, render what was selected alone, compare the silhouettes."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int32, Integer, UInt16
from numpy import ndarray
from scipy.ndimage import distance_transform_edt

from gsseg.objects.select import select
from gsseg.render import blend_weights
from gsseg.scene import Camera, Gaussians

MIN_PIXELS = 100
"""An instance is not clicked in a view that shows less of it."""

SILHOUETTE_ALPHA = 0.5
"""The selected object covers a pixel where it is more opaque than this."""


def view_iou(
    gaussians: Gaussians,
    object_ids: Int32[ndarray, " gaussians"],
    views: Sequence[tuple[Camera, UInt16[ndarray, "height width"]]],
    labelled_only: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[float, dict[int, float]]:
    """Mean over instances of the mean IoU over held-out views, and that of each instance.

    ``views``: cameras, each with its map of instance + 1 (0 = none) at the camera's size. In every view an instance
    with `MIN_PIXELS` pixels or more is clicked at its pixel farthest from its border; the ray selects an object; the
    object is rasterized alone; where it is more opaque than `SILHOUETTE_ALPHA` it is compared with the instance. A
    click that hits nothing scores 0.

    ``labelled_only``: compare over labelled pixels only; for captures, where 0 says that nobody labelled the pixel.
    In made scenes 0 is known to be no instance and counts. ValueError where no view shows an instance well enough.
    """
    found: dict[int, list[float]] = {}
    for done, (camera, ids) in enumerate(views):
        if ids.shape != (camera.height, camera.width):
            raise ValueError(f"a label map of {ids.shape} for a camera of {(camera.height, camera.width)}")
        counted = ids > 0 if labelled_only else np.ones(ids.shape, bool)
        silhouettes: dict[int, Bool[ndarray, "height width"]] = {}  # twins and parts often share an object
        for label in np.flatnonzero(np.bincount(ids.reshape(-1)) >= MIN_PIXELS):
            if label == 0:
                continue
            truth = ids == label
            row, column = inmost_pixel(truth)
            hit = select(gaussians, object_ids, *camera.ray(column + 0.5, row + 0.5))
            score = 0.0
            if hit is not None:
                if hit.object_id not in silhouettes:
                    silhouettes[hit.object_id] = silhouette(gaussians, hit.rows, camera) & counted
                mine = silhouettes[hit.object_id]
                score = float((mine & truth).sum() / (mine | truth).sum())
            found.setdefault(int(label) - 1, []).append(score)
        progress(done + 1, len(views))
    if not found:
        raise ValueError(f"no view shows {MIN_PIXELS} pixels of any instance")
    by_instance = {instance: float(np.mean(scores)) for instance, scores in sorted(found.items())}
    return float(np.mean(list(by_instance.values()))), by_instance


def inmost_pixel(mask: Bool[ndarray, "height width"]) -> tuple[int, int]:
    """Row and column of the pixel of a mask farthest from its border; the image's border is one too."""
    depth = np.asarray(distance_transform_edt(np.pad(mask, 1)))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(depth)), mask.shape)
    return int(row), int(column)


def silhouette(
    gaussians: Gaussians, rows: Integer[ndarray, " selected"], camera: Camera, opaque: float = SILHOUETTE_ALPHA
) -> Bool[ndarray, "height width"]:
    """Where the selected Gaussians, rasterized without all others, are more opaque than ``opaque``."""
    alone = gaussians.subset(torch.from_numpy(rows).to(gaussians.means.device).long())
    alpha = blend_weights(alone, camera).alpha.cpu().numpy()
    return alpha.reshape(camera.height, camera.width) > opaque
