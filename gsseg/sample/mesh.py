"""Coloured triangle meshes and the few shapes that furniture is made of.

Local frame of every object: metres, z up, standing on z = 0, centred on the z axis, its front towards -y.
A mesh keeps its vertices per shape (nothing is shared across hard edges), so vertex normals shade round things
smoothly and boxes sharply. `parts` tells a cabinet's door from its body: masks break along parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray

Number = float | int
Point = Sequence[Number] | Float64[ndarray, "3"]
"""x, y, z in metres."""


class Finish(IntEnum):
    """What a surface looks like beside its colour; `gsseg.sample.shading` holds the patterns."""

    PLAIN = 0
    WOOD = 1
    PLANKS = 2
    CLOTH = 3
    STRIPES = 4
    CHECKS = 5
    PICTURE = 6
    LEAVES = 7
    TILES = 8
    SCREEN = 9
    SKY = 10
    GLOW = 11
    PLASTER = 12
    LABEL = 13


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with a colour, a finish and a part number each."""

    vertices: Float64[ndarray, "vertices 3"]
    """Metres."""
    normals: Float64[ndarray, "vertices 3"]
    """Unit, outwards."""
    faces: Int64[ndarray, "faces 3"]
    """Rows of `vertices`."""
    colors: Float64[ndarray, "faces 3"]
    """Reflectance as sRGB in 0..1, before patterns and light."""
    finishes: Int32[ndarray, " faces"]
    """A `Finish` each."""
    parts: Int32[ndarray, " faces"]
    """0, 1, ...: which part of its object."""

    def moved(self, offset: Point) -> "Mesh":
        """The same mesh shifted by ``offset`` metres."""
        return replace(self, vertices=self.vertices + np.asarray(offset, float))

    def turned(self, axis: int, degrees: Number) -> "Mesh":
        """The same mesh turned about a coordinate axis (0 x, 1 y, 2 z), counter-clockwise seen from its tip."""
        rotation = turn(axis, degrees)
        return replace(self, vertices=self.vertices @ rotation.T, normals=self.normals @ rotation.T)

    def part(self, number: int) -> "Mesh":
        """The same mesh, all of it part ``number``."""
        return replace(self, parts=np.full(len(self.faces), number, np.int32))

    @property
    def size(self) -> Float64[ndarray, "3"]:
        """Extent along x, y and z."""
        return np.ptp(self.vertices, axis=0)


def turn(axis: int, degrees: Number) -> Float64[ndarray, "3 3"]:
    """Rotation matrix about a coordinate axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    rotation[i, i], rotation[i, j], rotation[j, i], rotation[j, j] = c, -s, s, c
    return rotation


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of several; part numbers are kept as they are."""
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]),
        np.concatenate([mesh.colors for mesh in meshes]),
        np.concatenate([mesh.finishes for mesh in meshes]),
        np.concatenate([mesh.parts for mesh in meshes]),
    )


def _mesh(vertices: ndarray, normals: ndarray, faces: ndarray, color: Sequence[Number], finish: Finish) -> Mesh:
    count = len(faces)
    return Mesh(
        np.asarray(vertices, float),
        np.asarray(normals, float),
        np.asarray(faces, np.int64),
        np.tile(np.asarray(color, float), (count, 1)),
        np.full(count, int(finish), np.int32),
        np.zeros(count, np.int32),
    )


def box(size: Sequence[Number], at: Point, color: Sequence[Number], finish: Finish = Finish.PLAIN) -> Mesh:
    """A box of ``size`` metres whose bottom is centred at ``at``."""
    vertices, normals, faces = [], [], []
    half = np.asarray(size, float) / 2
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        for sign in (-1.0, 1.0):
            corners = np.zeros((4, 3))
            corners[:, axis] = sign * half[axis]
            corners[:, i] = half[i] * np.array([-1, 1, 1, -1])
            corners[:, j] = half[j] * np.array([-1, -1, 1, 1]) * sign
            normal = np.zeros(3)
            normal[axis] = sign
            faces += [[4 * len(vertices) + k for k in triangle] for triangle in ((0, 1, 2), (0, 2, 3))]
            vertices.append(corners)
            normals.append(np.tile(normal, (4, 1)))
    centre = np.asarray(at, float) + np.array([0, 0, half[2]])
    return _mesh(np.concatenate(vertices) + centre, np.concatenate(normals), np.array(faces), color, finish)


