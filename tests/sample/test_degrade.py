"""Spoilt masks: each fault comes as often as asked for, and ids mean nothing across views."""

import numpy as np
import pytest

from gsseg.sample import MaskNoise
from gsseg.sample.cast import Seen
from gsseg.sample.degrade import draw_fates, spoil
from gsseg.scene import Camera

CAMERA = Camera(120, 120, 100.0, 100.0, 60.0, 60.0, np.eye(4))
NONE = MaskNoise(split=0.0, missing=0.0, merge=0.0, wobble=0.0)


def _tiles(side: int = 6) -> Seen:
    """A picture of side x side square instances, each with two parts."""
    size = 120 // side
    rows, columns = np.indices((120, 120))
    instances = (rows // size * side + columns // size).astype(np.int32)
    parts = (2 * instances + (columns % size >= size // 2)).astype(np.int32)
    return Seen(CAMERA, instances, instances, parts, np.ones((120, 120)))


def _inner(seen: Seen, item: int) -> np.ndarray:
    """The middle of a tile, which seams and straying borders do not reach."""
    rows, columns = np.nonzero(seen.instances == item)
    keep = (np.abs(rows - rows.mean()) < 6) & (np.abs(columns - columns.mean()) < 6)
    mask = np.zeros(seen.instances.shape, bool)
    mask[rows[keep], columns[keep]] = True
    return mask


def _rates(noise: MaskNoise, views: int = 40) -> tuple[float, float, float]:
    """Shares of tiles that miss a mask, that are split, and that share theirs with another."""
    seen, rng = _tiles(), np.random.default_rng(0)
    fates = draw_fates(36, rng)
    missing = split = shared = 0
    for _ in range(views):
        labels = spoil(seen, fates, noise, rng)
        held = [set(np.unique(labels[_inner(seen, item)])) - {0} for item in range(36)]
        missing += sum(not labels for labels in held)
        split += sum(len(labels) > 1 for labels in held)
        shared += sum(any(held[a] & held[b] for b in range(36) if b != a) for a in range(36))
    return missing / (36 * views), split / (36 * views), shared / (36 * views)


def test_without_noise_the_masks_are_the_truth() -> None:
    seen = _tiles()
    labels = spoil(seen, draw_fates(36, np.random.default_rng(0)), NONE, np.random.default_rng(3))
    for item in range(36):
        assert len(np.unique(labels[_inner(seen, item)])) == 1
    assert len(np.unique(labels[labels > 0])) == 36


@pytest.mark.parametrize("persistence", [0.0, 0.5, 1.0])
def test_rates_are_those_asked_for(persistence: float) -> None:
    missing, _, _ = _rates(MaskNoise(missing=0.2, split=0.0, merge=0.0, persistence=persistence))
    assert missing == pytest.approx(0.2, abs=0.04)
    _, split, _ = _rates(MaskNoise(missing=0.0, split=0.3, merge=0.0, persistence=persistence))
    assert split == pytest.approx(0.3, abs=0.06)
    # Merging takes two: the rate counts those that lost their own mask, so up to twice as many share one.
    _, _, shared = _rates(MaskNoise(missing=0.0, split=0.0, merge=0.1, persistence=persistence))
    assert 0.1 < shared < 0.24


def test_ids_differ_between_views() -> None:
    seen, rng = _tiles(), np.random.default_rng(0)
    fates = draw_fates(36, rng)
    first, second = (spoil(seen, fates, NONE, rng) for _ in range(2))
    middle = [np.argwhere(_inner(seen, item))[0] for item in range(36)]
    ids = np.array([[labels[tuple(place)] for place in middle] for labels in (first, second)])
    assert (ids[0] == ids[1]).mean() < 0.3
    assert set(ids[0]) == set(range(1, 37))


def test_persistent_fates_repeat() -> None:
    seen, rng = _tiles(), np.random.default_rng(0)
    fates = draw_fates(36, rng)
    noise = MaskNoise(missing=0.3, split=0.0, merge=0.0, persistence=1.0)
    gone = [
        [not spoil(seen, fates, noise, np.random.default_rng(k))[_inner(seen, i)].any() for i in range(36)]
        for k in (1, 2)
    ]
    assert gone[0] == gone[1]
    assert 8 <= sum(gone[0]) <= 13


@pytest.mark.parametrize("wobble", [1.0, 3.0])
def test_borders_stray_by_about_the_wobble(wobble: float) -> None:
    half = np.zeros((120, 120), np.int32)
    half[:, 60:] = 1
    seen = Seen(CAMERA, half, half, half, np.ones((120, 120)))
    noise = MaskNoise(split=0.0, missing=0.0, merge=0.0, wobble=wobble)
    distances = []
    for k in range(8):
        labels = spoil(seen, draw_fates(2, np.random.default_rng(k)), noise, np.random.default_rng(k))
        left = labels[60, 5]
        distances.append(np.abs((labels == left).sum(1) - 60))
    assert 0.4 * wobble < np.mean(distances) < 1.2 * wobble


def test_small_masks_are_dropped() -> None:
    instances = np.zeros((120, 120), np.int32)
    instances[:2, :4] = 1
    seen = Seen(CAMERA, instances, instances, instances, np.ones((120, 120)))
    labels = spoil(seen, draw_fates(2, np.random.default_rng(0)), NONE, np.random.default_rng(0))
    assert set(np.unique(labels)) <= {0, 1}
    assert not labels[0, 0]
