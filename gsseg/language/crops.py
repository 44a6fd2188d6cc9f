"""The views that show an object best, and the piece of their photos that holds it."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int64, UInt8
from numpy import ndarray
from PIL import Image

from gsseg.io.photos import read_photo
from gsseg.io.picture import photo_size
from gsseg.language.from_masks import member_matrix
from gsseg.language.pixels import OPENAI_MEAN
from gsseg.render import BlendWeights, blend_weights
from gsseg.scene import Gaussians, View

SOLID = 0.5
"""Blended weight of the object from which a pixel shows it rather than something else."""

LEAST_SOLID = 16
"""Pixels of a picture of about 320 x 240 that an object must show: a photo of 1280 pixels has 16 times as many."""

MARGIN = 0.15
"""Added on every side, in sides of the box: what a thing stands on tells what it is."""

CUT_OFF = 0.5
"""Factor on the area that is seen where the object reaches the picture's edge: it goes on beyond it."""

GREY = tuple(round(255 * value) for value in OPENAI_MEAN)
"""The mean colour of the pictures that CLIP was trained on, which is 0 to the model."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One object in one view."""

    score: float
    """Pixels that show the object, less where it is cut off."""
    view: int
    """Index of the view."""
    top: int
    """First row of the piece, in pixels of the view's camera."""
    left: int
    """First column."""
    alpha: UInt8[ndarray, "rows columns"]
    """How much of each pixel of the piece is the object, 0..255."""


def best_shots(
    gaussians: Gaussians,
    object_ids: ndarray,
    objects: int,
    views: Sequence[View],
    count: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[list[Shot]]:
    """At most ``count`` shots of every object (0..objects-1), best first; of equal ones the earlier view's."""
    members = member_matrix(object_ids, objects)
    heaps: list[list[tuple[float, int, Shot]]] = [[] for _ in range(objects)]
    for index, view in enumerate(views):
        shape = view.camera.height, view.camera.width
        columns = _object_maps(blend_weights(gaussians, view), members)
        for item in range(objects):
            part = slice(columns.indptr[item], columns.indptr[item + 1])
            pixels, values = columns.indices[part], columns.data[part]
            solid = pixels[values > SOLID]
            if len(solid) < LEAST_SOLID:
                continue
            score = _score(solid, shape)
            if len(heaps[item]) < count or (score, -index) > heaps[item][0][:2]:
                shot = _shot(score, index, solid, pixels, values, shape)
                (heapq.heappush if len(heaps[item]) < count else heapq.heapreplace)(heaps[item], (score, -index, shot))
        progress(index + 1, len(views))
    return [[shot for _, _, shot in sorted(heap, key=lambda entry: entry[:2], reverse=True)] for heap in heaps]


def cut(view: View, shots: Sequence[Shot], background: float) -> list[Image.Image]:
    """The pieces of a view's photo at its full size, squares padded with grey; ``background`` 0..1 of what is not the
    object stays, the rest is grey. Raises `InputError` where the photo cannot be read, ValueError where there is none.
    """
    if view.photo is None:
        raise ValueError(f"view {view.name!r} has no photo")
    whole = replace(view, camera=view.camera.resized(*photo_size(view.photo)))
    photo = read_photo(whole)
    across, down = photo.shape[1] / view.camera.width, photo.shape[0] / view.camera.height
    pieces = []
    for shot in shots:
        rows, columns = shot.alpha.shape
        top, bottom = (round(value * down) for value in (shot.top, shot.top + rows))
        left, right = (round(value * across) for value in (shot.left, shot.left + columns))
        pieces.append(_piece(photo[top:bottom, left:right], shot.alpha, background))
    return pieces


def _object_maps(weights: BlendWeights, members: sp.csr_array) -> sp.csc_array:
    """(pixels, objects): how much of each pixel is each object."""
    arrays = (weights.values.cpu().numpy(), weights.indices.cpu().numpy(), weights.indptr.cpu().numpy())
    return sp.csc_array(sp.csr_array(arrays, (weights.rows, weights.gaussians)) @ members)


def _score(solid: Int64[ndarray, " pixels"], shape: tuple[int, int]) -> float:
    rows, columns = np.divmod(solid, shape[1])
    edge = (rows == 0) | (columns == 0) | (rows == shape[0] - 1) | (columns == shape[1] - 1)
    return float(len(solid)) * (CUT_OFF if edge.any() else 1.0)


def _shot(score: float, view: int, solid: ndarray, pixels: ndarray, values: ndarray, shape: tuple[int, int]) -> Shot:
    rows, columns = np.divmod(solid, shape[1])
    # A stray splat far off must not make the piece show everything else.
    (top, bottom), (left, right) = (np.quantile(each, (0.01, 0.99)) for each in (rows, columns))
    side = max(bottom - top, right - left) + 1
    side *= 1 + 2 * MARGIN
    (top, bottom), (left, right) = _span(top, bottom, side, shape[0]), _span(left, right, side, shape[1])
    alpha = np.zeros(shape[0] * shape[1], np.uint8)
    alpha[pixels] = np.rint(255 * np.minimum(values, 1))
    return Shot(score, view, top, left, alpha.reshape(shape)[top:bottom, left:right].copy())


def _span(first: float, last: float, length: float, end: int) -> tuple[int, int]:
    """A stretch of that length about the middle of two pixels, moved inside 0..end; all of it where it is longer."""
    length = min(length, end)
    start = min(max((first + last + 1 - length) / 2, 0.0), end - length)
    return int(np.floor(start)), min(end, int(np.ceil(start + length)))


def _piece(pixels: UInt8[ndarray, "rows columns 3"], alpha: UInt8[ndarray, "_ _"], background: float) -> Image.Image:
    height, width = pixels.shape[:2]
    share = np.asarray(Image.fromarray(alpha).resize((width, height), Image.Resampling.BILINEAR), np.float32) / 255
    kept: Float32[ndarray, "rows columns 1"] = (share + np.float32(background) * (1 - share))[..., None]
    shown = np.rint(pixels * kept + np.array(GREY, np.float32) * (1 - kept)).astype(np.uint8)
    square = Image.new("RGB", (max(height, width), max(height, width)), GREY)
    square.paste(Image.fromarray(shown), ((max(height, width) - width) // 2, (max(height, width) - height) // 2))
    return square
