"""Masks as Segment Anything cuts them out of a photo of a home: true to what it shows, not to what is one thing.

Unlike `gsseg.sample.degrade`, which draws a fault for an instance, this looks at the rendered photo: things of like
colour run together, things without contrast are lost, and masks follow edges of light. What becomes of a view, in
order: wholes, with some parts on top; cuts along edges of the photo; touching things of like colour joined; unstable
masks dropped; what an occluder cut off numbered by itself; borders coarse where the photo is blurred, straying, and
eroded. `ScanNoise` holds the rates and where each fault was seen.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8, UInt16
from numpy import ndarray
from scipy.ndimage import gaussian_filter, label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gsseg.sample.cast import Seen
from gsseg.sample.degrade import borders, shuffled, strayed
from gsseg.sample.photo_edges import Photo, cut_along_edges, photo_of
from gsseg.sample.scan_noise import ScanNoise

_HUNDREDTH = 0.01
"""Of the picture: what rates of parts and of unstable masks are told for."""
_SHORT = 12
"""Things whose common border is shorter, pixels, are not joined."""
_COARSE = 2.5
"""Pixels over which borders are rounded in a blurred view; small masks there are six times as large as elsewhere."""

Labels = Int64[ndarray, "height width"]


@dataclass(frozen=True, eq=False)
class Habits:
    """The usual fate of everything in a scene: uniform numbers that the rates are compared with."""

    part: Float64[ndarray, " parts"]
    pair: Float64[ndarray, "items items"]
    """Symmetric: whether two things share a mask."""

    @classmethod
    def draw(cls, items: int, parts: int, rng: np.random.Generator) -> "Habits":
        """Fates of a scene of so many items, with so many parts in all."""
        pair = np.triu(rng.random((items, items)))
        return cls(rng.random(parts), pair + np.triu(pair, 1).T)

    def today(self, persistence: float, rng: np.random.Generator) -> "Habits":
        """This view's numbers: the usual one with probability ``persistence``, else a fresh one."""
        fresh, luck = (Habits.draw(len(self.pair), len(self.part), rng) for _ in range(2))
        return Habits(
            np.where(luck.part < persistence, self.part, fresh.part),
            np.where(luck.pair < persistence, self.pair, fresh.pair),
        )


def segment(
    seen: Seen,
    picture: UInt8[ndarray, "height width 3"],
    habits: Habits,
    noise: ScanNoise,
    rng: np.random.Generator,
    *,
    blurred: bool = False,
) -> UInt16[ndarray, "height width"]:
    """The masks of one view: a label map, 0 = none, labels 1..n in random order.

    ``picture`` is the photo as it is saved, ``blurred`` or not.
    """
    fates, photo = habits.today(noise.persistence, rng), photo_of(picture)
    labels = _wholes_and_parts(seen, fates, noise)
    labels = cut_along_edges(labels, photo, noise, rng)
    labels = _joined_and_dropped(labels, seen, photo, fates, noise, rng)
    labels = _islands_apart(labels, noise, rng)
    if blurred:
        labels = _rounded(labels)
    labels = strayed(labels, noise.wobble * (2.0 if blurred else 1.0), rng)
    labels[_strip(labels, int(rng.poisson(noise.rim)))] = 0
    return shuffled(labels, noise.smallest * (6 if blurred else 1), rng)


def _wholes_and_parts(seen: Seen, fates: Habits, noise: ScanNoise) -> Labels:
    """A label for each whole, and one for each part that has a mask on top of it; 0 where a ray leaves the home."""
    labels = (seen.instances + 1).astype(np.int64)
    parts, places, sizes = np.unique(seen.parts, return_inverse=True, return_counts=True)
    enough = sizes / seen.parts.size / _HUNDREDTH
    chance = noise.parts * np.sqrt(enough).clip(0.3, 1.5)
    own = (parts >= 0) & (sizes >= noise.smallest) & (fates.part[parts] < chance)
    places = places.reshape(labels.shape)
    return np.where(own[places], len(fates.pair) + 1 + places, labels)


@dataclass(frozen=True, eq=False)
class _Border:
    """Pairs of touching labels, each once, ``a < b``; 0 is a label like the others."""

    a: Int64[ndarray, " pairs"]
    b: Int64[ndarray, " pairs"]
    length: Int64[ndarray, " pairs"]
    """Pixels."""
    contrast: Float64[ndarray, " pairs"]
    """Mean difference of colour between a pixel before and one behind the border."""


