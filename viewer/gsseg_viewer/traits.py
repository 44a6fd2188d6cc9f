"""What Gaussians can be told apart by, as a number each: for a histogram with a range, and for "like this".

colour       distance of the photos' colour from a chosen one, red, green and blue in 0..1
size         largest standard deviation, world units; on the scale of its logarithm, as sizes spread over decades
opacity      0..1
agreement    of the views that show its object
confidence   that a Gaussian is of the thing that most of its object is
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from scipy.spatial import KDTree

from gsseg.scene.sh import base_colors
from gsseg.segmentation import NO_OBJECT
from gsseg_viewer.document import Document
from gsseg_viewer.edits import EditError
from gsseg_viewer.state import State

Trait = Literal["colour", "size", "opacity", "agreement", "confidence"]
TRAITS: tuple[Trait, ...] = get_args(Trait)

BARS = 32
"""Of a histogram."""

LIKE = 0.15
"""Distance of features, of unit length, up to which something is like what is selected; of colours likewise."""


def values_of(
    document: Document, state: State, trait: Trait, color: tuple[float, float, float]
) -> Float32[ndarray, " gaussians"]:
    """The trait of each Gaussian, NaN where it is not known; `EditError` where this run says nothing of it.

    ``color``: the chosen one, 0..1, for ``colour``.
    """
    gaussians = document.gaussians
    if trait == "colour":
        return np.linalg.norm(base_colors(gaussians).numpy() - np.array(color, np.float32), axis=1).astype(np.float32)
    if trait == "size":
        return np.log10(np.exp(gaussians.log_scales.numpy().max(axis=1)))
    if trait == "opacity":
        return gaussians.opacities.numpy().astype(np.float32)
    if trait == "agreement":
        known = {each: info.agreement for each, info in state.objects.items() if info.views and not info.edited}
        ids, place = np.unique(state.owner, return_inverse=True)
        by_id = np.array([known.get(each, np.nan) for each in ids.tolist()], np.float32)
        return by_id[place][document.pieces_of(state)]
    confidence = document.run.confidence
    if confidence is None:
        raise EditError("this run does not say how sure its Gaussians are; gsseg train writes that")
    unknown = document.object_ids(state) == NO_OBJECT
    return np.where(unknown, np.nan, confidence.gaussians).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often the values of a trait occur among what is drawn."""

    low: float
    """The least value."""
    high: float
    """The greatest."""
    counts: Int64[ndarray, " bars"]
    """Gaussians of each of `BARS` even steps from ``low`` to ``high``."""


def histogram(values: Float32[ndarray, " gaussians"], among: Bool[ndarray, " gaussians"]) -> Histogram:
    """Of some Gaussians; the values that are not known are left out."""
    known = values[among & np.isfinite(values)]
    if not len(known):
        return Histogram(0.0, 1.0, np.zeros(BARS, np.int64))
    low, high = float(known.min()), float(known.max())
    return Histogram(low, high, np.histogram(known, BARS, (low, high if high > low else low + 1.0))[0])


def within(values: Float32[ndarray, " gaussians"], low: float, high: float) -> Bool[ndarray, " gaussians"]:
    """Which values lie in a range, its ends included; what is not known does not."""
    return (values >= np.float32(low)) & (values <= np.float32(high))


def like(
    document: Document, state: State, selected: Int64[ndarray, " rows"], distance: float = LIKE
) -> Bool[ndarray, " gaussians"]:
    """What is as near as ``distance`` to something selected: by features; by colours where no mask shows what is
    selected."""
    table, pieces = document.table_of(state), document.pieces_of(state)
    chosen = np.unique(pieces[selected])
    known = np.asarray(table.features.any(axis=1))
    values, known = (table.features, known) if known[chosen].any() else (table.colors, np.ones_like(known))
    far = np.asarray(KDTree(values[chosen[known[chosen]]]).query(values)[0])
    return np.asarray((far <= distance) & known)[pieces]
