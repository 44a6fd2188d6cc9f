"""A flat as scans of homes show it: pale walls, and large pale things side by side along them.

Walls, curtains, doors, refrigerator and cabinets touch one another and differ little in colour, which is where objects
of real scans are lost; small things stand on tables and shelves as in the other scenes.
"""

import numpy as np

from gsseg.sample import decor, fronts
from gsseg.sample import furniture as f
from gsseg.sample.clutter import book_rows, scatter
from gsseg.sample.flat import Doors, by_length, connected, doorways, floor_plan, somewhere
from gsseg.sample.furniture import Color, Piece
from gsseg.sample.mesh import Finish
from gsseg.sample.objects import PALETTE, desk_lamp
from gsseg.sample.placement import WALL_YAW, Home, Item, Rect, box_of
from gsseg.sample.room import BEECH, OAK, WALNUT, dining_table, sitting_corner, working_corner
from gsseg.sample.shell import add_shell, door_zone

PALE: tuple[Color, ...] = ((0.90, 0.89, 0.85), (0.87, 0.86, 0.83), (0.91, 0.88, 0.81), (0.86, 0.88, 0.87))
"""Paint of walls, doors, curtains and cabinets."""
_AREA = 13.0
"""Square metres of a room, on average."""
_FLOORS = ((0.62, 0.47, 0.33), (0.56, 0.54, 0.51), (0.70, 0.62, 0.50))


