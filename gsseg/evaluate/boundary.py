"""Boundary IoU: the IoU of two masks over what of each lies close to its own border.

Source: Cheng et al. 2021, arXiv 2103.16562, equation 3 and the implementation that its authors published.
"""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from scipy.ndimage import minimum_filter

DILATION_RATIO = 0.02
"""Width of the boundary over the picture's diagonal."""


def boundary(mask: Bool[ndarray, "height width"], ratio: float = DILATION_RATIO) -> Bool[ndarray, "height width"]:
    """Pixels of the mask within ``d`` steps of a pixel outside it, diagonal steps counting as one.

    d = round(ratio * diagonal), at least 1. They are what ``d`` erosions by 3 x 3 pixels take away, which one by
    (2 d + 1) x (2 d + 1) does, too. The picture's border is one of the mask: what lies beyond it is outside.
    """
    steps = max(1, round(ratio * float(np.hypot(*mask.shape))))
    eroded = np.asarray(minimum_filter(mask, 2 * steps + 1, mode="constant", cval=False), bool)
    return mask & ~eroded


def boundary_iou(
    one: Bool[ndarray, "height width"], other: Bool[ndarray, "height width"], ratio: float = DILATION_RATIO
) -> float:
    """|A & B| / |A | B| of the two boundaries; ValueError where both masks are empty."""
    a, b = boundary(one, ratio), boundary(other, ratio)
    union = int((a | b).sum())
    if not union:
        raise ValueError("both masks are empty")
    return int((a & b).sum()) / union
