"""Close-ups: cut where the thing is, from the view that shows most of it, and equal to a plain crop inside it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.evaluate.losses import Loss, Piece
from gsseg.evaluate.score import Lost
from gsseg.export.best_views import MOST_VIEWS, WELL, covering_views, seen_of, silhouette_of
from gsseg.export.close_ups import (
    FADED,
    FOUND,
    GREY,
    THUMBNAIL_SIDE,
    TRUTH,
    Subjects,
    close_ups,
    outlined,
    thumbnail,
)
from gsseg.export.losses import losses_section, subjects_of, told
from gsseg.features.evidence import gather_evidence
from gsseg.io.photos import read_photo
from gsseg.io.scene_folder import load_scene
from gsseg.render import blend_weights
from gsseg.render.dominant import dominant_labels
from gsseg.scene import Scene


@pytest.fixture
def scene(small_scene: Path) -> Scene:
    return load_scene(small_scene)


def evidence_in(scene: Scene):
    masked = [view for view in scene.views if view.labels is not None]
    return gather_evidence(scene.gaussians, ((view, blend_weights(scene.gaussians, view)) for view in masked))


def test_a_view_sees_what_its_evidence_says(evidence_of):
    labels = np.array([[1, 1, 0, -1, 2, 2], [-1, 1, 1, 1, -1, 0]])
    evidence = evidence_of(labels)
    ids = np.array([0, 0, 1, 1, -1, 2])
    assert seen_of(evidence, ids, 3).tolist() == [[2.0, 1.0, 1.0], [1.0, 2.0, 1.0]]


def test_few_views_show_everything_well():
    rng = np.random.default_rng(0)
    seen = rng.random((30, 50)) * (rng.random((30, 50)) < 0.3)
    chosen = covering_views(seen)
    assert chosen == sorted(set(chosen))
    assert (seen[chosen].max(0) >= WELL * seen.max(0)).all()
    assert len(chosen) < 30
    assert covering_views(np.zeros((4, 3))) == []
    assert covering_views(np.zeros((4, 0))) == []
    assert covering_views(np.ones((9, 5))) == [0]
    assert len(covering_views(np.eye(2 * MOST_VIEWS))) == MOST_VIEWS


def test_a_silhouette_leaves_out_strays():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 5:25], mask[15:20, 40:50], mask[35, 55] = True, True, True
    shape = silhouette_of(mask)
    assert shape is not None
    assert (shape.box, shape.score) == ((10, 5, 20, 50), 200.0)
    mask[10:20, 0:5] = True
    cut = silhouette_of(mask)
    assert cut is not None
    assert cut.score == 125.0, "half, because the border cuts it"
    assert silhouette_of(np.zeros((4, 4), bool)) is None


def test_a_thumbnail_is_a_plain_crop_of_the_photo():
    rng = np.random.default_rng(1)
    photo = rng.integers(0, 255, (40, 60, 3), np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[10:22, 20:44] = rng.random((12, 24)) < 0.9
    mask[10, 20] = mask[21, 43] = True
    shape = silhouette_of(mask)
    assert shape is not None
    picture = thumbnail(photo, shape)
    crop, inside = photo[6:26, 16:48], mask[6:26, 16:48]  # a margin of 24 / 6
    assert picture.shape == crop.shape
    assert np.array_equal(picture[inside], crop[inside])
    around = np.round(FADED * crop[~inside].mean(1, keepdims=True) + GREY)
    assert np.array_equal(picture[~inside], np.repeat(around, 3, axis=1))


def test_pictures_stay_small_and_fit_maps_of_other_sizes():
    mask = np.zeros((24, 32), bool)
    mask[4:20, 6:26] = True
    shape = silhouette_of(mask)
    assert shape is not None
    photo = np.full((720, 960, 3), 200, np.uint8)
    picture = thumbnail(photo, shape)
    assert max(picture.shape[:2]) == THUMBNAIL_SIDE
    assert (picture[picture.shape[0] // 2, picture.shape[1] // 2] == 200).all()
    assert (picture[0, 0] < 200).all()


def test_truth_and_found_are_outlined():
    photo = np.zeros((80, 80, 3), np.uint8)
    truth, other = np.zeros((80, 80), bool), np.zeros((80, 80), bool)
    truth[30:50, 30:50], other[30:50, 40:60] = True, True
    shape = silhouette_of(truth)
    assert shape is not None
    both, alone = outlined(photo, shape, other), outlined(photo, shape, None)

    def colored(picture: np.ndarray, color: tuple[int, int, int]) -> int:
        return int((picture == color).all(2).sum())

    assert colored(alone, TRUTH) == colored(both, TRUTH) == pytest.approx(8 * 20, abs=12)
    assert colored(alone, FOUND) == 0
    assert 60 < colored(both, FOUND) < 160
    assert (both[0] == 0).all()


def test_every_object_that_is_seen_has_its_picture(scene: Scene):
    ids = (np.arange(len(scene.gaussians)) % 3).astype(np.int32)
    found = close_ups(scene, evidence_in(scene), Subjects(ids, 3))
    assert found.lost == {}
    views = [view for view in scene.views if view.labels is not None]
    maps = [dominant_labels(blend_weights(scene.gaussians, view), ids).reshape(24, 32) for view in views]
    assert (
        list(found.objects) == [each for each in range(3) if any(np.count_nonzero(m == each) >= 12 for m in maps)] != []
    )
    for each, picture in found.objects.items():
        candidates = []
        for view, owner in zip(views, maps, strict=True):
            shape = silhouette_of(owner == each)
            candidates += [] if shape is None else [thumbnail(read_photo(view), shape)]
        assert any(np.array_equal(picture, candidate) for candidate in candidates)


def test_without_photos_the_splats_are_drawn(scene: Scene):
    ids = np.zeros(len(scene.gaussians), np.int32)
    evidence = evidence_in(scene)
    with_photo = close_ups(scene, evidence, Subjects(ids, 1))
    bare = replace(scene, views=[replace(view, photo=None) for view in scene.views])
    drawn = close_ups(bare, evidence, Subjects(ids, 1))
    assert drawn.objects.keys() == with_photo.objects.keys() == {0}
    assert not np.array_equal(drawn.objects[0], with_photo.objects[0])
    for view in scene.views:
        assert view.photo is not None
        view.photo.write_bytes(b"damaged")
    damaged = close_ups(scene, evidence, Subjects(ids, 1))
    assert np.array_equal(damaged.objects[0], drawn.objects[0])


LOSSES = [
    Loss(2, 0.1, "merged", (Piece(4, 0.9),), (0, 1)),
    Loss(5, 0.2, "split", (Piece(1, 0.4), Piece(3, 0.3)), ()),
    Loss(6, 0.0, "unseen", (), ()),
    Loss(7, 0.3, "left out", (Piece(2, 0.35),), ()),
]


def test_what_became_of_an_instance_is_told_in_words():
    names = {0: "wall", 2: "door", 5: "bed"}
    assert [told(loss, names) for loss in LOSSES] == [
        "merged with 0 wall, 1 in object 4",
        "split: objects 1 (40%), 3 (30%) hold its parts",
        "never seen: no mask shows it",
        "left out: mostly in no object; object 2 (35%) holds the rest",
    ]


def test_the_section_counts_shows_and_escapes():
    instances = np.arange(8, dtype=np.int32)
    lost = Lost(LOSSES, instances, {2: "<b>door"})
    picture = np.zeros((4, 4, 3), np.uint8)
    text = losses_section(lost, {2: picture}, lambda picture, alt: f"[{alt}]")
    assert "4 of 8 instances" in text
    assert "1 merged, 1 split, 1 unseen, 1 left out" in text
    assert "[2 &lt;b&gt;door]" in text
    assert text.count("in no picture") == 3
    assert "None of 8" in losses_section(Lost([], instances, {}), {}, lambda picture, alt: "")


def test_losses_are_shown_beside_the_object_that_holds_most(make_segmentation):
    found = make_segmentation(np.zeros(8))
    subjects = subjects_of(found, Lost(LOSSES, np.arange(8, dtype=np.int32), {}))
    assert subjects.lost == {2: 4, 5: 1, 6: None, 7: 2}
    assert subjects_of(found, None).lost == {}


def test_a_lost_instance_is_cut_from_a_photo(scene: Scene):
    count = len(scene.gaussians)
    ids, truth = np.zeros(count, np.int32), (np.arange(count) % 2).astype(np.int32)
    found = close_ups(scene, evidence_in(scene), Subjects(ids, 1, truth, {0: 0, 1: None}))
    assert found.lost.keys() == {0, 1}
    for picture in found.lost.values():
        assert (picture == TRUTH).all(2).any()
    assert not (found.lost[1] == FOUND).all(2).any()
    assert Image.fromarray(found.lost[0]).size <= (32, 24)


def test_a_scene_without_objects_has_no_pictures(scene: Scene):
    none = np.full(len(scene.gaussians), -1, np.int32)
    found = close_ups(scene, evidence_in(scene), Subjects(none, 0))
    assert (found.objects, found.lost) == ({}, {})
