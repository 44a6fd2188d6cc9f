"""Large flat things of a home that stand or hang side by side in much the same colour: what masks run together.

Frame as in `gsseg.sample.mesh`; sizes are metres, colours sRGB in 0..1.
"""

from gsseg.sample.furniture import DARK, STEEL, Color, Piece
from gsseg.sample.mesh import Finish, Mesh, box, joined

_FOLD = 0.11
"""Metres between two folds of a curtain."""


def curtain(width: float, height: float, color: Color) -> Piece:
    """A hanging curtain in folds, its back towards +y, 8 cm deep."""
    folds = max(2, round(width / _FOLD))
    step = width / folds
    strips = []
    for k in range(folds):
        x = (k - (folds - 1) / 2) * step
        strips.append(box((step * 0.62, 0.03, height), (x, 0.0, 0.0), color, Finish.CLOTH))
        strips.append(box((step * 0.5, 0.02, height), (x + step / 2, 0.025, 0.0), color, Finish.CLOTH))
    return Piece("curtain", joined(strips[:-1]))


def closed_door(width: float, height: float, color: Color) -> Piece:
    """A door leaf with a handle in its frame, its back towards +y; the frame and its two panels are parts."""
    frame = joined([
        *(box((0.07, 0.09, height + 0.07), (s * (width / 2 + 0.035), 0, 0), color) for s in (-1, 1)),
        box((width, 0.09, 0.07), (0, 0, height), color),
    ])  # fmt: skip
    leaf = box((width, 0.05, height), (0, 0.015, 0), color)
    panels = [
        box((width - 0.24, 0.008, tall), (0, -0.014, z), tuple(0.96 * c for c in color)).part(2 + k)
        for k, (tall, z) in enumerate(((0.42 * height, 0.12), (0.36 * height, 0.56 * height)))
    ]
    handle = box((0.12, 0.05, 0.02), (width / 2 - 0.12, -0.035, 1.0), STEEL)
    return Piece("door", joined([joined([leaf, handle]), frame.part(1), *panels]))


def upper_cabinets(width: float, color: Color, doors: int) -> Piece:
    """Kitchen cabinets that hang on a wall; each door is a part."""
    return Piece(
        "cabinets", joined([box((width, 0.34, 0.7), (0, 0, 0), color), *_doors(width, 0.34, 0.7, color, doors)])
    )


def base_cabinets(width: float, color: Color, top: Color, doors: int) -> Piece:
    """Kitchen cabinets on a plinth under a worktop; the worktop and each door are parts."""
    body = joined([
        box((width, 0.52, 0.1), (0, 0.03, 0), DARK), box((width, 0.58, 0.76), (0, 0, 0.1), color),
    ])  # fmt: skip
    fronts = [mesh.moved((0, 0, 0.1)) for mesh in _doors(width, 0.58, 0.76, color, doors)]
    worktop = box((width, 0.62, 0.04), (0, -0.01, 0.86), top, Finish.WOOD).part(1 + doors)
    return Piece("counter", joined([body, *fronts, worktop]))


def tall_cabinet(width: float, height: float, color: Color, doors: int, name: str = "wardrobe") -> Piece:
    """A closet as high as a person, its doors flush with one another; each is a part."""
    return Piece(
        name, joined([box((width, 0.58, height), (0, 0, 0), color), *_doors(width, 0.58, height, color, doors)])
    )


def oven(color: Color) -> Piece:
    """A cooker as wide as a cabinet: white front, dark window, dark hob."""
    body = box((0.6, 0.6, 0.88), (0, 0, 0), color)
    window = box((0.46, 0.01, 0.3), (0, -0.304, 0.3), DARK).part(1)
    hob = box((0.58, 0.56, 0.015), (0, 0, 0.88), DARK).part(2)
    rail = box((0.5, 0.03, 0.02), (0, -0.315, 0.68), STEEL)
    return Piece("oven", joined([joined([body, rail]), window, hob]))


def board(width: float, height: float, color: Color) -> Piece:
    """A whiteboard on a wall: nearly the wall's own colour in a thin frame."""
    rim = box((width, 0.02, height), (0, 0, 0), STEEL)
    face = box((width - 0.04, 0.006, height - 0.04), (0, -0.013, 0.02), color).part(1)
    return Piece("whiteboard", joined([rim, face]))


def _doors(width: float, depth: float, height: float, color: Color, doors: int) -> list[Mesh]:
    """Fronts with handles before a box of that size, parts 1, 2, ..."""
    each, out = width / doors, []
    for k in range(doors):
        x = (k - (doors - 1) / 2) * each
        front = box((each - 0.012, 0.018, height - 0.012), (x, -depth / 2 - 0.009, 0.006), color)
        side = each / 2 - 0.05 if k % 2 == 0 else 0.05 - each / 2
        handle = box((0.014, 0.022, 0.13), (x + side, -depth / 2 - 0.028, 0.55 * height), STEEL)
        out.append(joined([front, handle]).part(1 + k))
    return out
