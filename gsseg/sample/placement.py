"""Where things stand: pieces become items of a home, none inside another.

A `Home` under construction keeps a box around each item (world axes, metres, z up; the floor is z = 0). Pieces are
tried at random places until one is free; what finds no place is left out, which callers must expect.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.sample.furniture import Piece, Surface
from gsseg.sample.mesh import Mesh, Point

Bounds = Float64[ndarray, "2 3"]
WALL_YAW = {"north": 0.0, "south": 180.0, "east": -90.0, "west": 90.0}
"""Turn that brings a piece's back (+y) to the wall at +y, -y, +x or -x."""


@dataclass(frozen=True)
class Rect:
    """A room's floor: x from ``x0`` to ``x1``, y from ``y0`` to ``y1``."""

    x0: float
    x1: float
    y0: float
    y1: float

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of its middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def area(self) -> float:
        """Square metres."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return bool(self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1)


@dataclass(frozen=True, eq=False)
class Item:
    """One instance: a piece with a place."""

    name: str
    design: int
    """Items with the same number are copies of one another."""
    mesh: Mesh
    """In the item's own frame."""
    position: Float64[ndarray, "3"]
    yaw: float
    """Degrees, counter-clockwise from above."""
    room: int
    """Index into `Home.rooms`."""
    shell: bool = False
    """A floor or wall, which other things may touch."""

    def world(self) -> Mesh:
        """The mesh in world coordinates."""
        return self.mesh.turned(2, self.yaw).moved(self.position)


@dataclass(frozen=True, eq=False)
class Spot:
    """A surface of a placed item, in world axes."""

    rect: Rect
    z: float
    headroom: float
    room: int
    owner: int | None = None
    """Index into `Home.taken` of the thing it is a surface of, which does not stand in its own way."""


