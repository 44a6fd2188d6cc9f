"""Which proposals stay: against plain loops over pairs of pixels."""

import numpy as np
import pytest
import torch

from gsseg.masks.bits import pack_masks, shared_pixels
from gsseg.masks.config import MasksConfig
from gsseg.masks.segmenter import Proposals
from gsseg.masks.select import each_once, flatten, full_size, sure_ones


@pytest.fixture
def masks():
    """Forty random blobs, some of them nothing, some everything."""
    rng = np.random.default_rng(0)
    out = np.zeros((40, 37, 131), bool)
    for row in range(38):
        top, left = rng.integers(0, 30), rng.integers(0, 120)
        out[row, top : top + rng.integers(1, 20), left : left + rng.integers(1, 60)] = True
        out[row] &= rng.random((37, 131)) < 0.9
    out[39] = True
    return out


def test_shared_pixels_are_counted(masks):
    flat = masks.reshape(len(masks), -1).astype(np.int64)
    np.testing.assert_array_equal(shared_pixels(pack_masks(masks)), flat @ flat.T)


def test_a_better_mask_excludes_those_like_it(masks):
    rng = np.random.default_rng(1)
    masks = np.concatenate([masks, np.roll(masks, 1, axis=2)])
    quality = rng.random(len(masks)).astype(np.float32)
    kept: list[int] = []
    for row in np.argsort(-quality):
        alike = [(masks[row] & masks[k]).sum() / max((masks[row] | masks[k]).sum(), 1) for k in kept]
        if masks[row].any() and max(alike, default=0) <= 0.7:
            kept.append(row)
    logits = torch.from_numpy(np.where(masks, 2.0, -2.0).astype(np.float32))
    assert each_once(logits, quality, 0.7).tolist() == kept
    assert each_once(logits[:0], quality[:0], 0.7).tolist() == []


def test_a_part_stays_beside_its_whole():
    masks = np.zeros((2, 20, 20), bool)
    masks[0, 2:18, 2:18] = True
    masks[1, 2:18, 2:10] = True  # the whole's box, cut in half: their boxes share half, the masks too
    masks[1, 2, 2:18] = True
    logits = torch.from_numpy(np.where(masks, 1.0, -1.0).astype(np.float32))
    assert sorted(each_once(logits, np.array([0.9, 0.8], np.float32), 0.7)) == [0, 1]


def test_sure_ones_are_sure_and_keep_their_shape():
    x = torch.linspace(-1, 1, 41)
    sharp, soft = 200 * (0.5 - x.abs()), 3 * (0.5 - x.abs())
    logits = torch.stack([sharp, soft, sharp]).reshape(1, 3, 1, 41).repeat(1, 1, 5, 1)
    config = MasksConfig(score=0.8, stability=0.9)
    found, quality, kinds = sure_ones(Proposals(logits, torch.tensor([[0.9, 0.9, 0.7]])), config)
    assert kinds.tolist() == [0]
    inner, outer = (int((logits[0, 0] > edge).sum()) for edge in (1, -1))
    assert quality == pytest.approx([0.9 * inner / outer])
    torch.testing.assert_close(found[0], logits[0, 0])


def test_smaller_masks_lie_on_larger_ones(masks):
    labels = flatten(masks, 1)
    order = np.argsort(-masks.sum(axis=(1, 2)), kind="stable")
    expected = np.zeros(masks.shape[1:], int)
    for label, row in enumerate(order, 1):
        expected[masks[row]] = label
    there = np.unique(expected[expected > 0])
    dense = np.searchsorted(there, expected) + 1
    np.testing.assert_array_equal(labels, np.where(expected > 0, dense, 0))


def test_what_is_left_of_a_mask_must_be_large_enough(masks):
    labels = flatten(masks, 40)
    counts = np.bincount(labels.ravel())
    assert (counts[1:] >= 40).all()
    assert labels.max() == len(counts) - 1
    assert flatten(masks[:0], 1).tolist() == np.zeros(masks.shape[1:]).tolist()


def test_full_size_interpolates_borders():
    logits = torch.zeros(1, 4, 4) - 1
    logits[0, :, 2:] = 1
    large = full_size(logits, 64, 64)[0]
    np.testing.assert_array_equal(large, np.broadcast_to(np.arange(64) >= 32, (64, 64)))
    assert full_size(logits[:0], 8, 8).shape == (0, 8, 8)
