"""Small things for a home: designs with several copies, far apart, side by side and stacked."""

import numpy as np
from numpy import ndarray

from gsseg.sample.furniture import Piece
from gsseg.sample.objects import PALETTE, SMALL, standing_book
from gsseg.sample.placement import Home, Item, Rect, Spot

_STACKED = ("box", "book", "plate", "bowl")
_ON_FLOOR = ("ball", "box", "teddy")
_COPIES = (3, 2, 4, 2, 3, 1)
"""How many copies the designs have, in turn."""


def scatter(home: Home, count: int) -> list[Item]:
    """Adds about ``count`` small things to the home's surfaces and floors and returns them in order of placing.

    The second copy of a design goes as far from the first as there is room for it, the third next to the first (or
    on top of it), the fourth far away again: the three cases that a segmentation has to tell apart.
    """
    placed: list[Item] = []
    colours = home.rng.permutation(len(PALETTE))
    for turn in range(20 * count):  # a crowded home may have no room for all
        if len(placed) >= count:
            break
        maker = SMALL[turn % len(SMALL)]
        colour = PALETTE[colours[(turn + turn // len(SMALL)) % len(PALETTE)]]
        piece = maker(colour, float(home.rng.uniform(1.1, 1.5)))
        design, copies = home.new_design(), _COPIES[turn % len(_COPIES)]
        spots = [*home.spots, *(_floors(home) if piece.name in _ON_FLOOR else [])]
        first: Item | None = None
        for copy in range(min(copies, count - len(placed))):
            item = None
            if copy == 2 and first is not None:
                item = _beside(home, piece, first, design, spots)
            elif first is None:
                item = _first_that_fits(home, piece, design, [spots[k] for k in home.rng.permutation(len(spots))])
            else:
                origin = first.position
                item = _first_that_fits(home, piece, design, sorted(spots, key=lambda s: -_distance(s, origin)))
            if item is not None:
                placed.append(item)
                first = first or item
    return placed


def book_rows(home: Home, spots: list[Spot], count: int) -> list[Item]:
    """Stands rows of books on shelf boards: alike, touching, and one instance each."""
    placed: list[Item] = []
    for spot in spots:
        along_x = spot.rect.x1 - spot.rect.x0 > spot.rect.y1 - spot.rect.y0
        start = home.rng.uniform(0.03, 0.2)
        pieces = [
            (
                standing_book(PALETTE[home.rng.integers(len(PALETTE))], float(home.rng.uniform(1.0, 1.25))),
                home.new_design(),
            )
            for _ in range(2)
        ]
        for _ in range(int(home.rng.integers(3, 6))):
            if len(placed) >= count:
                return placed
            piece, design = pieces[int(home.rng.integers(2))]
            width = float(piece.mesh.size[0]) + 0.004
            centre = np.array([*spot.rect.centre, spot.z])
            axis = 0 if along_x else 1
            centre[axis] = (spot.rect.x0 if along_x else spot.rect.y0) + start + width / 2
            start += width
            item = home.try_add(piece, centre, 0.0 if along_x else 90.0, spot.room, design, -0.001, spot.owner)
            if item is not None:
                placed.append(item)
    return placed


def _beside(home: Home, piece: Piece, first: Item, design: int, spots: list[Spot]) -> Item | None:
    if piece.name in _STACKED:
        item = home.on_top(piece, first, design)
        if item is not None:
            return item
    near = [s for s in spots if s.rect.holds(*first.position[:2]) and abs(s.z - first.position[2]) < 0.01]
    for spot in near:
        item = home.on_spot(piece, spot, design, near=first.position)
        if item is not None:
            return item
    return None


def _first_that_fits(home: Home, piece: Piece, design: int, spots: list[Spot]) -> Item | None:
    for spot in spots:
        item = home.on_spot(piece, spot, design)
        if item is not None:
            return item
    return None


def _distance(spot: Spot, place: ndarray) -> float:
    return float(np.hypot(spot.rect.centre[0] - place[0], spot.rect.centre[1] - place[1]))


def _floors(home: Home) -> list[Spot]:
    """The floors as spots, away from the walls."""
    rects = [Rect(r.x0 + 0.3, r.x1 - 0.3, r.y0 + 0.3, r.y1 - 0.3) for r in home.rooms]
    return [Spot(rect, 0.0, 9.0, room) for room, rect in enumerate(rects)]
