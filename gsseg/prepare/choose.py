"""Which frames of a long capture to keep: from everywhere the camera went and looked, the sharpest of each place."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.ndimage import laplace

from gsseg.io.picture import decode_picture, open_picture_bytes
from gsseg.prepare.capture import FileSpan
from gsseg.threads import run_all

_ACROSS = 320
"""Pixels of the smaller picture whose sharpness is measured: motion that shows there ruins a photo."""


def choose_frames(
    poses: Float64[ndarray, "frames 4 4"], count: int, sharpness: Callable[[Int64[ndarray, " some"]], ndarray]
) -> Int64[ndarray, " chosen"]:
    """At most ``count`` of the frames, ascending.

    Centres are chosen one after another, each the frame farthest from those before: by position, in units of the
    capture's own spread, and by the direction of view. Every frame goes to its nearest centre, and of each such group
    the sharpest is kept (the earlier of two equal ones). ``sharpness`` is asked for all frames at once, where there is
    something to choose.
    """
    if len(poses) <= count:
        return np.arange(len(poses))
    positions = poses[:, :3, 3] - poses[:, :3, 3].mean(axis=0)
    spread = float(np.sqrt((positions**2).sum(axis=1).mean()))
    places = np.hstack([positions / (spread if spread > 0 else 1.0), poses[:, :3, 2]])
    group, nearest = np.zeros(len(poses), np.int64), ((places - places[0]) ** 2).sum(axis=1)
    for number in range(1, count):
        distance = ((places - places[int(nearest.argmax())]) ** 2).sum(axis=1)
        closer = distance < nearest
        group[closer], nearest[closer] = number, distance[closer]
    values = sharpness(np.arange(len(poses)))
    order = np.lexsort((np.arange(len(poses)), -values, group))
    _, first = np.unique(group[order], return_index=True)
    return np.sort(order[first])


def photo_sharpness(photos: list[FileSpan]) -> Float64[ndarray, " photos"]:
    """Variance of the Laplacian of each photo's brightness, at a few hundred pixels across."""
    return np.array(run_all([lambda span=span: _sharpness(span) for span in photos]))


def _sharpness(span: FileSpan) -> float:
    with open_picture_bytes(span.path, span.read()) as picture:
        factor = max(1, picture.size[0] // _ACROSS)
        picture.draft("L", (picture.size[0] // factor, picture.size[1] // factor))  # a JPEG is decoded small
        grey = decode_picture(span.path, picture).convert("L")
        factor = max(1, grey.size[0] // _ACROSS)
        values = np.asarray(grey.reduce(factor), np.float32)
    return float(np.asarray(laplace(values)).var())
