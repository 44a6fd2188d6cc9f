"""Which photos are compared: against plain lists, and against likeness that is known."""

import numpy as np
import pytest

from gsseg.poses.pairs import ALIKE, NEIGHBOURS, alike_pairs, all_pairs, pairs_in_order


@pytest.mark.parametrize("count", [0, 1, 2, 7, 40])
def test_all_pairs_are_all(count):
    assert all_pairs(count).tolist() == [[a, b] for a in range(count) for b in range(a + 1, count)]


@pytest.mark.parametrize("count", [1, 3, 30, 400])
def test_order_joins_every_photo_with_those_after_it(count):
    pairs = {tuple(pair) for pair in pairs_in_order(count).tolist()}
    assert len(pairs) == len(pairs_in_order(count))
    near = {(a, b) for a in range(count) for b in range(a + 1, min(count, a + NEIGHBOURS + 1))}
    assert near <= pairs <= {tuple(pair) for pair in all_pairs(count).tolist()}
    assert len(pairs) <= 18 * count


def test_photos_of_one_place_are_compared():
    rng = np.random.default_rng(0)
    places = rng.integers(0, 256, (8, 300, 128), dtype=np.uint8)
    # Photo k shows place k % 8, with other noise and half of the place's things.
    described = [
        np.clip(places[k % 8][rng.permutation(300)[:150]].astype(int) + rng.integers(-20, 20, (150, 128)), 0, 255)
        for k in range(240)
    ]
    pairs = alike_pairs([each.astype(np.uint8) for each in described], np.random.default_rng(1))
    compared = {tuple(pair) for pair in pairs.tolist()}
    same = {(a, b) for a in range(240) for b in range(a + 8, 240, 8)}
    assert len(same & compared) > 0.95 * len(same)
    assert {(a, a + 1) for a in range(239)} <= compared
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(compared) == len(pairs) <= 240 * (ALIKE + 2)


def test_few_photos_are_all_compared():
    described = [np.zeros((0, 128), np.uint8)] * 5
    assert alike_pairs(described, np.random.default_rng(0)).tolist() == all_pairs(5).tolist()
