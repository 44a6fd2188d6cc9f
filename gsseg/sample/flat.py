"""A flat of three to five rooms joined by doorways: large things beside many small ones, as in a scan of a home."""

import numpy as np

from gsseg.sample import decor
from gsseg.sample import furniture as f
from gsseg.sample.clutter import book_rows, scatter
from gsseg.sample.mesh import Finish
from gsseg.sample.objects import PALETTE, desk_lamp
from gsseg.sample.placement import Home, Item, Rect
from gsseg.sample.room import BEECH, OAK, PAINTED, WALL_TONES, WALNUT, dining_table, sitting_corner, working_corner
from gsseg.sample.shell import add_shell, door_zone

_BETWEEN = 0.08
"""Metres of wall between two rooms."""
_DOOR = 0.85
"""Metres a doorway is wide."""
_AREA = 7.6
"""Square metres of a room, on average."""
Doors = list[dict[str, tuple[float, float]]]


def furnish_flat(home: Home, objects: int) -> list[Item]:
    """Fills ``home`` with a flat and returns its small things, those to spare last."""
    count = int(home.rng.choice([3, 3, 3, 4, 4, 5]))
    doors: Doors = []
    while not connected(home.rooms, doors):
        home.rooms[:] = floor_plan(home.rng, count, _AREA)
        doors = doorways(home)
    kinds = ["living", "bed", "kitchen", "bath", "office"][:count]
    largest_first = sorted(range(count), key=lambda r: -home.rooms[r].area)
    order = dict(
        zip(largest_first, [k for k in ("living", "bed", "kitchen", "office", "bath") if k in kinds], strict=True)
    )
    for room, rect in enumerate(home.rooms):
        home.lights.append(np.array([*rect.centre, home.height - 0.15]))
        tone = WALL_TONES[int(home.rng.integers(len(WALL_TONES)))]
        tiled = order[room] == "bath"
        floor = (
            (0.78, 0.78, 0.76) if tiled or order[room] == "kitchen" else [OAK, BEECH, WALNUT][int(home.rng.integers(3))]
        )
        finish = Finish.TILES if tiled or order[room] == "kitchen" else Finish.PLANKS
        add_shell(home, room, floor, finish, [tone] * 4, doors[room], Finish.TILES if tiled else Finish.PLASTER)
        for wall, ends in doors[room].items():
            home.taken.append(np.array(door_zone(rect, wall, ends)))
    for room in range(count):
        _furnish(home, room, order[room])
    boards = [s for s in home.spots if s.headroom < 1 and 0.3 < s.z < 1.5]
    books = book_rows(home, boards[::2], objects // 4)
    return [*books, *scatter(home, objects - len(books) + objects // 5)]


def floor_plan(rng: np.random.Generator, count: int, each: float) -> list[Rect]:
    """Cuts a rectangle into rooms of ``each`` square metres on average: always the largest, across its longer side."""
    area = each * count
    width = float(np.sqrt(area * rng.uniform(1.1, 1.5)))
    rooms = [Rect(0.0, width, 0.0, area / width)]
    while len(rooms) < count:
        rooms.sort(key=lambda r: r.area)
        r, cut = rooms.pop(), rng.uniform(0.42, 0.58)
        if r.x1 - r.x0 > r.y1 - r.y0:
            x = r.x0 + cut * (r.x1 - r.x0)
            rooms += [Rect(r.x0, x - _BETWEEN / 2, r.y0, r.y1), Rect(x + _BETWEEN / 2, r.x1, r.y0, r.y1)]
        else:
            y = r.y0 + cut * (r.y1 - r.y0)
            rooms += [Rect(r.x0, r.x1, r.y0, y - _BETWEEN / 2), Rect(r.x0, r.x1, y + _BETWEEN / 2, r.y1)]
    return rooms


def doorways(home: Home) -> Doors:
    """One doorway in each wall that two rooms share, where it is long enough and the wall has none yet."""
    doors: Doors = [{} for _ in home.rooms]
    for a, first in enumerate(home.rooms):
        for b, second in enumerate(home.rooms):
            for axis, (wall_a, wall_b) in enumerate((("east", "west"), ("north", "south"))):
                (end, start), (lo, hi) = _facing(first, second, axis)
                touching = abs(start - end - _BETWEEN) < 1e-6
                if a == b or not touching or hi - lo < _DOOR + 0.3 or wall_a in doors[a] or wall_b in doors[b]:
                    continue
                at = home.rng.uniform(lo + 0.1, hi - 0.1 - _DOOR)
                doors[a][wall_a] = doors[b][wall_b] = (float(at), float(at) + _DOOR)
    return doors


def connected(rooms: list[Rect], doors: Doors) -> bool:
    """Whether every room can be walked to from the first."""
    if not rooms:
        return False
    reached, fresh = {0}, [0]
    while fresh:
        here = doors[fresh.pop()].values()
        for room in range(len(rooms)):
            if room not in reached and any(ends in doors[room].values() for ends in here):
                reached.add(room)
                fresh.append(room)
    return len(reached) == len(rooms)


def _facing(a: Rect, b: Rect, axis: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where ``a`` ends and ``b`` begins along an axis, and the stretch that they share along the other one."""
    if axis == 0:
        return (a.x1, b.x0), (max(a.y0, b.y0), min(a.y1, b.y1))
    return (a.y1, b.y0), (max(a.x0, b.x0), min(a.x1, b.x1))


def _furnish(home: Home, room: int, kind: str) -> None:
    walls = by_length(home, room)
    wood = [OAK, BEECH, WALNUT, PAINTED][int(home.rng.integers(4))]
    if kind == "living":
        sitting_corner(home, room, walls[0])
        somewhere(home, room, f.cabinet(1.3, 0.4, 0.5, wood, 3, "sideboard"), walls[1:])
        stand = home.items[-1]
        if stand.name == "sideboard":
            home.try_add(decor.television(1.0), (*stand.position[:2], 0.5), stand.yaw, room, margin=0.0)
        somewhere(home, room, f.shelf(0.9, 1.8, 4, wood), walls)
        somewhere(home, room, f.sofa(0.9, (0.55, 0.5, 0.42)), walls)
        somewhere(home, room, decor.floor_lamp((0.98, 0.9, 0.7)), walls)
        somewhere(home, room, decor.big_plant((0.6, 0.35, 0.25), 14, 1.1, 0.0), walls)
    elif kind == "bed":
        somewhere(home, room, f.bed(1.5, PALETTE[int(home.rng.integers(len(PALETTE)))], wood), walls)
        table, lamp = f.cabinet(0.42, 0.38, 0.5, wood, 1, "nightstand"), desk_lamp(PALETTE[4], 1.0)
        table_design, lamp_design = home.new_design(), home.new_design()
        for _ in range(2):
            stand = somewhere(home, room, table, walls, table_design)
            if stand is not None:
                home.try_add(lamp, (*stand.position[:2], 0.5), stand.yaw, room, lamp_design, 0.0)
        somewhere(home, room, f.cabinet(1.2, 0.58, 2.0, wood, 3, "wardrobe"), walls)
        somewhere(home, room, f.chair(wood, (0.7, 0.3, 0.25)), walls)
    elif kind == "kitchen":
        somewhere(home, room, f.cabinet(1.8, 0.6, 0.9, PAINTED, 4, "counter"), walls)
        somewhere(home, room, f.fridge(), walls)
        dining_table(home, room, 1.0, 0.7)
        somewhere(home, room, f.stool(wood), walls)
    elif kind == "bath":
        for piece in (f.bathtub(), f.toilet(), f.washbasin(), f.cabinet(0.5, 0.35, 0.8, PAINTED, 1)):
            somewhere(home, room, piece, walls)
    else:
        working_corner(home, room, walls[0])
        shelf, design = f.shelf(0.8, 1.8, 5, wood), home.new_design()
        for _ in range(2):
            somewhere(home, room, shelf, walls, design)
        somewhere(home, room, f.sofa(1.5, (0.3, 0.38, 0.45)), walls)
        somewhere(home, room, decor.big_plant((0.8, 0.8, 0.78), 12, 0.9, 40.0), walls)
    home.by_wall(decor.window(1.1, 1.0), walls[2], room, z=1.0)
    home.by_wall(decor.picture(0.7, 0.5, WALNUT, PALETTE[int(home.rng.integers(len(PALETTE)))]), walls[1], room, z=1.4)


def by_length(home: Home, room: int) -> list[str]:
    rect = home.rooms[room]
    wide = ["north", "south"] if home.rng.random() < 0.5 else ["south", "north"]
    tall = ["east", "west"] if home.rng.random() < 0.5 else ["west", "east"]
    return wide + tall if rect.x1 - rect.x0 > rect.y1 - rect.y0 else tall + wide


def somewhere(home: Home, room: int, piece: f.Piece, walls: list[str], design: int | None = None) -> Item | None:
    """Places a piece by the first wall that has room for it."""
    for wall in walls:
        item = home.by_wall(piece, wall, room, design=design)
        if item is not None:
            return item
    return None
