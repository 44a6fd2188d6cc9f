"""Large things of a home: what stands on the floor or hangs on a wall, and where small things can be put on it.

Frame as in `gsseg.sample.mesh`. Every function returns a `Piece`; sizes are metres, colours sRGB in 0..1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gsseg.sample.mesh import Finish, Mesh, Number, ball, box, cylinder, joined, lathe

Color = Sequence[Number]
WHITE, STEEL, DARK = (0.90, 0.89, 0.86), (0.62, 0.63, 0.65), (0.16, 0.16, 0.18)


@dataclass(frozen=True)
class Surface:
    """A level rectangle to put things on, in the piece's own frame."""

    x0: float
    x1: float
    y0: float
    y1: float
    z: float
    headroom: float
    """Metres up to the next board."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A thing without a place: copies of a piece are instances of their own."""

    name: str
    mesh: Mesh
    surfaces: tuple[Surface, ...] = ()


def _legs(width: float, depth: float, height: float, thick: float, color: Color, finish: Finish) -> list[Mesh]:
    x, y = width / 2 - thick, depth / 2 - thick
    return [box((thick, thick, height), (sx * x, sy * y, 0), color, finish) for sx in (-1, 1) for sy in (-1, 1)]


def table(width: float, depth: float, height: float, color: Color) -> Piece:
    """Four legs, an apron and a top; also a coffee table or a desk."""
    top = box((width, depth, 0.035), (0, 0, height - 0.035), color, Finish.WOOD)
    apron = box((width - 0.12, depth - 0.12, 0.07), (0, 0, height - 0.105), color, Finish.WOOD)
    legs = joined(_legs(width, depth, height - 0.035, 0.055, color, Finish.WOOD))
    surface = Surface(-width / 2 + 0.04, width / 2 - 0.04, -depth / 2 + 0.04, depth / 2 - 0.04, height, 9.0)
    return Piece("table", joined([top, apron.part(1), legs.part(1)]), (surface,))


def chair(color: Color, seat: Color) -> Piece:
    """A dining chair, its back towards +y."""
    legs = joined(_legs(0.42, 0.42, 0.43, 0.04, color, Finish.WOOD))
    cushion = box((0.42, 0.42, 0.05), (0, 0, 0.42), seat, Finish.CLOTH)
    posts = [box((0.04, 0.04, 0.45), (s * 0.18, 0.19, 0.46), color, Finish.WOOD) for s in (-1, 1)]
    slats = [box((0.36, 0.02, 0.09), (0, 0.19, z), color, Finish.WOOD) for z in (0.60, 0.79)]
    return Piece("chair", joined([cushion, legs.part(1), joined(posts + slats).part(2)]))


def stool(color: Color) -> Piece:
    """A round stool; a small thing fits on it."""
    legs = joined(_legs(0.30, 0.30, 0.44, 0.035, color, Finish.WOOD))
    top = cylinder(0.19, 0.04, (0, 0, 0.44), color, Finish.WOOD)
    return Piece("stool", joined([top, legs.part(1)]), (Surface(-0.1, 0.1, -0.1, 0.1, 0.48, 9.0),))


def office_chair(color: Color) -> Piece:
    """Five spokes, a post, a seat and a rounded back towards +y."""
    spokes = [box((0.30, 0.05, 0.05), (0.15, 0, 0.02), DARK).turned(2, 72 * k) for k in range(5)]
    post = cylinder(0.03, 0.38, (0, 0, 0.05), STEEL)
    seat = ball(0.25, (0, 0, 0.41), color, Finish.CLOTH, (1, 1, 0.22))
    back = ball(0.28, (0, 0.22, 0.56), color, Finish.CLOTH, (0.8, 0.18, 1))
    stem = box((0.06, 0.03, 0.22), (0, 0.22, 0.44), DARK)
    return Piece("office chair", joined([seat, joined([*spokes, post]).part(1), joined([back, stem]).part(2)]))


def sofa(width: float, color: Color) -> Piece:
    """Base, back, two arms and seat cushions."""
    seats = max(1, round((width - 0.4) / 0.65))
    body = [
        box((width, 0.85, 0.26), (0, 0, 0.06), color, Finish.CLOTH),
        box((width, 0.22, 0.50), (0, 0.315, 0.30), color, Finish.CLOTH),
        *(box((0.18, 0.85, 0.34), (s * (width / 2 - 0.09), 0, 0.28), color, Finish.CLOTH) for s in (-1, 1)),
    ]
    light = tuple(min(1.0, 1.12 * c) for c in color)
    inner = (width - 0.38) / seats
    cushions = [
        box((inner - 0.015, 0.60, 0.15), ((k - (seats - 1) / 2) * inner, -0.11, 0.32), light, Finish.CLOTH).part(1 + k)
        for k in range(seats)
    ]
    surface = Surface(-width / 2 + 0.22, width / 2 - 0.22, -0.36, 0.10, 0.47, 9.0)
    return Piece("sofa" if seats > 1 else "armchair", joined([*body, *cushions]), (surface,))


