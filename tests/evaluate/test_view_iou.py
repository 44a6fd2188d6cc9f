"""View IoU: clicking in held-out views."""

import numpy as np
import pytest

from gsseg.evaluate.view_iou import inmost_pixel, silhouette, view_iou


def truth_maps(two_balls) -> list:
    """Each view's label map, drawn from the instances themselves."""
    maps = []
    for view in two_balls.scene.views:
        ids = np.zeros((48, 64), np.uint16)
        for instance in (0, 1):
            rows = np.flatnonzero(two_balls.instances == instance)
            ids[silhouette(two_balls.scene.gaussians, rows, view.camera)] = instance + 1
        maps.append((view.camera, ids))
    return maps


def test_the_truth_itself_scores_one(two_balls) -> None:
    for labelled_only in (False, True):
        mean, by_instance = view_iou(
            two_balls.scene.gaussians, two_balls.instances, truth_maps(two_balls), labelled_only
        )
        assert mean == 1.0
        assert by_instance == {0: 1.0, 1: 1.0}


def test_what_goes_wrong_costs(two_balls) -> None:
    gaussians, maps = two_balls.scene.gaussians, truth_maps(two_balls)
    merged, _ = view_iou(gaussians, np.zeros(600, np.int32), maps, False)
    assert 0.4 < merged < 0.6
    lost = np.where(two_balls.instances == 0, 0, -1).astype(np.int32)
    assert view_iou(gaussians, lost, maps, False)[1] == {0: 1.0, 1: 0.0}


def test_unlabelled_pixels_count_only_where_they_are_known_to_be_nothing(two_balls) -> None:
    maps = [(camera, np.where(ids == 2, 0, ids).astype(np.uint16)) for camera, ids in truth_maps(two_balls)]
    merged = np.zeros(600, np.int32)
    assert view_iou(two_balls.scene.gaussians, merged, maps, True)[1] == {0: 1.0}
    assert view_iou(two_balls.scene.gaussians, merged, maps, False)[1][0] < 0.6


def test_small_things_are_not_clicked(two_balls) -> None:
    camera, ids = truth_maps(two_balls)[0]
    small = ids.copy()
    small[small == 2] = 0
    small[:9, :11] = 2  # 99 pixels
    assert list(view_iou(two_balls.scene.gaussians, two_balls.instances, [(camera, small)], False)[1]) == [0]
    small[9, 0] = 2
    assert list(view_iou(two_balls.scene.gaussians, two_balls.instances, [(camera, small)], False)[1]) == [0, 1]
    with pytest.raises(ValueError, match="no view shows"):
        view_iou(two_balls.scene.gaussians, two_balls.instances, [(camera, np.zeros_like(ids))], False)
    with pytest.raises(ValueError, match="label map"):
        view_iou(two_balls.scene.gaussians, two_balls.instances, [(camera, ids[:-1])], False)


def test_the_inmost_pixel_keeps_away_from_every_border() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:14, 3:12] = True
    assert inmost_pixel(mask) == (9, 7)
    mask[:, 12:] = True
    row, column = inmost_pixel(mask)
    assert 8 <= row <= 11, "the image's border is a border"
    assert mask[row, column]
    assert inmost_pixel(np.ones((9, 9), bool)) == (4, 4)
