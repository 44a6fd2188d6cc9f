"""Object IoU: the laws of the score, and the definition written out."""

import numpy as np
import pytest

from gsseg.evaluate.metrics import object_iou


def plain_object_iou(object_ids: np.ndarray, instances: np.ndarray, visibility: np.ndarray) -> dict[int, float]:
    """The definition, one Gaussian at a time."""
    known = instances >= 0
    scores = {}
    for instance in np.unique(instances[known]):
        mine = known & (instances == instance)
        if visibility[mine].sum() == 0:
            continue
        total = 0.0
        for i in np.flatnonzero(mine):
            if object_ids[i] >= 0:
                other = known & (object_ids == object_ids[i])
                total += visibility[i] * visibility[mine & other].sum() / visibility[mine | other].sum()
        scores[int(instance)] = total / visibility[mine].sum()
    return scores


def labelling(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    instances = rng.integers(-1, 6, 200)
    object_ids = np.where(rng.random(200) < 0.7, instances, rng.integers(-1, 9, 200))
    visibility = np.where(rng.random(200) < 0.2, 0.0, rng.exponential(size=200))
    return object_ids, instances, visibility


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed: int) -> None:
    object_ids, instances, visibility = labelling(seed)
    mean, by_instance = object_iou(object_ids, instances, visibility)
    expected = plain_object_iou(object_ids, instances, visibility)
    assert by_instance == pytest.approx(expected)
    assert mean == pytest.approx(np.mean(list(expected.values())))


@pytest.mark.parametrize("seed", range(5))
def test_laws(seed: int) -> None:
    object_ids, instances, visibility = labelling(seed)
    mean, by_instance = object_iou(object_ids, instances, visibility)
    assert object_iou(instances, instances, visibility)[0] == pytest.approx(1.0)
    assert 0.0 <= mean <= 1.0
    order = np.random.default_rng(seed).permutation(200)
    assert object_iou(object_ids[order], instances[order], visibility[order])[1] == pytest.approx(by_instance)
    assert object_iou(object_ids, instances, 7.0 * visibility)[1] == pytest.approx(by_instance)
    renamed = np.where(object_ids >= 0, 1000 - object_ids, -1)
    assert object_iou(renamed, instances, visibility)[1] == pytest.approx(by_instance)
    unknown = np.where(instances < 0, 3, object_ids)
    assert object_iou(unknown, instances, visibility)[1] == pytest.approx(by_instance), "unknown truth is left out"


def test_splitting_swallowing_and_losing_cost() -> None:
    instances, even = np.repeat([0, 1], 4), np.ones(8)
    assert object_iou(np.array([0, 0, 2, 2, 1, 1, 1, 1]), instances, even)[1] == {0: 0.5, 1: 1.0}
    assert object_iou(np.zeros(8, np.int32), instances, even)[1] == {0: 0.5, 1: 0.5}
    assert object_iou(np.array([0, 0, -1, -1, 1, 1, 1, 1]), instances, even)[1] == {0: 0.25, 1: 1.0}
    weighted = np.array([1.0, 1, 0, 0, 1, 1, 1, 1])
    assert object_iou(np.array([0, 0, -1, -1, 1, 1, 1, 1]), instances, weighted)[1] == {0: 1.0, 1: 1.0}


def test_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="no view sees"):
        object_iou(np.zeros(3, np.int32), np.zeros(3, np.int32), np.zeros(3))
    with pytest.raises(ValueError, match="no view sees"):
        object_iou(np.zeros(3, np.int32), np.full(3, -1), np.ones(3))
