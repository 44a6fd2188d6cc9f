"""Poses, boxes and rectangles: laws of the mathematics between the scene and the screen."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from gsseg_viewer.camera import Surroundings, framing, overview, pose_of_view, up_of_points
from gsseg_viewer.edits import delete, hide
from gsseg_viewer.pointing import Sight, pieces_in_rectangle
from gsseg_viewer.state import ObjectState, State
from scipy.spatial.transform import Rotation

from gsseg.scene import Camera, Gaussians, View
from gsseg.scene.up import up_of_views

Z = np.array([0.0, 0.0, 1.0])


def looking(position: np.ndarray, target: np.ndarray, up: np.ndarray = Z, roll: float = 0.0) -> Camera:
    """A camera of 400 x 300 pixels."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(forward, right), forward])
    turn = Rotation.from_euler("z", roll).as_matrix() @ turn
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, -turn @ position
    return Camera(400, 300, 320.0, 310.0, 200.0, 150.0, pose)


def sight_of(pose: Any, aspect: float) -> Sight:
    """What viser shows at a pose: the horizon is level to ``up``."""
    forward = pose.look_at - pose.position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, pose.up)
    right /= np.linalg.norm(right)
    return Sight(pose.position, np.stack([right, np.cross(forward, right), forward], 1), pose.fov, aspect)


def turned(camera: Camera, turn: np.ndarray) -> Camera:
    """The camera in a world turned by a rotation."""
    pose = camera.T_camera_world.copy()
    pose[:3, :3] = pose[:3, :3] @ turn.T
    return Camera(camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, pose)


