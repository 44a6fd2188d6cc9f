"""One furnished room: sofa corner, dining table, desk, bookcases, and small things on all of them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.sample import decor
from gsseg.sample import furniture as f
from gsseg.sample.clutter import book_rows, scatter
from gsseg.sample.furniture import Color
from gsseg.sample.mesh import Finish
from gsseg.sample.objects import PALETTE, cushion, desk_lamp, keyboard
from gsseg.sample.placement import Home, Item, Rect, box_of
from gsseg.sample.shell import add_shell

OAK, BEECH, WALNUT, PAINTED = (0.66, 0.47, 0.29), (0.80, 0.65, 0.45), (0.42, 0.28, 0.19), (0.90, 0.89, 0.86)
WALL_TONES = ((0.92, 0.90, 0.85), (0.82, 0.88, 0.88), (0.93, 0.86, 0.76), (0.84, 0.87, 0.80), (0.88, 0.84, 0.89))


def furnish_room(home: Home, objects: int) -> list[Item]:
    """Fills ``home`` with one room and returns its small things, those to spare last."""
    rng = home.rng
    width, depth = rng.uniform(5.0, 5.5), rng.uniform(4.3, 4.8)
    home.rooms.append(Rect(0.0, float(width), 0.0, float(depth)))
    home.lights.append(_lamp(home, 0))
    tones = [WALL_TONES[k] for k in rng.permutation(len(WALL_TONES))[:2]]
    add_shell(home, 0, _pick(home, (OAK, BEECH, WALNUT)), Finish.PLANKS, [tones[0], tones[1], tones[0], tones[1]], {})
    long_walls, short_walls = _shuffled(home, ("north", "south")), _shuffled(home, ("east", "west"))
    home.by_wall(decor.window(1.5, 1.15), short_walls[0], 0, z=0.95)
    sitting_corner(home, 0, long_walls[0])
    shelf = f.shelf(0.9, 1.75, 4, _pick(home, (PAINTED, BEECH, OAK)))
    design = home.new_design()
    shelves = [home.by_wall(shelf, wall, 0, design=design) for wall in (long_walls[1], short_walls[1])]
    working_corner(home, 0, long_walls[1])
    dining_table(home, 0, 1.25, 0.8)
    home.by_wall(f.cabinet(1.1, 0.4, 0.75, _pick(home, (PAINTED, OAK, WALNUT)), 3), short_walls[0], 0)
    home.by_wall(decor.floor_lamp((0.98, 0.90, 0.70)), short_walls[1], 0)
    green = home.new_design()
    plant = decor.big_plant(_pick(home, PALETTE), 14, 1.1, 0.0)
    for wall in (short_walls[0], long_walls[0]):
        home.by_wall(plant, wall, 0, gap=0.03, margin=0.0, design=green)
    for wall in (long_walls[0], short_walls[1]):
        home.by_wall(decor.picture(0.8, 0.6, WALNUT, _pick(home, PALETTE)), wall, 0, z=1.4)
    boards = [s for s in home.spots if any(s.rect.holds(*i.position[:2]) for i in shelves if i) and 0.3 < s.z < 1.4]
    books = book_rows(home, boards[::2], max(0, objects // 4))
    return [*books, *scatter(home, max(0, objects - len(books)) + objects // 5)]


def sitting_corner(home: Home, room: int, wall: str) -> None:
    """A sofa with cushions, a coffee table before it, a rug beneath."""
    color = _pick(home, ((0.35, 0.45, 0.52), (0.62, 0.56, 0.48), (0.50, 0.24, 0.22), (0.33, 0.42, 0.34)))
    sofa = home.by_wall(f.sofa(1.9, color), wall, room)
    if sofa is None:
        return
    low, high = box_of(sofa.mesh, sofa.position, sofa.yaw)
    pattern, design = cushion(_pick(home, PALETTE), 1.0), home.new_design()
    forward = {"north": (0, -1), "south": (0, 1), "east": (-1, 0), "west": (1, 0)}[wall]
    across = 0 if wall in ("north", "south") else 1
    for side in (-1, 1):
        place = [float(sofa.position[0]) + 0.12 * -forward[0], float(sofa.position[1]) + 0.12 * -forward[1], 0.47]
        place[across] += side * (float(high[across] - low[across]) / 2 - 0.42)
        home.add(pattern, place, sofa.yaw, room, design)
    centre = [float(sofa.position[k]) + 1.0 * forward[k] for k in range(2)]
    piece = f.table(0.95, 0.55, 0.42, _pick(home, (OAK, WALNUT, PAINTED)))
    home.try_add(piece, (*centre, 0.0), sofa.yaw, room)
    rug = decor.rug(2.0, 1.3, _pick(home, PALETTE), Finish.CHECKS if home.rng.random() < 0.5 else Finish.STRIPES)
    home.add(rug, (*centre, 0.0), sofa.yaw, room, solid=False)


def working_corner(home: Home, room: int, wall: str) -> None:
    """A desk with a monitor, a keyboard and a lamp, and a swivel chair before it."""
    desk = home.by_wall(f.table(1.3, 0.65, 0.73, _pick(home, (PAINTED, BEECH, OAK))), wall, room)
    if desk is None:
        return
    forward = {"north": (0, -1), "south": (0, 1), "east": (-1, 0), "west": (1, 0)}[wall]
    side = (-forward[1], forward[0])

    def at(along: float, ahead: float, z: float) -> tuple[float, float, float]:
        place = [float(desk.position[k]) + along * side[k] + ahead * forward[k] for k in range(2)]
        return place[0], place[1], z

    home.add(decor.television(0.56), at(0.0, -0.12, 0.73), desk.yaw, room)
    home.add(keyboard(_pick(home, PALETTE), 1.0), at(0.0, 0.14, 0.73), desk.yaw, room)
    home.add(desk_lamp(_pick(home, PALETTE), 1.1), at(0.5, -0.12, 0.73), desk.yaw, room)
    chair = f.office_chair(_pick(home, ((0.2, 0.22, 0.28), (0.55, 0.2, 0.2), (0.2, 0.35, 0.5))))
    home.try_add(chair, at(float(home.rng.uniform(-0.15, 0.15)), 0.75, 0.0), desk.yaw + 180.0, room)


def dining_table(home: Home, room: int, width: float, depth: float) -> None:
    """A table with four chairs alike pushed under it."""
    wood = _pick(home, (OAK, BEECH, WALNUT))
    table = home.anywhere(f.table(width, depth, 0.74, wood), room, margin=0.35, wall=0.75)
    if table is None:
        return
    chair = f.chair(wood, _pick(home, PALETTE))
    design = home.new_design()
    low, high = box_of(table.mesh, table.position, table.yaw)
    half = (high - low)[:2] / 2
    long_axis = 0 if half[0] > half[1] else 1
    for end in (-1, 1):
        for k in (-0.5, 0.5):
            place = [float(v) for v in table.position[:2]]
            place[long_axis] += k * float(half[long_axis]) * 1.02
            place[1 - long_axis] += end * (float(half[1 - long_axis]) + float(home.rng.uniform(0.02, 0.16)))
            back = (0.0 if end > 0 else 180.0) if long_axis == 0 else (-90.0 if end > 0 else 90.0)
            home.add(chair, (*place, 0.0), back + float(home.rng.uniform(-12, 12)), room, design)


def _lamp(home: Home, room: int) -> Float64[ndarray, "3"]:
    x, y = home.rooms[room].centre
    return np.array([x + home.rng.uniform(-0.4, 0.4), y + home.rng.uniform(-0.4, 0.4), home.height - 0.15])


def _pick(home: Home, choices: Sequence[Color]) -> Color:
    return choices[int(home.rng.integers(len(choices)))]


def _shuffled(home: Home, choices: tuple[str, ...]) -> list[str]:
    return [choices[int(k)] for k in home.rng.permutation(len(choices))]
