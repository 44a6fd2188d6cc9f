"""Objects as values: who belongs to which, and the table that describes each."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32
from numpy import ndarray

NO_OBJECT = -1
"""The object id of a Gaussian that belongs to none."""


@dataclass(frozen=True)
class ObjectInfo:
    """One row of objects.json."""

    id: int
    """0..n-1, largest object first."""
    name: str
    """For people; ``object 3`` until somebody renames it."""
    gaussians: int
    """Number of Gaussians."""
    codes: list[int]
    """Fine codes that make up the object, ascending; no two objects share one."""
    bbox_min: list[float]
    """Lower corner of the box around the Gaussians' centres, world units."""
    bbox_max: list[float]
    """Upper corner of that box."""
    centroid: list[float]
    """Mean of the Gaussians' centres, world units."""
    color: list[int]
    """Display colour, RGB 0..255."""
    views: int
    """Views in which a mask shows the object."""
    agreement: float
    """How consistently the views' masks hold the object together, 0..1 (see `gsseg.objects.agreement`)."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The segmentation: one object or none for every Gaussian."""

    object_ids: Int32[ndarray, " gaussians"]
    """Row in `table`, or `NO_OBJECT`."""
    table: list[ObjectInfo]
    """``table[k].id == k``."""


def display_colors(count: int) -> Float[ndarray, "objects 3"]:
    """Distinct colours in [0, 1]: hues by the golden angle, lightness and chroma in turns; the same for ever."""
    k = np.arange(count)
    hue = (k * 0.61803398875) % 1.0
    saturation = np.array([0.75, 0.55, 0.9])[k % 3]
    value = np.array([0.95, 0.8, 0.65, 0.9])[k % 4]
    channel = (np.array([5.0, 3.0, 1.0])[None] + hue[:, None] * 6.0) % 6.0
    return value[:, None] * (1.0 - saturation[:, None] * np.clip(np.minimum(channel, 4.0 - channel), 0.0, 1.0))