@pytest.mark.parametrize("aspect", [0.6, 4 / 3, 2.5])
@pytest.mark.parametrize("roll", [0.0, 0.02, 0.4, np.pi])
def test_a_view_is_seen_as_its_camera_saw_it(aspect, roll):
    """On any screen all that the photo shows is inside, at the photo's place up to one scale, roll included."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3))
    camera = looking(np.array([4.0, -3.0, 1.5]), np.zeros(3), roll=roll)
    sight = sight_of(pose_of_view(camera, aspect, 5.0, points, Z), aspect)
    there = points @ camera.T_camera_world[:3, :3].T + camera.T_camera_world[:3, 3]
    rays = there[:, :2] / there[:, 2:]
    screen, depth = sight.project(points)
    np.testing.assert_allclose(depth, there[:, 2], atol=1e-4)
    np.testing.assert_allclose((screen * 2 - 1) * sight.tangents, rays, atol=1e-4)
    corner = np.array([200 / 320.0, 150 / 310.0])
    assert (np.array(sight.tangents) >= corner - 1e-9).all()
    assert np.isclose(np.array(sight.tangents), corner, atol=1e-9).any(), "and no more than needed"


@pytest.mark.parametrize("size", [1e-3, 1.0, 300.0])
@pytest.mark.parametrize("aspect", [0.5, 1.8])
def test_a_framed_box_fills_the_screen(size, aspect):
    rng = np.random.default_rng(1)
    for _ in range(20):
        low = rng.normal(size=3) * size
        high = low + rng.random(3) * size
        camera = looking(rng.normal(size=3) * 4 * size, np.zeros(3))
        before = sight_of(pose_of_view(camera, aspect, size, np.zeros((1, 3)), Z), aspect)
        pose = framing(before, Z, low, high)
        after = sight_of(pose, aspect)
        np.testing.assert_allclose(after.world_from_camera[:, 2], before.world_from_camera[:, 2], atol=1e-9)
        corners = np.array(list(itertools.product(*zip(low, high, strict=True))))
        screen, depth = after.project(corners)
        assert (depth > 0).all()
        assert (screen > 0).all()
        assert (screen < 1).all()
        assert np.ptp(screen, axis=0).max() > 0.3


def test_a_point_can_be_framed():
    pose = framing(sight_of(overview(np.zeros(3), np.ones(3), Z), 1.0), Z, np.ones(3), np.ones(3))
    assert np.isfinite(pose.position).all()
    assert np.linalg.norm(pose.look_at - pose.position) > 0


def test_up_of_cameras_that_look_down_from_one_side():
    """Their mean up leans by as much as they look down; the common up does not, and turns with the world."""
    rng = np.random.default_rng(2)
    cameras = [looking(np.array([x, -4.0, 3.0 + rng.normal() * 0.3]), np.zeros(3)) for x in np.linspace(-2, 2, 15)]
    leaning = -np.mean([camera.T_camera_world[1, :3] for camera in cameras], 0)
    assert leaning @ Z / np.linalg.norm(leaning) < 0.9
    np.testing.assert_array_equal(up_of_views([View("", camera) for camera in cameras]), Z)
    for turn in Rotation.random(20, random_state=3).as_matrix():
        up = up_of_views([View("", turned(camera, turn)) for camera in cameras])
        assert up @ turn @ Z > np.cos(np.radians(3.1))
        assert np.isclose(np.linalg.norm(up), 1)


def test_up_of_one_camera_is_its_own():
    camera = looking(np.array([0.0, -4.0, 3.0]), np.zeros(3))
    np.testing.assert_allclose(up_of_views([View("", camera)]), -camera.T_camera_world[1, :3], atol=1e-9)


def test_up_of_hand_held_cameras_with_some_roll():
    rng = np.random.default_rng(4)
    views = [
        View("", looking(np.array([4 * np.cos(a), 4 * np.sin(a), 1.0]), np.zeros(3), roll=rng.normal() * 0.1))
        for a in rng.random(60) * 6
    ]
    assert up_of_views(views) @ Z > np.cos(np.radians(3))


def test_up_without_cameras_is_the_flat_direction():
    np.testing.assert_array_equal(up_of_points(np.zeros(3), np.array([4.0, 4.0, 1.0])), Z)
    np.testing.assert_array_equal(up_of_points(np.zeros(3), np.array([4.0, 1.0, 4.0])), [0, -1, 0])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 500.0])
def test_surroundings_follow_the_scale(scale, make_gaussians: Callable[..., Gaussians]):
    """Near, far, limits and first pose of a scene in millimetres or in hundreds of metres; floaters do not count."""
    plain = make_gaussians("plain", 400)
    far_away = plain.means.clone()
    far_away[:3] = 1e4
    scene = Gaussians(
        far_away * scale, plain.log_scales + np.log(scale), plain.quats_wxyz, plain.opacity_logits, plain.sh,
        plain.drawable,
    )  # fmt: skip
    around = Surroundings.of(scene, [])
    assert 2 * scale < around.size < 5 * scale
    assert around.near < 0.01 * scale
    assert around.far > 100 * scale
    screen, depth = sight_of(around.start, 4 / 3).project(np.stack([around.low, around.high]))
    assert ((screen > 0) & (screen < 1)).all()
    assert (depth > around.near).all()
    assert (depth < around.far).all()

    class Limits:
        min_orbit_distance = max_orbit_distance = 0.0

    limits: Any = Limits()
    around.limit(limits)
    start = float(np.linalg.norm(around.start.position - around.start.look_at))
    assert limits.min_orbit_distance < 0.1 * start < start < limits.max_orbit_distance


def test_surroundings_of_next_to_nothing(make_gaussians: Callable[..., Gaussians]):
    for drawable in (torch.zeros(5, dtype=torch.bool), torch.tensor([True, False, False, False, False])):
        plain = make_gaussians("plain", 5)
        scene = Gaussians(plain.means, plain.log_scales, plain.quats_wxyz, plain.opacity_logits, plain.sh, drawable)
        around = Surroundings.of(scene, [])
        assert around.size > 0
        assert np.linalg.norm(around.start.position - around.start.look_at) > 0


def test_the_start_is_the_view_that_sees_most(make_gaussians: Callable[..., Gaussians]):
    away = looking(np.array([0.0, -4.0, 0.5]), np.array([0.0, -9.0, 0.5]))
    at = looking(np.array([0.0, -4.0, 0.5]), np.zeros(3))
    start = Surroundings.of(make_gaussians("plain", 300), [View("a", away), View("b", at), View("c", away)]).start
    np.testing.assert_allclose(start.position, at.position, atol=1e-12)
    assert np.linalg.norm(start.look_at) < 1, "it turns about what it sees"


def test_a_rectangle_holds_what_a_plain_loop_says():
    """Every object on its own, point by point, and of no object every piece; what is hidden or behind is left out."""
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(12, 3)) * [2.0, 3.0, 1.0]
    labels = rng.integers(0, 24, 3000).astype(np.int32)
    owner = (np.arange(24) // 2).astype(np.int32)
    owner[[5, 9]] = -1
    means = (centres[np.maximum(owner[labels], 0)] + rng.normal(size=(3000, 3)) * 0.3).astype(np.float32)
    objects = {each: ObjectState(str(each), (0, 0, 0), 1, 1.0, None) for each in set(owner.tolist()) - {-1}}
    state = State.shown(owner, np.bincount(labels, minlength=24), objects)
    state = hide(delete(state, state.pieces_of([6])), [*state.pieces_of([1]), 14])
    parts = [*((owner == each) & ~state.gone for each in objects), np.arange(24) == 5, np.arange(24) == 9]
    sight = sight_of(overview(np.array([-2.0, -1, -1]), np.array([2.0, 1, 1]), Z), 1.4)
    found_any = False
    for _ in range(40):
        low, high = rng.random(2) * 0.6, rng.random(2) * 0.6 + 0.4
        wanted = []
        for part in parts:
            rows = np.flatnonzero(part[labels])
            held = 0
            for point in means[rows].astype(float):
                x, y, z = (point - sight.position) @ sight.world_from_camera
                u, v = (x / z / sight.tangents[0] + 1) / 2, (y / z / sight.tangents[1] + 1) / 2
                held += z > 0 and low[0] <= u <= high[0] and low[1] <= v <= high[1]
            if len(rows) and 2 * held >= len(rows):
                wanted += np.flatnonzero(part).tolist()
        corners = [tuple(low.tolist()), tuple(high.tolist())]
        for one, other in (corners, corners[::-1]):
            assert pieces_in_rectangle(sight, means, labels, state, one, other).tolist() == sorted(wanted)
        found_any = found_any or bool(wanted)
    assert found_any
    everything = pieces_in_rectangle(sight, means, labels, state, (-1e6, -1e6), (1e6, 1e6))
    depths = (means - sight.position) @ sight.world_from_camera[:, 2]
    in_front = [part for part in parts if part.any() and (depths[part[labels]] > 0).mean() >= 0.5]
    assert everything.tolist() == np.flatnonzero(np.any(in_front, axis=0)).tolist()
    none = np.zeros(len(means), bool)
    assert not len(pieces_in_rectangle(sight, means, labels, state, (0, 0), (1, 1), none)), "what does not count"
