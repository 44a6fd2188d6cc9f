"""Sightings of objects to descriptors: one where views agree, several where they do not, none of single mistakes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsseg.language.describe import LEAST_SHARE, MOST, Sighting, describe_objects, least_alike

DIM = 64


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def scene_of(rng: np.random.Generator, shown: list[list[int]], kinds: np.ndarray, noise: float) -> list[Sighting]:
    """``shown[object][view]``: the kind that it looks like there, -1 = not seen. Noise is of this length."""
    views = []
    for view in range(max(map(len, shown))):
        rows = np.array([k for k, own in enumerate(shown) if view < len(own) and own[view] >= 0], np.int64)
        looks = np.array([shown[k][view] for k in rows], np.int64)
        vectors = unit(kinds[looks] + noise * unit(rng.normal(size=(len(rows), DIM))))
        views.append((rows, vectors, rng.uniform(0.5, 1, len(rows))))
    return views


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 0.6), st.integers(2, 3))
def test_objects_that_look_different_from_their_sides_have_a_descriptor_of_each(seed, noise, sides):
    rng = np.random.default_rng(seed)
    # Of one cosine to one another: kinds drawn freely may be as alike as two sightings of one.
    kinds = unit(np.linalg.qr(rng.normal(size=(DIM, 30)))[0].T * np.sqrt(DIM) + 1)
    shown = [[k] * 12 for k in range(10)]  # as many as ten agree in all views, the others are of several sides
    shown += [[10 + k + 5 * (view % sides) for view in range(12)] for k in range(5)]
    found = describe_objects(15, scene_of(rng, shown, kinds, noise))
    assert np.bincount(found.objects).tolist() == [1] * 10 + [sides] * 5
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert found.views.sum() == 12 * 15
    nearest = (found.vectors @ kinds.T).argmax(1)
    for item in range(15):
        assert set(nearest[found.objects == item]) == set(shown[item])


def test_single_mistakes_say_nothing():
    rng = np.random.default_rng(0)
    kinds = unit(rng.normal(size=(40, DIM)) + 1)
    shown = [[k] * 10 for k in range(20)]
    for k in range(20):
        for view in rng.permutation(10)[:2]:  # a fifth of them, each another
            shown[k][view] = int((k + 1 + rng.integers(38)) % 40)
    found = describe_objects(20, scene_of(rng, shown, kinds, 0.2))
    own = found.vectors[np.unique(found.objects, return_index=True)[1]]
    assert np.array_equal((own @ kinds.T).argmax(1), np.arange(20))
    plain = unit(np.array([sum(kinds[each] for each in row) for row in shown]))
    # What the mistakes pull a mean to is gone: nearer to the truth than a mean without any noise.
    assert ((own * kinds[:20]).sum(1) > (plain * kinds[:20]).sum(1)).mean() > 0.9


def test_an_object_of_one_kind_has_the_mean_direction():
    rng = np.random.default_rng(0)
    kinds = unit(rng.normal(size=(3, DIM)) + 1)
    seen = scene_of(rng, [[0] * 6, [-1] * 6, [2] * 6], kinds, 0.5)
    found = describe_objects(3, seen)
    assert found.objects.tolist() == [0, 1, 2]
    assert found.views.tolist() == [6, 0, 6]
    for item, row in ((0, 0), (2, 1)):
        vectors, weights = np.array([each[1][row] for each in seen]), np.array([each[2][row] for each in seen])
        np.testing.assert_allclose(found.vectors[item], unit(weights @ vectors), atol=1e-5)
        others = unit(rng.normal(size=(2000, DIM)) + found.vectors[item] * 9)
        assert weights @ vectors @ found.vectors[item] >= (weights @ vectors @ others.T).max()
    assert np.isnan(found.vectors[1]).all()


def test_the_number_is_bounded_and_a_side_needs_its_share():
    rng = np.random.default_rng(0)
    kinds = unit(rng.normal(size=(12, DIM)) + 1)
    agreeing = [[k] * 12 for k in range(4)]
    five = [4 + view % 5 for view in range(12)]
    rare = [10] * 11 + [11]
    found = describe_objects(6, scene_of(rng, [*agreeing, five, rare], kinds, 0.2))
    assert np.bincount(found.objects).tolist() == [1] * 4 + [MOST, 1]
    assert LEAST_SHARE > 1 / 12
    one = describe_objects(6, scene_of(rng, [*agreeing, five, rare], kinds, 0.2), most=1)
    assert one.objects.tolist() == list(range(6))


def test_the_order_of_views_and_names_of_objects_mean_nothing():
    rng = np.random.default_rng(3)
    kinds = unit(rng.normal(size=(8, DIM)) + 1)
    seen = scene_of(rng, [[k, k, k + 4 if k else k, k + 4 if k else k] for k in range(4)], kinds, 0.3)
    found, turned = describe_objects(4, seen), describe_objects(4, seen[::-1])
    for item in range(4):
        one, two = (each.vectors[each.objects == item] for each in (found, turned))
        assert np.abs(one @ two.T).max(1) == pytest.approx(1, abs=1e-5)
    named = describe_objects(4, [(3 - rows[::-1], vectors[::-1], weights[::-1]) for rows, vectors, weights in seen])
    assert np.bincount(named.objects).tolist() == np.bincount(found.objects).tolist()[::-1]


def test_a_scene_that_does_not_tell_has_means():
    rng = np.random.default_rng(0)
    alone = unit(rng.normal(size=(5, DIM)))
    assert least_alike(np.zeros(5, np.int64), alone.astype(np.float64)) == -1  # one object
    assert least_alike(np.arange(5), alone.astype(np.float64)) == -1  # nobody is seen twice
    assert least_alike(np.empty(0, np.int64), np.empty((0, DIM))) == -1
    seen = [(np.array([0]), alone[k : k + 1], np.ones(1)) for k in range(5)]
    found = describe_objects(2, seen)
    np.testing.assert_allclose(found.vectors[0], unit(alone.sum(0)), atol=1e-5)
    opposite = [(np.array([0]), sign * alone[:1], np.ones(1)) for sign in (1, -1)]
    assert np.isnan(describe_objects(1, opposite).vectors).all()
    with pytest.raises(ValueError, match="no view"):
        describe_objects(3, [])