def bed(width: float, cover: Color, frame: Color) -> Piece:
    """Frame, mattress, a cover over two thirds of it, pillows and a headboard towards +y."""
    parts = [
        box((width, 2.05, 0.28), (0, 0, 0.05), frame, Finish.WOOD),
        box((width - 0.06, 1.95, 0.2), (0, -0.02, 0.33), WHITE, Finish.CLOTH).part(1),
        box((width + 0.02, 1.35, 0.24), (0, -0.36, 0.32), cover, Finish.STRIPES).part(2),
        box((width + 0.06, 0.06, 1.0), (0, 1.03, 0.0), frame, Finish.WOOD).part(3),
    ]
    pillows = max(1, round(width / 0.8))
    for k in range(pillows):
        at = ((k - (pillows - 1) / 2) * 0.72, 0.72, 0.5)
        parts.append(ball(0.3, at, WHITE, Finish.CLOTH, (1, 0.62, 0.22)).part(4 + k))
    surface = Surface(-width / 2 + 0.15, width / 2 - 0.15, -0.9, 0.2, 0.56, 9.0)
    return Piece("bed", joined(parts), (surface,))


def shelf(width: float, height: float, boards: int, color: Color, back: bool = True) -> Piece:
    """An open bookcase, its back towards +y."""
    depth, thick = 0.30, 0.022
    gap = (height - 0.06 - thick) / boards
    meshes = [box((thick, depth, height), (s * (width - thick) / 2, 0, 0), color, Finish.WOOD) for s in (-1, 1)]
    levels = [0.06 + k * gap for k in range(boards + 1)]
    meshes += [box((width - 2 * thick, depth, thick), (0, 0, z), color, Finish.WOOD) for z in levels]
    if back:
        panel = box((width - 2 * thick, 0.01, height - 0.06), (0, depth / 2 - 0.006, 0.06), color, Finish.WOOD)
        meshes.append(panel.part(1))
    x = width / 2 - 0.04
    surfaces = tuple(
        Surface(-x, x, -0.13, 0.12, z + thick, gap - thick if k < boards else 9.0) for k, z in enumerate(levels)
    )
    return Piece("bookshelf", joined(meshes), surfaces)


def cabinet(width: float, depth: float, height: float, color: Color, doors: int, name: str = "cabinet") -> Piece:
    """A closed box on a plinth with door fronts and handles: sideboard, wardrobe, kitchen counter."""
    parts = [
        box((width - 0.04, depth - 0.06, 0.08), (0, 0.02, 0), DARK),
        box((width, depth, height - 0.08), (0, 0, 0.08), color, Finish.WOOD),
    ]
    door = width / doors
    for k in range(doors):
        x = (k - (doors - 1) / 2) * door
        front = box((door - 0.02, 0.018, height - 0.14), (x, -depth / 2 - 0.009, 0.11), color, Finish.WOOD)
        side = door / 2 - 0.06 if k % 2 == 0 else 0.06 - door / 2
        handle = box((0.015, 0.025, 0.14), (x + side, -depth / 2 - 0.03, 0.11 + 0.6 * (height - 0.3)), STEEL)
        parts.append(joined([front, handle]).part(1 + k))
    surface = Surface(-width / 2 + 0.05, width / 2 - 0.05, -depth / 2 + 0.05, depth / 2 - 0.05, height, 9.0)
    return Piece(name, joined(parts), (surface,) if height < 1.5 else ())


def fridge() -> Piece:
    """Two steel-grey doors with handles."""
    body = box((0.62, 0.62, 1.75), (0, 0, 0.03), (0.78, 0.79, 0.80))
    doors = [box((0.61, 0.03, h), (0, -0.325, z), (0.82, 0.83, 0.84)) for h, z in ((1.08, 0.06), (0.60, 1.17))]
    handles = [box((0.025, 0.04, 0.3), (-0.25, -0.36, z), STEEL) for z in (0.80, 1.20)]
    parts = [body, *(joined([d, h]).part(1 + k) for k, (d, h) in enumerate(zip(doors, handles, strict=True)))]
    return Piece("fridge", joined(parts))


def toilet() -> Piece:
    """A bowl, a lid and a cistern."""
    bowl = lathe([(0.11, 0), (0.12, 0.2), (0.19, 0.38), (0.20, 0.40), (0, 0.40)], WHITE)
    lid = cylinder(0.205, 0.025, (0, 0, 0.405), WHITE)
    tank = box((0.40, 0.18, 0.38), (0, 0.27, 0.40), WHITE)
    foot = box((0.2, 0.28, 0.40), (0, 0.2, 0), WHITE)
    return Piece("toilet", joined([joined([bowl, foot]), lid.part(1), tank.part(2)]))


def bathtub() -> Piece:
    """A white tub along the wall."""
    wall = 0.07
    sides = [
        *(box((1.6, wall, 0.55), (0, s * (0.36 - wall / 2), 0), WHITE) for s in (-1, 1)),
        *(box((wall, 0.72 - 2 * wall, 0.55), (s * (0.8 - wall / 2), 0, 0), WHITE) for s in (-1, 1)),
        box((1.6 - 2 * wall, 0.72 - 2 * wall, 0.15), (0, 0, 0), WHITE).part(1),
    ]
    return Piece("bathtub", joined(sides), (Surface(-0.7, 0.7, -0.25, 0.25, 0.15, 9.0),))


def washbasin() -> Piece:
    """A basin on a pedestal with a tap."""
    basin = lathe([(0.05, 0.0), (0.09, 0.62), (0.27, 0.80), (0.28, 0.84), (0.23, 0.84), (0.08, 0.72), (0, 0.72)], WHITE)
    tap = joined([cylinder(0.018, 0.16, (0, 0.2, 0.82), STEEL), box((0.025, 0.15, 0.025), (0, 0.13, 0.96), STEEL)])
    return Piece("washbasin", joined([basin, tap.part(1)]))
