"""What the Gaussians of each object say of it: one row of objects.json an object."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Integer
from numpy import ndarray

from gsseg.ids import NO_CODE
from gsseg.segmentation.oriented_box import oriented_box
from gsseg.segmentation.table import ObjectInfo, display_colors


def describe_objects(
    object_ids: Integer[ndarray, " gaussians"],
    code_fine: Integer[ndarray, " gaussians"],
    means: Float32[ndarray, "gaussians 3"],
    names: Sequence[str],
    colors: Sequence[Sequence[int]],
    views: Sequence[int],
    agreement: Sequence[float],
    edited: Sequence[bool] | None = None,
) -> list[ObjectInfo]:
    """The table of objects 0..n-1: number, codes, boxes and centroid from the rows, the rest as given, an item each.

    ``colors``: RGB 0..255; ``edited``: of none where it is None. Gaussians without a fine code (`NO_CODE`) add none to
    their object's. An object without a Gaussian has no codes, and its boxes are a point at the origin. ValueError for a
    Gaussian whose object is not described.
    """
    count = len(names)
    if len(object_ids) and int(object_ids.max()) >= count:
        raise ValueError(f"a Gaussian is of object {object_ids.max()}, and {count} objects are described")
    # One sort finds the rows of all objects; comparing all ids once for each object would take objects x gaussians.
    order = np.argsort(object_ids, kind="stable")
    edges = np.searchsorted(object_ids[order], np.arange(count + 1))
    table = []
    for k in range(count):
        rows = order[edges[k] : edges[k + 1]]
        centres = means[rows].astype(np.float64) if len(rows) else np.zeros((1, 3))
        codes = np.unique(code_fine[rows])
        table.append(
            ObjectInfo(
                id=k,
                name=names[k],
                gaussians=len(rows),
                codes=codes[codes != NO_CODE].tolist(),
                bbox_min=centres.min(axis=0).tolist(),
                bbox_max=centres.max(axis=0).tolist(),
                centroid=centres.mean(axis=0).tolist(),
                color=[int(part) for part in colors[k]],
                views=int(views[k]),
                agreement=round(float(agreement[k]), 4),
                oriented_box=oriented_box(centres),
                edited=edited is not None and bool(edited[k]),
            )
        )
    return table


def default_name(object_id: int) -> str:
    """What an object is called until somebody renames it."""
    return f"object {object_id}"


def default_colors(count: int) -> list[list[int]]:
    """Display colours, RGB 0..255, of objects that have not been given others; the first stay as ``count`` grows."""
    return np.round(display_colors(count) * 255).astype(int).tolist()