@dataclass(eq=False)
class Home:
    """Rooms and the items placed so far."""

    rng: np.random.Generator
    rooms: list[Rect]
    height: float
    """Of the walls."""
    items: list[Item] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    taken: list[Bounds] = field(default_factory=list)
    """Boxes in which nothing more may be placed: around items, and in front of doors."""
    lights: list[Float64[ndarray, "3"]] = field(default_factory=list)
    """Ceiling lamps, one a room."""
    designs: int = 0

    def new_design(self) -> int:
        """A number for a design not used before."""
        self.designs += 1
        return self.designs - 1

    def is_free(self, bounds: Bounds, margin: float = 0.0, owner: int | None = None) -> bool:
        """Whether a box, grown by ``margin`` sideways, meets no taken one but ``owner``."""
        grown = bounds + np.array([[-margin, -margin, 0.002], [margin, margin, -0.002]])
        if not self.taken:
            return True
        taken = np.stack(self.taken)
        meets = ((grown[0] < taken[:, 1]) & (grown[1] > taken[:, 0])).all(1)
        if owner is not None:
            meets[owner] = False
        return not bool(meets.any())

    def add(
        self,
        piece: Piece,
        position: Point,
        yaw: float,
        room: int,
        design: int | None = None,
        shell: bool = False,
        solid: bool = True,
    ) -> Item:
        """Places a piece without asking; ``solid`` things keep others out of their box."""
        design = self.new_design() if design is None else design
        item = Item(piece.name, design, piece.mesh, np.asarray(position, float), yaw, room, shell)
        self.items.append(item)
        if solid:
            self.taken.append(box_of(piece.mesh, item.position, yaw))
        self.spots += [_spot(surface, item, len(self.taken) - 1 if solid else None) for surface in piece.surfaces]
        return item

    def try_add(
        self,
        piece: Piece,
        position: Point,
        yaw: float,
        room: int,
        design: int | None = None,
        margin: float = 0.02,
        owner: int | None = None,
    ) -> Item | None:
        """Places a piece where its box is free and inside its room, else returns None."""
        bounds = box_of(piece.mesh, np.asarray(position, float), yaw)
        rect = self.rooms[room]
        inside = rect.holds(*bounds[0, :2]) and rect.holds(*bounds[1, :2])
        if not inside or not self.is_free(bounds, margin, owner):
            return None
        return self.add(piece, position, yaw, room, design)

    def by_wall(
        self,
        piece: Piece,
        wall: str,
        room: int,
        z: float = 0.0,
        margin: float = 0.05,
        gap: float = 0.02,
        design: int | None = None,
    ) -> Item | None:
        """Places a piece with its back to a wall at a random free spot along it; ``z`` above 0 hangs it there."""
        rect, yaw = self.rooms[room], WALL_YAW[wall]
        low, high = box_of(piece.mesh, np.zeros(3), yaw)
        for _ in range(40):
            x = self.rng.uniform(rect.x0 - low[0] + gap, max(rect.x1 - high[0] - gap, rect.x0 - low[0] + gap + 1e-6))
            y = self.rng.uniform(rect.y0 - low[1] + gap, max(rect.y1 - high[1] - gap, rect.y0 - low[1] + gap + 1e-6))
            if wall in ("north", "south"):
                y = rect.y1 - high[1] - gap if wall == "north" else rect.y0 - low[1] + gap
            else:
                x = rect.x1 - high[0] - gap if wall == "east" else rect.x0 - low[0] + gap
            item = self.try_add(piece, (x, y, z), yaw, room, design, margin)
            if item is not None:
                return item
        return None

    def anywhere(
        self, piece: Piece, room: int, margin: float = 0.3, wall: float = 0.3, design: int | None = None
    ) -> Item | None:
        """Places a piece at a random free spot of the floor, ``wall`` metres or more from the walls."""
        rect = self.rooms[room]
        for _ in range(60):
            yaw = float(self.rng.choice([0, 90, 180, 270]))
            low, high = box_of(piece.mesh, np.zeros(3), yaw)
            x_range = (rect.x0 + wall - low[0], rect.x1 - wall - high[0])
            y_range = (rect.y0 + wall - low[1], rect.y1 - wall - high[1])
            if x_range[0] > x_range[1] or y_range[0] > y_range[1]:
                continue
            place = (self.rng.uniform(*x_range), self.rng.uniform(*y_range), 0.0)
            item = self.try_add(piece, place, yaw, room, design, margin)
            if item is not None:
                return item
        return None

    def on_spot(
        self, piece: Piece, spot: Spot, design: int, near: Point | None = None, yaw: float | None = None
    ) -> Item | None:
        """Stands a small thing on a surface: close to ``near`` where it is given, else anywhere on it."""
        if piece.mesh.size[2] > spot.headroom - 0.01:
            return None
        for attempt in range(30):
            turn = float(self.rng.uniform(0, 360)) if yaw is None else yaw
            low, high = box_of(piece.mesh, np.zeros(3), turn)
            rect = spot.rect
            x_range, y_range = (rect.x0 - low[0], rect.x1 - high[0]), (rect.y0 - low[1], rect.y1 - high[1])
            if x_range[0] > x_range[1] or y_range[0] > y_range[1]:
                continue
            x, y = self.rng.uniform(*x_range), self.rng.uniform(*y_range)
            if near is not None:
                reach = (0.9 + 0.06 * attempt) * max(high[0] - low[0], high[1] - low[1])
                angle = self.rng.uniform(0, 2 * np.pi)
                x = float(np.clip(near[0] + reach * np.cos(angle), *x_range))
                y = float(np.clip(near[1] + reach * np.sin(angle), *y_range))
            item = self.try_add(piece, (x, y, spot.z), turn, spot.room, design, 0.006, spot.owner)
            if item is not None:
                return item
        return None

    def on_top(self, piece: Piece, below: Item, design: int) -> Item | None:
        """Stacks a thing on another, a little turned."""
        top = box_of(below.mesh, below.position, below.yaw)[1, 2]
        place = (*(below.position[:2] + self.rng.uniform(-0.006, 0.006, 2)), top)
        return self.try_add(piece, place, below.yaw + float(self.rng.uniform(-15, 15)), below.room, design, -0.004)


def box_of(mesh: Mesh, position: Float64[ndarray, "3"], yaw: float) -> Bounds:
    """Lowest and highest corner of a placed mesh."""
    vertices = mesh.turned(2, yaw).vertices + position
    return np.stack([vertices.min(0), vertices.max(0)])


def _spot(surface: Surface, item: Item, owner: int | None) -> Spot:
    corners = np.array([[surface.x0, surface.y0], [surface.x1, surface.y1]])
    c, s = np.cos(np.radians(item.yaw)), np.sin(np.radians(item.yaw))
    turned = corners @ np.array([[c, s], [-s, c]]) + item.position[:2]
    low, high = turned.min(0), turned.max(0)
    rect = Rect(float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    return Spot(rect, float(item.position[2]) + surface.z, surface.headroom, item.room, owner)