def furnish_scan(home: Home, objects: int) -> list[Item]:
    """Fills ``home`` with one to three rooms and returns its small things, those to spare last."""
    count = int(home.rng.choice([1, 2, 2, 3]))
    doors: Doors = []
    while not connected(home.rooms, doors):
        home.rooms[:] = floor_plan(home.rng, count, _AREA)
        doors = doorways(home)
    paint = _pick(home, PALE)
    for room, rect in enumerate(home.rooms):
        home.lights.append(np.array([*rect.centre, home.height - 0.15]))
        floor = _pick(home, _FLOORS)
        add_shell(home, room, floor, Finish.PLANKS if floor[0] > 0.6 else Finish.CLOTH, [paint] * 4, doors[room])
        for wall, ends in doors[room].items():
            home.taken.append(np.array(door_zone(rect, wall, ends)))
    kinds = {1: ("studio",), 2: ("living", "bed"), 3: ("living", "bed", "office")}[count]
    largest_first = sorted(range(count), key=lambda room: -home.rooms[room].area)
    for room, kind in zip(largest_first, kinds, strict=True):
        _furnish(home, room, kind)
    boards = [spot for spot in home.spots if spot.headroom < 1 and 0.3 < spot.z < 1.5]
    books = book_rows(home, boards[::2], objects // 4)
    return [*books, *scatter(home, objects - len(books) + objects // 5)]


def _furnish(home: Home, room: int, kind: str) -> None:
    walls = by_length(home, room)
    wood = (OAK, BEECH, WALNUT)[int(home.rng.integers(3))]
    if kind in ("studio", "living"):
        _kitchen(home, room, walls[0])
        sitting_corner(home, room, walls[1])
    if kind in ("studio", "bed"):
        somewhere(home, room, f.bed(1.4, PALETTE[int(home.rng.integers(len(PALETTE)))], wood), walls[::-1])
        closet = fronts.tall_cabinet(1.5, 2.05, _pick(home, PALE), 3)
        door = fronts.closed_door(0.8, 2.0, _pick(home, PALE))
        _row(home, room, walls[1] if kind == "bed" else walls[2], [closet, door])
        stand = somewhere(home, room, f.cabinet(0.42, 0.38, 0.5, wood, 1, "nightstand"), walls[::-1])
        if stand is not None:
            home.try_add(desk_lamp(PALETTE[4], 1.0), (*stand.position[:2], 0.5), stand.yaw, room, margin=0.0)
    if kind in ("living", "office"):
        dining_table(home, room, 1.1, 0.75)
        _row(home, room, walls[2], [fronts.closed_door(0.8, 2.0, _pick(home, PALE))])
    if kind == "office":
        working_corner(home, room, walls[0])
        home.by_wall(fronts.board(1.5, 0.9, (0.93, 0.93, 0.92)), walls[1], room, z=1.0, margin=0.0)
        somewhere(home, room, f.sofa(1.5, (0.3, 0.38, 0.45)), walls[1:])
    _window(home, room, walls[3])
    somewhere(home, room, f.shelf(0.85, 1.8, 5, wood), walls[::-1])
    somewhere(home, room, f.cabinet(1.0, 0.4, 0.75, wood, 2, "sideboard"), walls)
    somewhere(home, room, decor.big_plant((0.6, 0.35, 0.25), 14, 1.0, 0.0), walls)
    picture = decor.picture(0.7, 0.5, WALNUT, PALETTE[int(home.rng.integers(len(PALETTE)))])
    home.by_wall(picture, walls[1], room, z=1.4)


def _kitchen(home: Home, room: int, wall: str) -> None:
    """Refrigerator, tall cabinet, counter, cooker and hanging cabinets in one row without gaps."""
    paint, top = _pick(home, PALE), (OAK, WALNUT)[int(home.rng.integers(2))]
    row: list[Piece] = [
        fronts.tall_cabinet(0.6, 2.05, paint, 1, "pantry"), f.fridge(),
        fronts.base_cabinets(1.2, paint, top, 3), fronts.oven(_pick(home, PALE)),
    ]  # fmt: skip
    placed = _row(home, room, wall, row)
    for item in placed:
        if item.name == "counter":
            hung = fronts.upper_cabinets(1.2, paint, 3)
            home.try_add(hung, _against(home, room, wall, hung, item.position, 1.42), item.yaw, room, margin=0.0)


def _window(home: Home, room: int, wall: str) -> None:
    """A window between two curtains of nearly the wall's colour."""
    cloth = _pick(home, PALE)
    window = home.by_wall(decor.window(1.1, 1.15), wall, room, z=0.9, margin=0.6)
    if window is None:
        return
    design = home.new_design()
    along = 0 if wall in ("north", "south") else 1
    for side in (-1, 1):
        hanging = fronts.curtain(0.7, 2.2, cloth)
        at = window.position.copy()
        at[along] += side * (0.55 + 0.35 + 0.01)
        home.try_add(hanging, _against(home, room, wall, hanging, at, 0.06), window.yaw, room, design, 0.0)


def _row(home: Home, room: int, wall: str, pieces: list[Piece]) -> list[Item]:
    """Places pieces side by side along a wall, one centimetre apart, where most of them fit."""
    rect, along = home.rooms[room], 0 if wall in ("north", "south") else 1
    low, high = (rect.x0, rect.x1) if along == 0 else (rect.y0, rect.y1)
    total = sum(float(piece.mesh.size[0]) + 0.01 for piece in pieces)
    starts = [low + 0.03, *np.linspace(low + 0.03, max(low + 0.04, high - total - 0.03), 12)[::-1]]
    best: list[tuple[Piece, np.ndarray]] = []
    for start in starts:
        fits: list[tuple[Piece, np.ndarray]] = []
        for piece in pieces:
            width, at = float(piece.mesh.size[0]), np.zeros(3)
            at[along] = start + width / 2
            start += width + 0.01
            place = _against(home, room, wall, piece, at, 0.0)
            bounds = box_of(piece.mesh, place, WALL_YAW[wall])
            if rect.holds(*bounds[0, :2]) and rect.holds(*bounds[1, :2]) and home.is_free(bounds):
                fits.append((piece, place))
        best = fits if len(fits) > len(best) else best
    return [home.add(piece, place, WALL_YAW[wall], room) for piece, place in best]


def _against(home: Home, room: int, wall: str, piece: Piece, at: np.ndarray, z: float) -> np.ndarray:
    """A place with the piece's back one centimetre from the wall, along it where ``at`` is."""
    rect: Rect = home.rooms[room]
    low, high = box_of(piece.mesh, np.zeros(3), WALL_YAW[wall])
    place = np.array([at[0], at[1], z], float)
    if wall in ("north", "south"):
        place[1] = rect.y1 - high[1] - 0.01 if wall == "north" else rect.y0 - low[1] + 0.01
    else:
        place[0] = rect.x1 - high[0] - 0.01 if wall == "east" else rect.x0 - low[0] + 0.01
    return place


def _pick(home: Home, choices: tuple[Color, ...]) -> Color:
    return choices[int(home.rng.integers(len(choices)))]