def lathe(
    profile: Sequence[tuple[Number, Number]],
    color: Sequence[Number],
    finish: Finish = Finish.PLAIN,
    at: Point = (0.0, 0.0, 0.0),
    segments: int = 20,
    sharp: bool = True,
) -> Mesh:
    """A surface of revolution about z: ``profile`` lists (radius, height), the outside to its right going up.

    With ``sharp`` each stretch of the profile has its own normals (cups, lamps); without, they are averaged (balls).
    """
    points = np.asarray(profile, float)
    steps = np.diff(points, axis=0)
    outward = np.stack([steps[:, 1], -steps[:, 0]], 1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    if sharp:
        rings, ring_normals = np.repeat(points, 2, 0)[1:-1], np.repeat(outward, 2, 0)
        bands = [(2 * k, 2 * k + 1) for k in range(len(steps))]
    else:
        padded = np.concatenate([outward[:1], outward, outward[-1:]])
        rings, ring_normals = points, padded[:-1] + padded[1:]
        ring_normals = ring_normals / np.linalg.norm(ring_normals, axis=1, keepdims=True)
        bands = [(k, k + 1) for k in range(len(steps))]
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    around = np.stack([np.cos(angles), np.sin(angles)], 1)

    def spun(pairs: ndarray) -> ndarray:
        flat = pairs[:, None, :1] * around[None]
        return np.concatenate([flat, np.broadcast_to(pairs[:, None, 1:], (*flat.shape[:2], 1))], 2).reshape(-1, 3)

    k = np.arange(segments)
    after = (k + 1) % segments
    faces = []
    for low, high in bands:
        a, b, c, d = low * segments + k, low * segments + after, high * segments + after, high * segments + k
        if rings[low, 0] > 0:
            faces.append(np.stack([a, b, c], 1))
        if rings[high, 0] > 0:
            faces.append(np.stack([a, c, d], 1))
    return _mesh(spun(rings) + np.asarray(at, float), spun(ring_normals), np.concatenate(faces), color, finish)


def cylinder(radius: Number, height: Number, at: Point, color: Sequence[Number], finish: Finish = Finish.PLAIN) -> Mesh:
    """A closed cylinder standing at ``at``."""
    return lathe([(0, 0), (radius, 0), (radius, height), (0, height)], color, finish, at)


def ball(
    radius: Number,
    at: Point,
    color: Sequence[Number],
    finish: Finish = Finish.PLAIN,
    squash: Sequence[Number] = (1.0, 1.0, 1.0),
    rings: int = 12,
) -> Mesh:
    """An ellipsoid standing at ``at``: a ball of ``radius``, its axes scaled by ``squash``."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    profile = list(zip(radius * np.cos(angles).clip(0), radius * np.sin(angles), strict=True))
    profile[0], profile[-1] = (0.0, -radius), (0.0, radius)
    mesh = lathe(profile, color, finish, segments=2 * rings, sharp=False)
    scale = np.asarray(squash, float)
    normals = mesh.normals / scale
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    centre = np.asarray(at, float) + np.array([0, 0, radius * scale[2]])
    return replace(mesh, vertices=mesh.vertices * scale + centre, normals=normals)


def ring(radius: Number, thickness: Number, at: Point, color: Sequence[Number]) -> Mesh:
    """A torus lying at ``at``: ``radius`` to the middle of a tube whose own radius is ``thickness``."""
    angles = np.linspace(0, 2 * np.pi, 13) - np.pi / 2
    profile = list(zip(radius + thickness * np.cos(angles), thickness + thickness * np.sin(angles), strict=True))
    return lathe(profile, color, at=at, segments=28, sharp=False)


def leaf(length: Number, width: Number, at: Point, pitch: Number, yaw: Number, color: Sequence[Number]) -> Mesh:
    """A bent leaf of two panels, both sides of it, from ``at`` outwards: ``pitch`` and ``yaw`` in degrees."""
    rim = np.array([[0, 0, 0], [0.45, -0.5, 0.05], [0.45, 0.5, 0.05], [1, 0, -0.12], [0.5, 0, 0.0]])
    front = np.array([[0, 1, 4], [0, 4, 2], [1, 3, 4], [4, 3, 2]])
    vertices = np.concatenate([rim, rim - [0, 0, 1e-3]]) * [length, width, length]
    normals = np.concatenate([np.tile([0.0, 0, 1], (5, 1)), np.tile([0.0, 0, -1], (5, 1))])
    mesh = _mesh(vertices, normals, np.concatenate([front, front[:, ::-1] + 5]), color, Finish.LEAVES)
    return mesh.turned(1, -pitch).turned(2, yaw).moved(at)