def _common_borders(labels: Labels, photo: Photo) -> _Border:
    count, keys, steps = int(labels.max()) + 1, [], []
    for axis in (0, 1):
        one, other = np.delete(labels, -1, axis), np.delete(labels, 0, axis)
        rows, columns = np.nonzero(one != other)
        low, high = np.minimum(one, other)[rows, columns], np.maximum(one, other)[rows, columns]
        before, behind = [rows, columns], [rows, columns]
        before[axis] = before[axis] - 1  # a pixel further out on each side: smoothing has mixed the nearest two
        behind[axis] = behind[axis] + 2
        before, behind = (
            tuple(place.clip(0, side - 1) for place, side in zip(at, labels.shape, strict=True))
            for at in (before, behind)
        )
        keys.append(low * count + high)
        steps.append(np.linalg.norm(photo.color[before] - photo.color[behind], axis=1) / np.sqrt(3))
    pairs, places, length = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    contrast = np.bincount(places.reshape(-1), np.concatenate(steps), len(pairs)) / length
    return _Border(pairs // count, pairs % count, length, contrast)


def _joined_and_dropped(
    labels: Labels, seen: Seen, photo: Photo, fates: Habits, noise: ScanNoise, rng: np.random.Generator
) -> Labels:
    """Touching things of like colour share a label; masks without contrast vanish or are covered by a neighbour's."""
    _, labels = np.unique(labels, return_inverse=True)
    labels = labels.reshape(seen.instances.shape)
    count, pixels = int(labels.max()) + 1, labels.size
    first = np.unique(labels, return_index=True)[1]
    item = seen.instances.reshape(-1)[first]
    area = np.bincount(labels.reshape(-1), minlength=count)
    even = photo.is_even(labels, count) & (area > _HUNDREDTH * pixels)
    border = _common_borders(labels, photo)
    a, b = border.a, border.b
    others = (item[a] != item[b]) & (item[a] >= 0) & (item[b] >= 0) & (border.length >= _SHORT)
    chance = noise.merged * np.where(even[a] & even[b], 1.0, 0.25) * np.exp(-((border.contrast / noise.alike) ** 2))
    join = others & (fates.pair[item[a], item[b]] < chance)
    graph = coo_array((np.ones(join.sum()), (a[join], b[join])), shape=(count, count))
    group = connected_components(graph, directed=False)[1].astype(np.int64) + 1
    # How clearly the whole outline of a label stands out decides whether its mask is stable.
    both, twice = np.concatenate([a, b]), np.tile(border.length, 2)
    outline = np.bincount(both, twice, count)
    stands_out = np.bincount(both, twice * np.tile(border.contrast, 2), count) / np.maximum(outline, 1)
    small = np.minimum(1.0, np.sqrt(_HUNDREDTH * pixels / area) / 6)
    lost = noise.missing + (1 - noise.missing) * noise.unstable * small * np.exp(-stands_out / (2 * noise.alike))
    alone = np.bincount(group)[group] == 1
    gone = (rng.random(count) < lost) & alone | (item < 0)
    covered = gone & (rng.random(count) < noise.covered) & (item >= 0)
    new = np.where(gone, 0, group)
    for each in np.flatnonzero(covered):
        mine = (a == each) | (b == each)
        new[each] = new[np.where(a == each, b, a)[mine][border.length[mine].argmax()]]
    return new[labels]


def _islands_apart(labels: Labels, noise: ScanNoise, rng: np.random.Generator) -> Labels:
    """Connected regions of a label, but its largest, get labels of their own with probability ``islands``."""
    out, fresh = labels.copy(), int(labels.max()) + 1
    for each in np.unique(labels[labels > 0]):
        regions = np.empty(labels.shape, np.int32)
        label(labels == each, output=regions)
        sizes = np.bincount(regions.reshape(-1))
        sizes[0] = 0
        for region in np.flatnonzero(sizes >= noise.smallest):
            if region != sizes.argmax() and rng.random() < noise.islands:
                out[regions == region] = fresh
                fresh += 1
    return out


def _rounded(labels: Labels) -> Labels:
    """Each pixel takes the label that is commonest around it, weighted by distance: coarse borders, no thin masks."""
    names = np.unique(labels)
    best, out = np.zeros(labels.shape), labels.copy()
    for name in names:
        share = gaussian_filter((labels == name).astype(np.float64), _COARSE)
        out[share > best] = name
        best = np.maximum(best, share)
    return out


def _strip(labels: Labels, width: int) -> Bool[ndarray, "height width"]:
    """Pixels within ``width`` of another label, about half of them on either side."""
    edge = borders(labels) if width > 0 else np.zeros(labels.shape, bool)
    for turn in range(width - 1):
        grown = edge.copy()
        for axis in (0, 1):
            grown |= np.roll(edge, 1 if turn % 2 == 0 else -1, axis)
        edge = grown
    return edge
