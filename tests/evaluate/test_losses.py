"""Lost instances: nothing is lost of the truth, and what became of the others is told as it was done to them."""

import numpy as np
import pytest

from gsseg.evaluate.losses import FOUND, Piece, find_losses
from gsseg.evaluate.metrics import object_iou

TRUTH = np.repeat(np.arange(6), [400, 300, 200, 100, 60, 40]).astype(np.int32)
SEEN = np.ones(len(TRUTH))
MASKED = np.ones(len(TRUTH), bool)


def moved(instances: dict[int, int]) -> np.ndarray:
    """The truth as objects, with whole instances given other objects."""
    ids = TRUTH.copy()
    for instance, target in instances.items():
        ids[instance == TRUTH] = target
    return ids


def test_the_truth_loses_nothing():
    assert find_losses(TRUTH, TRUTH, SEEN, MASKED) == []
    numbers = np.array([5, 3, 0, 1, 2, 4], np.int32)
    assert find_losses(numbers[TRUTH], TRUTH, SEEN, MASKED) == []


def test_a_merge_is_told_of_exactly_those_merged():
    losses = find_losses(moved({2: 1, 3: 1}), TRUTH, SEEN, MASKED)
    assert [loss.instance for loss in losses] == [3, 2], "the largest of the three is still found, at 300 of 600"
    for loss in losses:
        assert loss.cause == "merged"
        assert set(loss.merged_with) == {1, 2, 3} - {loss.instance}
        assert loss.pieces == (Piece(1, 1.0),)
        assert loss.iou == pytest.approx({2: 200, 3: 100}[loss.instance] / 600)


def test_a_split_is_told_with_its_parts():
    ids = TRUTH.copy()
    ids[np.flatnonzero(TRUTH == 0)] = np.repeat([10, 11, 12], [180, 140, 80])
    (loss,) = find_losses(ids, TRUTH, SEEN, MASKED)
    assert (loss.instance, loss.cause, loss.merged_with) == (0, "split", ())
    assert loss.pieces == (Piece(10, 0.45), Piece(11, 0.35), Piece(12, 0.2))
    assert loss.iou == pytest.approx(0.45)


def test_what_is_in_no_object_is_left_out():
    ids = TRUTH.copy()
    ids[np.flatnonzero(TRUTH == 3)[:70]] = -1
    (loss,) = find_losses(ids, TRUTH, SEEN, MASKED)
    assert (loss.instance, loss.cause) == (3, "left out")
    (loss,) = find_losses(moved({4: -1}), TRUTH, SEEN, MASKED)
    assert (loss.cause, loss.pieces, loss.iou, loss.merged_with) == ("left out", (), 0.0, ())


def test_what_no_mask_shows_was_never_seen():
    masked = TRUTH != 4
    (loss,) = find_losses(moved({4: 0}), TRUTH, SEEN, masked)
    assert (loss.instance, loss.cause) == (4, "unseen")
    assert find_losses(TRUTH, TRUTH, SEEN, masked) == [], "found all the same"
    unseen = SEEN * (TRUTH != 4)
    assert find_losses(moved({4: 0}), TRUTH, unseen, masked) == [], "nor is it scored"


@pytest.mark.parametrize("seed", range(5))
def test_lost_is_what_no_object_reaches(seed):
    rng = np.random.default_rng(seed)
    ids = np.where(rng.random(len(TRUTH)) < 0.6, TRUTH, rng.integers(-1, 8, len(TRUTH))).astype(np.int32)
    truth = np.where(rng.random(len(TRUTH)) < 0.05, -1, TRUTH).astype(np.int32)
    weight = rng.random(len(TRUTH))
    found = {loss.instance: loss.iou for loss in find_losses(ids, truth, weight, MASKED)}
    known = truth >= 0
    for instance in range(6):
        g = truth == instance
        best = max(
            (weight[(ids == o) & g].sum() / weight[((ids == o) & known) | g].sum() for o in range(8)), default=0.0
        )
        assert (instance in found) == (best < FOUND)
    assert sorted(found.values()) == list(found.values())
    assert object_iou(ids, truth, weight)[0] <= 1.0


def test_order_does_not_matter():
    order = np.random.default_rng(0).permutation(len(TRUTH))
    ids = moved({2: 1, 3: 1, 5: -1})
    assert find_losses(ids[order], TRUTH[order], SEEN, MASKED) == find_losses(ids, TRUTH, SEEN, MASKED)


def test_nothing_known_nothing_lost():
    none = np.full(5, -1, np.int32)
    assert find_losses(none, none, np.ones(5), np.ones(5, bool)) == []
