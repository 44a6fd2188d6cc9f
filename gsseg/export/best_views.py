"""From which photo a thing is seen best: few views, chosen from the evidence, that together show everything well."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Integer
from numpy import ndarray
from scipy.ndimage import label

from gsseg.features import MaskEvidence

WELL = 0.7
"""A view shows a thing well that sees so much of what the best view sees of it."""
MOST_VIEWS = 40
"""More are not drawn, however many things there are: what none of them shows goes without a picture."""


def seen_of(
    evidence: MaskEvidence, labels: Integer[ndarray, " gaussians"], count: int
) -> Float64[ndarray, "views labels"]:
    """How much each view with masks sees of the Gaussians of each label 0..count - 1; others are left out.

    Sums of weights at centres: the number of Gaussians in sight, which an occluder or the picture's border lessens.
    """
    view = np.repeat(evidence.row_view, np.diff(evidence.matrix.indptr)).astype(np.int64)
    whose = labels[evidence.matrix.indices].astype(np.int64)
    known = (whose >= 0) & (whose < count)
    places = view[known] * count + whose[known]
    found = np.bincount(places, evidence.matrix.data[known], evidence.views * count)
    return found.reshape(evidence.views, count).astype(np.float64)  # of nothing the count is whole


def covering_views(seen: Float64[ndarray, "views things"]) -> list[int]:
    """Views, ascending, of which one shows each thing `WELL`; `MOST_VIEWS` at most.

    Greedy: always the view that shows most things well that none before it does, the earliest of several.
    """
    shows = (seen >= WELL * seen.max(axis=0, initial=0.0)) & (seen > 0)
    left, chosen = shows.any(axis=0), []
    while left.any() and len(chosen) < MOST_VIEWS:
        best = int((shows & left).sum(axis=1).argmax())
        chosen.append(best)
        left &= ~shows[best]
    return sorted(chosen)


@dataclass(frozen=True, eq=False)
class Silhouette:
    """A thing in one view."""

    mask: Bool[ndarray, "height width"]
    box: tuple[int, int, int, int]
    """Top, left, bottom, right around its larger pieces, the last two exclusive."""
    score: float
    """Pixels of its largest piece, halved for each side on which the picture's border cuts it."""


def silhouette_of(mask: Bool[ndarray, "height width"]) -> Silhouette | None:
    """What of a thing one view shows; None where it shows nothing. Pieces below a tenth of the largest are strays."""
    pieces = np.empty(mask.shape, np.int32)
    label(mask, output=pieces)
    sizes = np.bincount(pieces.reshape(-1))
    sizes[0] = 0
    largest = int(sizes.max())
    if largest == 0:
        return None
    rows, columns = np.nonzero(sizes[pieces] > largest // 10)
    top, left, bottom, right = int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1
    cut = (top == 0) + (left == 0) + (bottom == mask.shape[0]) + (right == mask.shape[1])
    return Silhouette(mask, (top, left, bottom, right), largest * 0.5**cut)
