"""Small things: what stands on tables and shelves, in designs of which a room holds several copies.

Frame as in `gsseg.sample.mesh`. A design is a shape with its size and colours drawn; its copies are identical.
"""

from collections.abc import Callable

import numpy as np

from gsseg.sample.furniture import DARK, STEEL, WHITE, Color, Piece
from gsseg.sample.mesh import Finish, Mesh, ball, box, cylinder, joined, lathe, leaf, ring

PALETTE: tuple[Color, ...] = (
    (0.78, 0.22, 0.18),
    (0.90, 0.62, 0.15),
    (0.22, 0.45, 0.72),
    (0.26, 0.58, 0.36),
    (0.86, 0.84, 0.78),
    (0.48, 0.28, 0.55),
    (0.15, 0.55, 0.58),
    (0.92, 0.55, 0.50),
    (0.30, 0.32, 0.36),
    (0.80, 0.74, 0.30),
)


def mug(color: Color, scale: float) -> Piece:
    """An open cup with a handle."""
    body = lathe([(0, 0), (0.04, 0), (0.042, 0.1), (0.036, 0.1), (0.034, 0.012), (0, 0.012)], color)
    handle = ring(0.028, 0.007, (0, 0, 0), color).turned(0, 90).moved((0.058, 0, 0.05))
    return Piece("mug", _scaled(joined([body, handle.part(1)]), scale))


def bottle(color: Color, scale: float) -> Piece:
    """A wine bottle with a label."""
    glass = lathe([(0, 0), (0.038, 0), (0.038, 0.19), (0.014, 0.23), (0.014, 0.3), (0, 0.3)], color)
    label = lathe([(0.0385, 0.05), (0.0385, 0.14)], WHITE, Finish.LABEL)
    return Piece("bottle", _scaled(joined([glass, label.part(1)]), scale))


def bowl(color: Color, scale: float) -> Piece:
    """A bowl, wider than high."""
    profile = [(0, 0), (0.05, 0), (0.11, 0.075), (0.105, 0.078), (0.045, 0.012), (0, 0.012)]
    return Piece("bowl", _scaled(lathe(profile, color), scale))


def plate(color: Color, scale: float) -> Piece:
    """A flat plate: an object of 2 cm height, hard to tell from its table."""
    profile = [(0, 0), (0.06, 0), (0.12, 0.02), (0.118, 0.024), (0.06, 0.006), (0, 0.006)]
    return Piece("plate", _scaled(lathe(profile, color, segments=28), scale))


def vase(color: Color, scale: float) -> Piece:
    """A bellied vase."""
    heights = np.linspace(0, 0.26, 12)
    radii = 0.045 + 0.035 * np.sin(heights / 0.26 * np.pi * 1.25 - 0.1)
    profile = [(0.0, 0.0), *zip(radii, heights, strict=True), (float(radii[-1]) - 0.008, 0.255), (0.03, 0.2), (0, 0.2)]
    return Piece("vase", _scaled(lathe([(float(r), float(z)) for r, z in profile], color), scale))


def toy_ball(color: Color, scale: float) -> Piece:
    """A striped ball."""
    return Piece("ball", ball(0.09 * scale, (0, 0, 0), color, Finish.STRIPES))


def apple(color: Color, scale: float) -> Piece:
    """A fruit with a stem."""
    fruit = ball(0.042, (0, 0, 0), color, squash=(1, 1, 0.92), rings=8)
    return Piece("apple", _scaled(joined([fruit, cylinder(0.004, 0.02, (0, 0, 0.074), (0.3, 0.2, 0.1))]), scale))


def book(color: Color, scale: float) -> Piece:
    """A lying book: cover and page block."""
    pages = box((0.15, 0.205, 0.028), (0.004, 0, 0.004), WHITE, Finish.LABEL)
    covers = [box((0.16, 0.22, 0.004), (0, 0, z), color, Finish.LABEL) for z in (0, 0.032)]
    spine = box((0.004, 0.22, 0.036), (-0.078, 0, 0), color, Finish.LABEL)
    return Piece("book", _scaled(joined([*covers, spine, pages.part(1)]), scale))


def standing_book(color: Color, scale: float) -> Piece:
    """The same book on its lower edge, spine to the front."""
    mesh = book(color, scale).mesh.turned(1, 90).turned(0, 90).turned(2, 90)
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    centred = mesh.moved((-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]))
    return Piece("book", centred)


def carton(color: Color, scale: float) -> Piece:
    """A cardboard box with a strip of tape; boxes are stacked."""
    body = box((0.22, 0.17, 0.14), (0, 0, 0), color, Finish.PLAIN)
    tape = box((0.222, 0.04, 0.1405), (0, 0, 0.0003), tuple(0.75 * c for c in color))
    return Piece("box", _scaled(joined([body, tape.part(1)]), scale))


