"""Per-view masks as a 2-D segmenter would give them, made from the truth by spoiling it.

Kinds of fault, after what Segment Anything does on rooms: an instance has no mask; it shares one with the thing that
it touches; it falls into pieces (a cupboard's doors, what an occluder has cut apart, or any line: shadows, texture);
borders stray; seams between masks belong to none; ids are drawn anew in every view. An instance tends to meet the same
fault again (`MaskNoise.persistence`), because its views look alike; that is what makes such masks hard to vote over.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt16
from numpy import ndarray
from scipy.ndimage import gaussian_filter, label

from gsseg.sample.cast import Seen
from gsseg.sample.config import MaskNoise

_SEAMS = 0.3
"""Fraction of views in which masks leave a seam of a pixel between them."""
_SMOOTH = 5.0
"""Pixels over which border displacements vary."""
_LARGE = 0.125
"""Fraction of the picture from which an instance counts as large: walls and floors fall into more pieces."""


@dataclass(frozen=True, eq=False)
class Fates:
    """What becomes of each instance; uniform numbers in 0..1 that the probabilities are read off."""

    usual: Float64[ndarray, " items"]
    """The instance's own number, evenly spread over the instances."""

    def draw(self, noise: MaskNoise, rng: np.random.Generator) -> Float64[ndarray, " items"]:
        """This view's numbers: the usual one with probability ``persistence``, else a fresh one."""
        fresh, again = rng.random(len(self.usual)), rng.random(len(self.usual))
        return np.where(again < noise.persistence, self.usual, fresh)


def draw_fates(items: int, rng: np.random.Generator) -> Fates:
    """One number an instance, stratified, so that a scene's mean rates are those that were asked for."""
    return Fates((rng.permutation(items) + rng.random(items)) / items)


def spoil(seen: Seen, fates: Fates, noise: MaskNoise, rng: np.random.Generator) -> UInt16[ndarray, "height width"]:
    """The masks of one view: a label map, 0 = none, labels 1..n in random order."""
    number = fates.draw(noise, rng)
    labels = (seen.instances + 1).astype(np.int64)
    present = np.unique(seen.instances[seen.instances >= 0])
    fresh = int(labels.max()) + 1
    merging = []
    for item in present:
        region = seen.instances == item
        if number[item] < noise.missing:
            labels[region] = 0
        elif number[item] < noise.missing + noise.merge:
            merging.append(region)
        elif number[item] < noise.missing + noise.merge + noise.split:
            pieces = _pieces(region, seen, noise, rng)
            labels[region] = fresh + pieces[region]
            fresh += int(pieces.max()) + 1
    for region in merging:
        _merge(labels, region, rng)
    labels = strayed(labels, noise.wobble, rng)
    if rng.random() < _SEAMS:
        labels[borders(labels)] = 0
    return shuffled(labels, noise.smallest, rng)


def _pieces(region: ndarray, seen: Seen, noise: MaskNoise, rng: np.random.Generator) -> Int64[ndarray, "height width"]:
    """Numbers 0.. of the pieces inside a region, in one of the ways that it can be broken."""
    ways = []
    parts = np.unique(seen.parts[region], return_inverse=True, return_counts=True)
    if (parts[2] >= noise.smallest).sum() > 1:
        by_part = np.zeros(region.shape, np.int64)
        by_part[region] = parts[1].reshape(-1)
        ways.append(by_part)
    islands = np.empty(region.shape, np.int32)
    label(region, output=islands)
    if (np.bincount(islands[region]) >= noise.smallest).sum() > 1:
        ways.append(np.maximum(islands.astype(np.int64) - 1, 0))
    most = noise.pieces if region.mean() > _LARGE else 3
    ways.append(_by_lines(region, int(rng.integers(2, max(2, most) + 1)), rng))
    return ways[int(rng.integers(len(ways)))]


def _by_lines(region: ndarray, count: int, rng: np.random.Generator) -> Int64[ndarray, "height width"]:
    """Cuts the largest piece by a line through one of its pixels until there are ``count``."""
    out = np.zeros(region.shape, np.int64)
    rows, columns = np.nonzero(region)
    piece = np.zeros(len(rows), np.int64)
    for cut in range(1, count):
        inside = np.flatnonzero(piece == np.bincount(piece).argmax())
        middle = inside[np.argsort(rng.random(len(inside)))[:3]]  # three pixels' mean: rather through the middle
        angle = rng.uniform(0, np.pi)
        side = (columns[inside] - columns[middle].mean()) * np.cos(angle) + (
            rows[inside] - rows[middle].mean()
        ) * np.sin(angle)
        piece[inside[side > 0]] = cut
    out[rows, columns] = piece
    return out


def _merge(labels: Int64[ndarray, "height width"], region: ndarray, rng: np.random.Generator) -> None:
    """Gives a region the label of a neighbour, in place; long common borders make it likelier."""
    touching = []
    for axis in (0, 1):
        here, there = np.delete(region, -1, axis), np.delete(region, 0, axis)
        one, other = np.delete(labels, -1, axis), np.delete(labels, 0, axis)
        touching += [other[here & ~there], one[there & ~here]]
    neighbours, borders = np.unique(np.concatenate(touching), return_counts=True)
    borders = np.where(neighbours == 0, 0, borders)
    if borders.sum() > 0:
        labels[region] = neighbours[int(np.searchsorted(np.cumsum(borders) / borders.sum(), rng.random()))]


def strayed(
    labels: Int64[ndarray, "height width"], wobble: float, rng: np.random.Generator
) -> Int64[ndarray, "height width"]:
    """Labels fetched from pixels a little aside, smoothly varying: borders move by ``wobble`` pixels (one sigma)."""
    shape = labels.shape
    shifts = [
        gaussian_filter(rng.normal(0, 1, shape), _SMOOTH) * (2 * np.sqrt(np.pi) * _SMOOTH) * 0.75 * wobble
        for _ in range(2)
    ]
    rows, columns = np.indices(shape)
    rows = np.rint(rows + shifts[0]).astype(np.int64).clip(0, shape[0] - 1)
    columns = np.rint(columns + shifts[1]).astype(np.int64).clip(0, shape[1] - 1)
    return labels[rows, columns]


def borders(labels: ndarray) -> ndarray:
    """Pixels whose right or lower neighbour has another label."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    edge[:-1] |= labels[1:] != labels[:-1]
    return edge


def shuffled(
    labels: Int64[ndarray, "height width"], smallest: int, rng: np.random.Generator
) -> UInt16[ndarray, "height width"]:
    """Drops small masks and numbers the others 1..n in random order."""
    sizes = np.bincount(labels.reshape(-1))
    kept = np.flatnonzero(sizes >= smallest)
    kept = kept[kept > 0]
    table = np.zeros(len(sizes), np.uint16)
    table[kept] = rng.permutation(len(kept)) + 1
    return table[labels]
