"""From hundreds of proposals to the masks of a picture: the sure ones, each once, and then one label a pixel."""

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64, UInt16
from numpy import ndarray
from torch import Tensor

from gsseg.masks.bits import pack_masks, shared_pixels
from gsseg.masks.config import MasksConfig
from gsseg.masks.segmenter import Proposals

OFFSET = 1.0
"""Logits by which the threshold is moved to see whether a mask keeps its shape (SAM's)."""

_UPSAMPLED_AT_ONCE = 16


def sure_ones(
    proposals: Proposals, config: MasksConfig
) -> tuple[Float32[Tensor, "masks rows columns"], Float32[ndarray, " masks"], Int64[ndarray, " masks"]]:
    """Logits of the masks that the model is sure of and that keep their shape, their quality, and their kind.

    A mask keeps its shape if those above +1 and above -1 have an IoU of ``config.stability`` (Kirillov et al. 2023,
    section B); kind is 0 for a part, 1 for more of it, 2 for the whole.
    """
    logits, scores = proposals.logits.flatten(0, 1), proposals.scores.flatten()
    kinds = torch.arange(3).repeat(len(proposals.scores))
    sure = scores >= config.score
    logits, scores, kinds = logits[sure], scores[sure], kinds[sure]
    inner = (logits > OFFSET).flatten(1).sum(1)
    outer = (logits > -OFFSET).flatten(1).sum(1)
    stability = inner / outer.clamp(min=1)
    keep = (stability >= config.stability) & (inner > 0)
    return logits[keep], (scores * stability)[keep].numpy(), kinds[keep].numpy()


def each_once(
    logits: Float32[Tensor, "masks rows columns"], quality: Float32[ndarray, " masks"], most_alike: float
) -> Int64[ndarray, " kept"]:
    """Rows of the masks that stay, the best first: none shares more than ``most_alike`` (IoU) with a better one.

    On masks and not on boxes: a part that fills the box of its whole would go with it.
    """
    if not len(logits):
        return np.zeros(0, np.int64)
    order = np.argsort(-quality, kind="stable")
    shared = shared_pixels(pack_masks((logits > 0).numpy()[order]))
    area = np.diag(shared)
    alike = shared / np.maximum(area[:, None] + area[None, :] - shared, 1)
    kept: list[int] = []
    for row in range(len(order)):
        if area[row] and not (alike[row, kept] > most_alike).any():
            kept.append(row)
    return order[kept]


def full_size(
    logits: Float32[Tensor, "masks rows columns"], height: int, width: int
) -> Bool[ndarray, "masks height width"]:
    """Masks at the size of the picture: logits are interpolated, not masks, which keeps borders smooth."""
    out = np.zeros((len(logits), height, width), bool)
    for start in range(0, len(logits), _UPSAMPLED_AT_ONCE):
        some = logits[start : start + _UPSAMPLED_AT_ONCE, None]
        larger = torch.nn.functional.interpolate(some, (height, width), mode="bilinear", align_corners=False)
        out[start : start + len(some)] = (larger[:, 0] > 0).numpy()
    return out


def flatten(masks: Bool[ndarray, "masks height width"], least: int) -> UInt16[ndarray, "height width"]:
    """One label a pixel, from 1 by falling size, 0 = none: smaller masks lie on larger ones.

    What is left of a mask beneath its parts is a mask of its own; below ``least`` pixels it goes, and its pixels are
    none. Raises ValueError for more than 65535 masks.
    """
    if len(masks) > np.iinfo(np.uint16).max:
        raise ValueError(f"{len(masks)} masks, at most 65535 fit")
    areas = masks.sum(axis=(1, 2))
    labels = np.zeros(masks.shape[1:], np.int64)
    for label, row in enumerate(np.argsort(-areas, kind="stable"), 1):
        labels[masks[row]] = label
    visible = np.bincount(labels.ravel(), minlength=len(masks) + 1)
    keep = visible >= least
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0)[labels].astype(np.uint16)
