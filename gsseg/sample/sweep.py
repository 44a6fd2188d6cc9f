"""A hand-held scan: one walk along the walls of each room, the camera turning steadily and looking a little down."""

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.sample.cameras import boxes_of, is_clear, look_at
from gsseg.sample.config import RoomConfig
from gsseg.sample.placement import Home, Rect
from gsseg.scene import Camera

_CLOSE = 5
"""Every so many views the walker stands in the middle instead of across the room: a closer look."""


def sweep(home: Home, config: RoomConfig, room: int, count: int, rng: np.random.Generator) -> list[Camera]:
    """``count`` views of one room in the order of the walk, which turns once round and somewhat further.

    The walker keeps the room's width between the camera and what it looks at, as people with a scanner do: looking
    north they stand in the south. Pitch swings between 5 and 35 degrees downwards, roll is a few degrees.
    """
    rect, boxes = home.rooms[room], boxes_of(home)
    stops = _stops(home, boxes, rect, rng)
    cameras, phase = [], rng.uniform(0, 2 * np.pi)
    for k in range(count):
        heading = phase + 2 * np.pi * 1.15 * (k + rng.uniform(-0.3, 0.3)) / max(1, count)
        ahead = np.array([np.cos(heading), np.sin(heading)])
        half = np.array([rect.x1 - rect.x0, rect.y1 - rect.y0]) / 2
        back = rng.uniform(-0.1, 0.25) if k % _CLOSE == _CLOSE - 1 else rng.uniform(0.65, 0.95)
        wanted = np.array(rect.centre) - back * half * ahead
        stop = stops[int(np.linalg.norm(stops[:, :2] - wanted, axis=1).argmin())]
        place = np.array([*stop[:2], 1.45 + 0.12 * np.sin(0.9 * k) + rng.uniform(-0.05, 0.05)])
        place = place if is_clear(home, boxes, place) else stop
        pitch = np.radians(20.0 + 12.0 * np.sin(0.7 * k + phase) + rng.uniform(-3, 3))
        down = np.array([*(np.cos(pitch) * ahead), -np.sin(pitch)])
        cameras.append(look_at(config, place, place + down, float(rng.normal(0, 3))))
    return cameras


def _stops(
    home: Home, boxes: Float64[ndarray, "items 2 3"], rect: Rect, rng: np.random.Generator
) -> Float64[ndarray, "stops 3"]:
    """Free places of a room at eye height; its middle, high up, where there is none."""
    tries = np.stack([rng.uniform(rect.x0, rect.x1, 400), rng.uniform(rect.y0, rect.y1, 400), np.full(400, 1.5)], 1)
    free = [place for place in tries if is_clear(home, boxes, place)]
    return np.array(free) if free else np.array([[*rect.centre, 1.9]])
