"""Where the photos are taken from: round a room looking inwards, or on a walk through a flat.

Cameras stand clear of everything; `gsseg.scene.Camera` gives their axes.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.sample.config import RoomConfig
from gsseg.sample.mesh import Mesh, Point
from gsseg.sample.placement import Home, Item, Rect, box_of
from gsseg.scene import Camera

Tour = Callable[[Home, RoomConfig, int, int, np.random.Generator], list[Camera]]
"""Home, configuration, index of a room, number of views, random numbers -> the views of that room."""
_CLEAR = 0.25
"""Metres between a camera and anything."""


def look_at(config: RoomConfig, position: Point, target: Point, roll: float = 0.0) -> Camera:
    """A camera at ``position`` that sees ``target`` in its middle; ``roll`` in degrees."""
    origin = np.asarray(position, float)
    forward = np.asarray(target, float) - origin
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    rotation = np.stack([c * right + s * down, c * down - s * right, forward])
    T_camera_world = np.eye(4)
    T_camera_world[:3, :3], T_camera_world[:3, 3] = rotation, -rotation @ origin
    focal = config.width / 2 / np.tan(np.radians(config.fov_degrees) / 2)
    return Camera(config.width, config.height, focal, focal, config.width / 2, config.height / 2, T_camera_world)


def room_by_room(home: Home, config: RoomConfig, count: int, rng: np.random.Generator, tour: Tour) -> list[Camera]:
    """``count`` views in all, of one room after the other: large rooms get more."""
    shares = np.array([room.area**0.75 for room in home.rooms])
    edges = np.rint(np.cumsum(shares) / shares.sum() * count).astype(int)
    cameras: list[Camera] = []
    for room in range(len(home.rooms)):
        cameras += tour(home, config, room, int(edges[room]) - len(cameras), rng)
    return cameras


def test_rows(config: RoomConfig) -> list[int]:
    """Which of the views are held out: evenly spread, never the first."""
    count = config.views + config.test_views
    return [int((k + 1) * count / (config.test_views + 1)) for k in range(config.test_views)]


def boxes_of(home: Home) -> Float64[ndarray, "items 2 3"]:
    """Boxes around everything but floors and walls."""
    return np.stack([box_of(item.mesh, item.position, item.yaw) for item in home.items if not item.shell])


def is_clear(home: Home, boxes: Float64[ndarray, "items 2 3"], place: Float64[ndarray, "3"]) -> bool:
    """Whether a camera may stand there: inside a room, and away from its walls and from ``boxes``."""
    x, y, z = place
    rects = [Rect(r.x0 + _CLEAR, r.x1 - _CLEAR, r.y0 + _CLEAR, r.y1 - _CLEAR) for r in home.rooms]
    if not any(rect.holds(x, y) for rect in rects) or not 0.3 < z < home.height:
        return False
    return bool(np.linalg.norm((boxes[:, 0] - place).clip(0) + (place - boxes[:, 1]).clip(0), axis=1).min() > _CLEAR)


def round_room(home: Home, config: RoomConfig, count: int, rng: np.random.Generator) -> list[Camera]:
    """On a flattened ring through the room, at heights from 0.9 to 2.1 m, looking across its middle."""
    rect = home.rooms[0]
    centre = np.array(rect.centre)
    half = np.array([rect.x1 - rect.x0, rect.y1 - rect.y0]) / 2
    cameras, boxes = [], boxes_of(home)
    for k in range(count):
        angle = 2 * np.pi * (k + rng.uniform(-0.3, 0.3)) / count
        around = np.array([np.cos(angle), np.sin(angle)])
        around /= np.abs(around).max() ** 0.6  # between a circle and the rectangle of the walls
        height = 1.5 + 0.5 * np.sin(2.4 * k) + rng.uniform(-0.1, 0.1)
        target = np.array([*(centre - around * half * rng.uniform(0.0, 0.45)), rng.uniform(0.35, 0.85)])
        target[:2] += rng.uniform(-0.5, 0.5, 2)
        place = np.array([*centre, 2.2])
        for step in range(40):
            reach = rng.uniform(0.70, 0.86) - 0.01 * step
            place = np.array([*(centre + around * half * reach), min(height + 0.02 * step, 2.2)])
            if is_clear(home, boxes, place):
                break
        cameras.append(look_at(config, place, target, float(rng.normal(0, 1.5))))
    return cameras


def walk(home: Home, config: RoomConfig, room: int, count: int, rng: np.random.Generator) -> list[Camera]:
    """Through one room at eye height, each view turned to one of its things, all of them in turn."""
    rect = home.rooms[room]
    boxes = boxes_of(home)
    stops = _stops(home, boxes, rect, max(4, count // 3), rng)
    things = [item for item in home.items if item.room == room and item.name != "floor"]
    cameras: list[Camera] = []
    turn = [int(k) for k in rng.permutation(len(things))]
    for k in range(count):
        target = box_of(*_placed(things[turn[k % len(turn)]])).mean(0)
        target[:2] = 0.5 * target[:2] + 0.5 * np.array(rect.centre)  # rather inwards: walkers keep the room in view
        target[2] = np.clip(target[2], 0.4, 1.1)
        reaches = np.array([np.linalg.norm(stop[:2] - target[:2]) for stop in stops])
        # Mostly from across the room; every sixth view is a closer look.
        wanted = np.quantile(reaches, rng.uniform(0.1, 0.5) if k % 6 == 5 else rng.uniform(0.85, 1.0))
        stop = stops[int(np.abs(reaches - wanted).argmin())]
        place = stop + np.array([*rng.uniform(-0.08, 0.08, 2), rng.uniform(-0.1, 0.25)])
        place = place if is_clear(home, boxes, place) else stop
        if np.linalg.norm(target[:2] - place[:2]) < 0.7:  # straight down shows a bit of floor
            place = stops[int(reaches.argmax())]
        cameras.append(look_at(config, place, target + rng.uniform(-0.2, 0.2, 3), float(rng.normal(0, 3))))
    return cameras


def _placed(item: Item) -> tuple[Mesh, Float64[ndarray, "3"], float]:
    return item.mesh, item.position, item.yaw


def _stops(
    home: Home, boxes: Float64[ndarray, "items 2 3"], rect: Rect, count: int, rng: np.random.Generator
) -> list[Float64[ndarray, "3"]]:
    """Free places in a room, spread out, in the order of a walk (always on to the nearest)."""
    tries = np.stack([rng.uniform(rect.x0, rect.x1, 300), rng.uniform(rect.y0, rect.y1, 300), np.full(300, 1.6)], 1)
    free = np.array([place for place in tries if is_clear(home, boxes, place)])
    if not len(free):
        return [np.array([*rect.centre, 1.9])]
    chosen = [free[0]]
    while len(chosen) < min(count, len(free)):
        gaps = np.linalg.norm(free[:, None] - np.stack(chosen)[None], axis=2).min(1)
        chosen.append(free[gaps.argmax()])
    path = [chosen.pop(0)]
    while chosen:
        nearest = int(np.argmin([np.linalg.norm(place - path[-1]) for place in chosen]))
        path.append(chosen.pop(nearest))
    return path
