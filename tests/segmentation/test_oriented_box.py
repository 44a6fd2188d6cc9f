"""Oriented boxes: they hold 98 % of the centres, turn with them, and strays do not blow them up."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gsseg.meshes.open3d_loader import open3d
from gsseg.segmentation.describe import describe_objects
from gsseg.segmentation.oriented_box import HELD, oriented_box
from gsseg.segmentation.table import OrientedBox, table_from_json, table_json

SIZE = np.array([3.0, 1.0, 0.4])
PLACE = np.array([5.0, -70.0, 0.0])


def a_box(count: int = 1500, seed: int = 0) -> np.ndarray:
    """Points in a box of `SIZE` about the origin, along the axes."""
    return (np.random.default_rng(seed).random((count, 3)) - 0.5) * SIZE


def share_inside(box: OrientedBox, points: np.ndarray) -> float:
    local = (points - np.array(box.center)) @ np.array(box.rotation)
    return float((np.abs(local) <= np.array(box.extent) / 2 + 1e-7 * (1 + np.abs(points).max())).all(axis=1).mean())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(0, 2**31), st.sampled_from(["normal", "flat", "line", "heavy", "same"]))
def test_it_holds_what_it_claims_and_its_axes_are_a_rotation(count: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((count, 3)) if kind != "heavy" else rng.standard_cauchy((count, 3))
    points *= {"flat": [1.0, 1.0, 0.0], "line": [1.0, 0.0, 0.0], "same": [0.0, 0.0, 0.0]}.get(kind, [1.0, 2.0, 0.3])
    points = points.astype(np.float32).astype(np.float64) + PLACE
    box = oriented_box(points)
    assert share_inside(box, points) >= HELD
    rotation = np.array(box.rotation)
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-7)
    assert np.linalg.det(rotation) > 0.0
    assert box.extent == sorted(box.extent, reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_it_turns_with_the_points(seed: int) -> None:
    points = a_box()
    turn = Rotation.random(rng=np.random.default_rng(seed))
    plain, turned = oriented_box(points), oriented_box(turn.apply(points) + PLACE)
    np.testing.assert_allclose(turned.extent, plain.extent, atol=1e-6)
    np.testing.assert_allclose(turned.center, turn.apply(plain.center) + PLACE, atol=1e-6)
    same = np.abs(np.array(turned.rotation).T @ turn.as_matrix() @ np.array(plain.rotation))
    np.testing.assert_allclose(same, np.eye(3), atol=1e-6, err_msg="the axes, but for their signs")


def test_it_finds_the_box_that_the_points_fill_and_strays_do_not_blow_it_up() -> None:
    points = a_box()
    turn = Rotation.from_euler("xyz", [20, 30, 40], degrees=True)
    strays = np.random.default_rng(1).normal(size=(20, 3)) * 300.0
    box = oriented_box(turn.apply(np.concatenate([points, strays])))
    np.testing.assert_allclose(box.extent, SIZE, rtol=0.06)
    np.testing.assert_allclose(box.center, [0.0, 0.0, 0.0], atol=0.02)


def test_it_is_hardly_larger_than_open3ds() -> None:
    points = Rotation.from_euler("xyz", [20, 30, 40], degrees=True).apply(a_box())
    o3d = open3d()
    method = o3d.t.geometry.MethodOBBCreate.MINIMAL_APPROX
    other = o3d.t.geometry.OrientedBoundingBox.create_from_points(o3d.core.Tensor(points), False, method)
    assert np.prod(oriented_box(points).extent) < 1.02 * np.prod(other.extent.numpy())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_points_get_a_box_along_the_worlds_axes(count: int) -> None:
    points = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 0.5], [0.5, 0.0, 0.0]])[:count]
    box = oriented_box(points)
    assert np.allclose(np.abs(box.rotation).sum(axis=0), 1.0)
    assert sorted(box.extent) == pytest.approx(sorted(np.ptp(points, axis=0)))


def test_millions_of_points_on_a_ball_take_little_memory_and_time() -> None:
    points = np.random.default_rng(0).standard_normal((300_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    box = oriented_box(points)
    assert share_inside(box, points) >= HELD
    assert max(box.extent) <= 2.0


def test_the_table_keeps_boxes_and_reads_tables_without() -> None:
    ids = np.repeat(np.array([0, 1], np.int32), 50)
    means = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    table = describe_objects(ids, ids, means, ["a", "b"], [[1, 2, 3]] * 2, [0, 0], [0.0, 0.0])
    assert table[0].oriented_box == oriented_box(means[:50].astype(np.float64))
    assert table_from_json(table_json(table)) == table
    old = table_json(table).replace('"oriented_box"', '"box"')
    with pytest.raises(ValueError, match="has not the fields"):
        table_from_json(old)
    without = [{**row, "oriented_box": None} for row in map(vars, table)]
    for row in without:
        del row["oriented_box"]
    assert [row.oriented_box for row in table_from_json(json.dumps(without))] == [None, None]
    for wrong in (3, "box", [1], {}, {"center": [0, 0], "extent": [1, 1, 1], "rotation": [[1, 0, 0]] * 3},
                  {"center": [0, 0, 0], "extent": [1, 1, "1"], "rotation": [[1, 0, 0]] * 3},
                  {"center": [0, 0, 0], "extent": [1, 1, 1], "rotation": [[1, 0, 0]] * 2},
                  {"center": "abc", "extent": [1, 1, 1], "rotation": [[1, 0, 0]] * 3}):  # fmt: skip
        with pytest.raises(ValueError, match="object 0 has oriented_box"):
            table_from_json(json.dumps([{**without[0], "oriented_box": wrong}]))
