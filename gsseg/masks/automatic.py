"""All masks of one photo: a grid of questions, the sure answers each once, and questions again where nothing lies."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt16
from numpy import ndarray
from PIL import Image

from gsseg.masks.config import Detail, MasksConfig
from gsseg.masks.segmenter import Proposals, Segmenter
from gsseg.masks.select import each_once, flatten, full_size, sure_ones

DETAILS: tuple[Detail, ...] = ("all", "small", "medium", "large")
"""In the order in which LangSplat stacks them."""

EMPTY = 0.02
"""Share of a picture without a mask that is left as it is."""


def segment_photo(
    segmenter: Segmenter, photo: Image.Image, config: MasksConfig
) -> dict[Detail, UInt16[ndarray, "height width"]]:
    """Label maps by detail, 0 = none: one, or all four with ``config.levels``."""
    height, width = map_size(photo, config)
    look = segmenter.look(photo)
    proposals = look.propose(grid_points(config.grid, *photo.size))
    if config.refine:
        holes = _holes(proposals, config)
        finer = grid_points(2 * config.grid, *photo.size)
        inside = finer[_at(holes, finer, photo.size)]
        if holes.mean() > EMPTY and len(inside):
            more = look.propose(inside)
            proposals = Proposals(
                torch.cat([proposals.logits, more.logits]), torch.cat([proposals.scores, more.scores])
            )
    wanted = DETAILS if config.levels else (config.detail,)
    return {detail: _label_map(proposals, replace(config, detail=detail), height, width) for detail in wanted}


def map_size(photo: Image.Image, config: MasksConfig) -> tuple[int, int]:
    """Height and width of a photo's label map."""
    shrink = min(1.0, config.max_side / max(photo.size))
    return max(1, round(photo.size[1] * shrink)), max(1, round(photo.size[0] * shrink))


def grid_points(side: int, width: int, height: int) -> Float[ndarray, "points 2"]:
    """Centres of ``side`` x ``side`` equal cells of a picture, (x, y) in pixels."""
    x, y = np.meshgrid((np.arange(side) + 0.5) / side * width, (np.arange(side) + 0.5) / side * height)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _label_map(proposals: Proposals, config: MasksConfig, height: int, width: int) -> UInt16[ndarray, "height width"]:
    logits, quality, kinds = sure_ones(proposals, config)
    if config.detail != "all":
        rows = np.flatnonzero(kinds == DETAILS.index(config.detail) - 1)
        logits, quality = logits[rows], quality[rows]
    masks = full_size(logits[each_once(logits, quality, config.most_alike)], height, width)
    return flatten(masks, max(1, round(config.least_share * height * width)))


def _holes(proposals: Proposals, config: MasksConfig) -> Bool[ndarray, "rows columns"]:
    """Where no sure mask lies, at the resolution of the proposals."""
    logits, _, _ = sure_ones(proposals, config)
    return ~(logits > 0).any(dim=0).numpy() if len(logits) else np.ones(proposals.logits.shape[2:], bool)


def _at(
    holes: Bool[ndarray, "rows columns"], points: Float[ndarray, "points 2"], size: tuple[int, int]
) -> Bool[ndarray, " points"]:
    rows = (points[:, 1] * holes.shape[0] / size[1]).astype(np.int64)
    columns = (points[:, 0] * holes.shape[1] / size[0]).astype(np.int64)
    return holes[rows, columns]