def small_plant(color: Color, scale: float) -> Piece:
    """A pot plant."""
    pot = lathe([(0, 0), (0.045, 0), (0.06, 0.09), (0.05, 0.09), (0.05, 0.08), (0, 0.08)], color)
    leaves = [
        leaf(0.15, 0.06, (0, 0, 0.08), 75 - 50 * ((k * 0.618) % 1), 137.5 * k, (0.2, 0.45 + 0.04 * (k % 4), 0.18))
        for k in range(12)
    ]
    return Piece("small plant", _scaled(joined([pot, joined(leaves).part(1)]), scale))


def desk_lamp(color: Color, scale: float) -> Piece:
    """A table lamp with a glowing shade."""
    foot = lathe([(0, 0), (0.07, 0), (0.06, 0.03), (0.015, 0.05), (0.012, 0.25), (0, 0.25)], color)
    shade = lathe([(0, 0.23), (0.11, 0.22), (0.07, 0.38), (0, 0.37)], (0.98, 0.90, 0.72), Finish.GLOW)
    return Piece("lamp", _scaled(joined([foot, shade.part(1)]), scale))


def laptop(color: Color, scale: float) -> Piece:
    """An open laptop."""
    base = box((0.33, 0.23, 0.016), (0, 0, 0), color)
    keys = box((0.29, 0.11, 0.002), (0, 0.03, 0.016), DARK, Finish.CHECKS)
    lid = joined([
        box((0.33, 0.01, 0.22), (0, 0, 0), color),
        box((0.31, 0.002, 0.2), (0, -0.006, 0.01), (0.12, 0.2, 0.35), Finish.SCREEN),
    ]).turned(0, -15).moved((0, 0.12, 0.012))  # fmt: skip
    return Piece("laptop", _scaled(joined([base, keys, lid.part(1)]), scale))


def keyboard(color: Color, scale: float) -> Piece:
    """A flat keyboard."""
    body = box((0.42, 0.14, 0.02), (0, 0, 0), tuple(0.4 * c for c in color))
    keys = box((0.40, 0.12, 0.008), (0, 0, 0.02), DARK, Finish.CHECKS)
    return Piece("keyboard", _scaled(joined([body, keys]), scale))


def teddy(color: Color, scale: float) -> Piece:
    """A sitting toy bear of seven balls."""
    fur = (0.62, 0.44, 0.26) if sum(color) > 1.4 else (0.45, 0.31, 0.22)
    body = ball(0.08, (0, 0, 0), fur, Finish.CLOTH, (1, 0.9, 1.15), 8)
    head = ball(0.06, (0, -0.01, 0.165), fur, Finish.CLOTH, rings=8)
    ears = [ball(0.022, (s * 0.048, 0, 0.25), fur, Finish.CLOTH, rings=6) for s in (-1, 1)]
    limbs = [ball(0.034, (s * 0.065, -0.08, 0), fur, Finish.CLOTH, (0.9, 1.6, 0.9), 6) for s in (-1, 1)]
    arms = [ball(0.03, (s * 0.085, -0.03, 0.07), fur, Finish.CLOTH, (0.9, 0.9, 1.4), 6) for s in (-1, 1)]
    snout = ball(0.026, (0, -0.066, 0.185), (0.85, 0.75, 0.6), Finish.CLOTH, rings=6)
    return Piece(
        "teddy", _scaled(joined([body, joined([*limbs, *arms]).part(1), joined([head, *ears, snout]).part(2)]), scale)
    )


def clock(color: Color, scale: float) -> Piece:
    """A round table clock on two feet."""
    case = cylinder(0.08, 0.04, (0, 0, 0), color)
    face = joined([
        cylinder(0.068, 0.003, (0, 0, 0.04), WHITE),
        box((0.006, 0.05, 0.004), (0, 0.022, 0.043), DARK),
        box((0.036, 0.006, 0.004), (0.016, 0, 0.043), DARK),
    ])  # fmt: skip
    disc = joined([case, face.part(1)]).turned(0, 90).moved((0, 0.02, 0.09))
    feet = [box((0.02, 0.04, 0.02), (s * 0.045, 0, 0), STEEL) for s in (-1, 1)]
    return Piece("clock", _scaled(joined([disc, *feet]), scale))


def cushion(color: Color, scale: float) -> Piece:
    """A patterned cushion leaning backwards."""
    mesh = ball(0.22, (0, 0, 0), color, Finish.CHECKS, (1, 0.42, 1), 10).turned(0, -18)
    return Piece("cushion", _scaled(mesh.moved((0, 0, -float(mesh.vertices[:, 2].min()))), scale))


def _scaled(mesh: Mesh, scale: float) -> Mesh:
    return Mesh(mesh.vertices * scale, mesh.normals, mesh.faces, mesh.colors, mesh.finishes, mesh.parts)


Maker = Callable[[Color, float], Piece]
SMALL: tuple[Maker, ...] = (
    mug, bottle, book, bowl, toy_ball, carton, small_plant, vase, plate, apple, teddy, clock, desk_lamp, laptop,
)  # fmt: skip
"""Kinds in the order in which designs are drawn first."""
