"""Floors and walls, with doorways: the rooms themselves."""

from gsseg.sample.furniture import Color, Piece
from gsseg.sample.mesh import Finish, Mesh, box, joined
from gsseg.sample.placement import WALL_YAW, Home, Rect

SKIRTING = (0.88, 0.87, 0.84)
_THICK = 0.04
"""Metres; half of what lies between two rooms."""


def add_shell(
    home: Home,
    room: int,
    floor: Color,
    floor_finish: Finish,
    walls: list[Color],
    doors: dict[str, tuple[float, float]],
    wall_finish: Finish = Finish.PLASTER,
) -> None:
    """Adds a room's floor and its four walls, one instance each.

    ``doors`` maps a wall's name to where its doorway begins and ends, in world metres along the wall.
    """
    rect = home.rooms[room]
    width, depth = rect.x1 - rect.x0, rect.y1 - rect.y0
    slab = box((width + 2 * _THICK, depth + 2 * _THICK, 0.03), (0, 0, -0.03), floor, floor_finish)
    home.add(Piece("floor", slab), (*rect.centre, 0.0), 0.0, room, shell=True, solid=False)
    for (wall, yaw), color in zip(WALL_YAW.items(), walls, strict=True):
        along_x = wall in ("north", "south")
        length = width if along_x else depth
        middle = rect.centre[0 if along_x else 1]
        sign = 1.0 if wall in ("north", "west") else -1.0  # local +x seen from above after the turn
        place = {
            "north": (rect.centre[0], rect.y1, 0.0),
            "south": (rect.centre[0], rect.y0, 0.0),
            "east": (rect.x1, rect.centre[1], 0.0),
            "west": (rect.x0, rect.centre[1], 0.0),
        }[wall]
        gap = None
        if wall in doors:
            ends = sorted(sign * (end - middle) for end in doors[wall])
            gap = (ends[0], ends[1])
        mesh = _wall(length + 2 * _THICK, home.height, gap, color, wall_finish)
        home.add(Piece("wall", mesh), place, yaw, room, shell=True, solid=False)


def _wall(length: float, height: float, gap: tuple[float, float] | None, color: Color, finish: Finish) -> Mesh:
    """A wall whose inner face is y = 0, with a skirting board, and a doorway 2.0 m high over ``gap``."""
    stretches = [(-length / 2, length / 2)] if gap is None else [(-length / 2, gap[0]), (gap[1], length / 2)]
    meshes = []
    for start, end in stretches:
        middle = (start + end) / 2
        meshes.append(box((end - start, _THICK, height), (middle, _THICK / 2, 0), color, finish))
        meshes.append(box((end - start, 0.012, 0.08), (middle, -0.006, 0), SKIRTING))
    if gap is not None:
        meshes.append(
            box((gap[1] - gap[0], _THICK, height - 2.0), ((gap[0] + gap[1]) / 2, _THICK / 2, 2.0), color, finish)
        )
    return joined(meshes)


def door_zone(rect: Rect, wall: str, ends: tuple[float, float], reach: float = 0.75) -> list[list[float]]:
    """The box in front of a doorway that has to stay free."""
    a, b = ends
    low, high = {
        "north": ((a, rect.y1 - reach), (b, rect.y1)),
        "south": ((a, rect.y0), (b, rect.y0 + reach)),
        "east": ((rect.x1 - reach, a), (rect.x1, b)),
        "west": ((rect.x0, a), (rect.x0 + reach, b)),
    }[wall]
    return [[*low, 0.0], [*high, 2.1]]
