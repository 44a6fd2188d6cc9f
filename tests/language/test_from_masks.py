"""Vectors of masks to vectors of objects: the overlaps against plain sums over pixels, and what is left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gsseg
from gsseg.language.from_masks import Fit, best_masks, gated, member_matrix, vectors_from_masks
from gsseg.language.mask_files import ViewMasks
from gsseg.scene import View

OBJECTS = 5


@pytest.fixture(scope="module")
def scene(make_gaussians, make_camera):
    """Gaussians, an object for each (-1 = none; 4 has none), a view, and W of the view."""
    gaussians = make_gaussians("opaque", 300)
    right, upper = gaussians.means[:, 0].numpy() > 0, gaussians.means[:, 2].numpy() > 0
    ids = (2 * upper + right).astype(np.int32)  # the quarters of the picture
    ids[:10] = -1
    view = View("a", make_camera())
    return gaussians, ids, view, gsseg.blend_weights(gaussians, view)


def random_levels(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Three levels of blocky masks for 30 x 40 pixels, the second one empty; numbered over the levels, 0 = none."""
    levels, count = np.zeros((3, 30, 40), np.int64), 0
    for level in (0, 2):
        size = int(rng.integers(1, 12))
        blocks = np.kron(rng.integers(0, size + 1, (6, 8)), np.ones((5, 5), np.int64))
        levels[level] = np.where(blocks > 0, blocks + count, 0)
        count += size
    return levels, count


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_best_mask_is_that_of_the_greatest_overlap_counted_pixel_by_pixel(scene, seed):
    _, ids, _, weights = scene
    levels, count = random_levels(np.random.default_rng(seed))
    fit = best_masks(weights, member_matrix(ids, OBJECTS), levels, count)
    dense = weights.to_dense().numpy().astype(np.float64)
    for item in range(OBJECTS):
        covered = dense[:, ids == item].sum(1)
        assert fit.area[item] == pytest.approx(covered.sum(), rel=1e-4, abs=1e-6)
        ious = []
        for mask in range(1, count + 1):
            inside = (levels == mask).any(axis=0).reshape(-1)
            common = covered[inside].sum()
            ious.append(common / max(inside.sum() + covered.sum() - common, 1e-12))
        assert fit.iou[item] == pytest.approx(max(ious), rel=1e-4, abs=1e-6)
        assert ious[fit.mask[item]] == pytest.approx(max(ious), rel=1e-4, abs=1e-6)
    assert fit.iou[4] == fit.area[4] == 0


def exact_masks(scene) -> np.ndarray:
    """The object that most of each pixel is, plus 1."""
    _, ids, _, weights = scene
    shares = np.stack([weights.to_dense().numpy()[:, ids == item].sum(1) for item in range(OBJECTS)], 1)
    return np.where(shares.sum(1) > 0.5, shares.argmax(1) + 1, 0).reshape(1, 30, 40).astype(np.int64)


def test_an_object_takes_the_vector_of_its_mask(scene):
    gaussians, ids, view, _ = scene
    levels, vectors = exact_masks(scene), np.eye(OBJECTS, 7, dtype=np.float32)
    found = vectors_from_masks(gaussians, ids, OBJECTS, [view], lambda _: ViewMasks(levels, vectors), least_iou=0.0)
    assert np.array_equal(found.vectors[:4], vectors[:4])
    assert np.isnan(found.vectors[4]).all()  # nothing belongs to it
    assert found.views.tolist() == [1, 1, 1, 1, 0]


def test_what_fits_badly_shows_nothing_or_has_no_vector_is_left_out(scene):
    gaussians, ids, view, weights = scene
    levels, vectors = exact_masks(scene), np.eye(OBJECTS, 7, dtype=np.float32)
    vectors[1] = 0
    fit = best_masks(weights, member_matrix(ids, OBJECTS), levels, OBJECTS)
    least = float(np.sort(fit.iou[[0, 2, 3]])[1])
    found = vectors_from_masks(gaussians, ids, OBJECTS, [view], lambda _: ViewMasks(levels, vectors), least_iou=least)
    assert found.views[[0, 2, 3]].tolist() == (fit.iou[[0, 2, 3]] >= least).tolist()
    assert found.views[1] == 0
    assert np.isnan(found.vectors[found.views == 0]).all()
    empty = ViewMasks(np.zeros_like(levels), np.zeros((0, 7), np.float32))
    assert np.isnan(vectors_from_masks(gaussians, ids, OBJECTS, [view], lambda _: empty).vectors).all()


def test_views_count_by_their_overlap_whatever_their_order(scene):
    gaussians, ids, view, _ = scene
    rng, told = np.random.default_rng(3), []
    own = np.eye(OBJECTS, 7) * 3  # what is drawn beside it leaves them far from each other
    masks = [ViewMasks(exact_masks(scene), (own + rng.normal(size=own.shape) / 9).astype(np.float32)) for _ in "abcd"]
    views = [View(str(i), view.camera) for i in range(4)]
    results = [
        vectors_from_masks(
            gaussians, ids, OBJECTS, order, lambda v: masks[int(v.name)], 0.0, lambda *at: told.append(at)
        )
        for order in (views, views[::-1])
    ]
    assert np.allclose(results[0].vectors, results[1].vectors, atol=1e-6, equal_nan=True)
    assert np.abs(np.linalg.norm(results[0].vectors[:4], axis=1) - 1).max() < 1e-6
    expected = sum(each.vectors[:4] for each in masks)  # the four views see the same, so they weigh the same
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(results[0].vectors[:4] - expected).max() < 1e-5
    assert told == [(i + 1, 4) for i in range(4)] * 2


def test_views_that_hardly_show_an_object_say_nothing_of_it():
    areas = [np.array([100.0, 50.0, 7.0]), np.array([9.0, 50.0, 7.0]), np.array([11.0, 4.0, 0.0])]
    fits = [Fit(np.arange(3), np.array([0.9, 0.9, 0.9]), area) for area in areas]
    seen = gated(fits, [np.eye(3, dtype=np.float32)] * 3)
    assert [rows.tolist() for rows, _, _ in seen] == [[0, 1], [1], [0]]
    assert all(np.array_equal(vectors, np.eye(3)[rows]) and (weights == 0.9).all() for rows, vectors, weights in seen)
