"""Colour of a surface point: pattern, ceiling lamp with soft shadows, daylight, and darkness in corners.

One function colours both the pixels of the photos and the splats, so that they match. Colours are sRGB in 0..1 at
the border and linear inside. Darkness in corners comes from a blurred grid of where surfaces are (5 cm cells): cheap,
smooth, and the same from every view.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64
from numpy import ndarray
from scipy.ndimage import gaussian_filter, map_coordinates

from gsseg.compiled import njit
from gsseg.sample.mesh import Finish
from gsseg.sample.world import World

_CELL = 0.06
_LAMP_RADIUS = 0.22
LAMP_SAMPLES = np.array([[1, 0.4, 0], [-0.4, 1, 0], [-1, -0.4, 0], [0.4, -1, 0]]) * _LAMP_RADIUS
"""Four points of the lamp: neighbouring pixels look at different ones, and their mean is a soft shadow."""
_DAYLIGHT = np.array([0.55, -0.35, 0.75]) / np.linalg.norm([0.55, -0.35, 0.75])


@dataclass(frozen=True, eq=False)
class Gloom:
    """How crowded the neighbourhood of each grid cell is, 0 (open air) to 1."""

    origin: Float64[ndarray, "3"]
    density: Float32[ndarray, "x y z"]


def measure_gloom(world: World, rng: np.random.Generator) -> Gloom:
    """Counts surface in a grid and blurs it."""
    count = int(world.areas.sum() / _CELL**2 * 6)
    faces, points = sample_surface(world, world.areas, count, rng)
    del faces
    low = points.min(0) - 4 * _CELL
    cells = np.floor((points - low) / _CELL).astype(int)
    grid = np.zeros(cells.max(0) + 5, np.float32)
    grid[tuple(cells.T)] = 1.0
    return Gloom(low, gaussian_filter(grid, 2.2, mode="nearest"))


def sample_surface(
    world: World, weights: Float64[ndarray, " faces"], count: int, rng: np.random.Generator
) -> tuple[Int64[ndarray, " points"], Float64[ndarray, "points 3"]]:
    """Draws points on triangles chosen in proportion to ``weights``; faces come out sorted.

    Both choices are even: a face with weight for 2.3 points gets 2 or 3, and inside a face points follow Roberts's
    additive sequence (M. Roberts, The unreasonable effectiveness of quasirandom sequences, 2018) from a random start.
    """
    edges = np.cumsum(weights) / weights.sum()
    faces = np.searchsorted(edges, (np.arange(count) + rng.random(count)) / count).clip(max=len(weights) - 1)
    rank = np.arange(count) - np.searchsorted(faces, faces)
    start = rng.random((len(weights), 2))[faces]
    u, v = (start + rank[:, None] * [0.7548776662466927, 0.5698402909980532]).T % 1
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    a, b, c = np.moveaxis(world.corners[faces], 1, 0)
    return faces, a + u[:, None] * (b - a) + v[:, None] * (c - a)


def smooth_normals(
    world: World, faces: Int64[ndarray, " points"], points: Float64[ndarray, "points 3"]
) -> Float64[ndarray, "points 3"]:
    """Vertex normals interpolated at points of triangles."""
    normals = world.mesh.normals[world.mesh.faces[faces, 0]]
    rounded = np.flatnonzero(world.rounded[faces])
    if len(rounded):
        normals[rounded] = _interpolated(world, faces[rounded], points[rounded])
    return normals


def _interpolated(
    world: World, faces: Int64[ndarray, " points"], points: Float64[ndarray, "points 3"]
) -> Float64[ndarray, "points 3"]:
    a, b, c = np.moveaxis(world.corners[faces], 1, 0)
    e1, e2, d = b - a, c - a, points - a
    d11, d12, d22 = (e1 * e1).sum(1), (e1 * e2).sum(1), (e2 * e2).sum(1)
    d1, d2 = (d * e1).sum(1), (d * e2).sum(1)
    scale = 1.0 / np.maximum(d11 * d22 - d12 * d12, 1e-20)
    v, w = (d22 * d1 - d12 * d2) * scale, (d11 * d2 - d12 * d1) * scale
    corner = world.mesh.normals[world.mesh.faces[faces]]
    normals = corner[:, 0] * (1 - v - w)[:, None] + corner[:, 1] * v[:, None] + corner[:, 2] * w[:, None]
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def lamp_seen(
    world: World,
    faces: Int64[ndarray, " points"],
    points: Float64[ndarray, "points 3"],
    normals: Float64[ndarray, "points 3"],
    sample: Int64[ndarray, " points"],
) -> Float64[ndarray, " points"]:
    """1 where the given sample of the room's lamp is in sight, else 0."""
    starts = points + 2e-3 * normals
    lamp = world.lights[world.lamp[world.instance[faces]]] + LAMP_SAMPLES[sample]
    towards = ((lamp - starts) * normals).sum(1) > 0
    seen = np.zeros(len(points))
    seen[towards] = ~world.caster.blocked(starts[towards], (lamp - starts)[towards])
    return seen


def shade(
    world: World,
    gloom: Gloom,
    faces: Int64[ndarray, " points"],
    points: Float64[ndarray, "points 3"],
    normals: Float64[ndarray, "points 3"],
    lit: Float64[ndarray, " points"],
) -> Float64[ndarray, "points 3"]:
    """sRGB colour of surface points; ``lit`` is how much of the lamp each sees, ``normals`` face the viewer."""
    items = world.instance[faces]
    headings = world.headings[items]
    local = _turned_back(points - world.positions[items], headings)
    local_normals = _turned_back(normals, headings)
    albedo, glow = _patterned(world.mesh.colors[faces], world.mesh.finishes[faces], local, local_normals, items)
    lamp = world.lights[world.lamp[items]] - points
    distance = np.linalg.norm(lamp, axis=1)
    facing = ((lamp * normals).sum(1) / distance).clip(0) * (1.0 / (0.45 + 0.16 * distance**2))
    open_air = _open_air(gloom, points, normals)
    sky = 0.5 + 0.5 * normals[:, 2]
    ambient = (0.30 + 0.14 * sky + 0.10 * (normals @ _DAYLIGHT).clip(0)) * open_air
    warm, cool = np.array([1.0, 0.94, 0.84]), np.array([0.94, 0.98, 1.06])
    light = ambient[:, None] * cool + (0.72 * facing * lit)[:, None] * warm
    linear = np.where(glow[:, None], albedo**2.2 * 1.15, albedo**2.2 * light)
    return (linear / (1 + 0.18 * linear)).clip(0, 1) ** (1 / 2.2)


def _turned_back(vectors: ndarray, headings: ndarray) -> Float64[ndarray, "points 3"]:
    """Vectors in frames that are turned about z by angles given as cosine and sine."""
    (x, y, z), (c, s) = vectors.T, headings.T
    return np.stack([c * x + s * y, c * y - s * x, z], 1)


def _open_air(gloom: Gloom, points: ndarray, normals: ndarray) -> ndarray:
    """How open the half space before a surface is, 0.35..1: a lone plane counts as open."""
    crowd = np.zeros(len(points))
    for reach, weight in ((0.10, 0.5), (0.26, 0.5)):
        cells = (points + reach * normals - gloom.origin) / _CELL - 0.5
        crowd += weight * map_coordinates(gloom.density, cells.T, order=1, mode="nearest")
    return (1.15 - 3.2 * (crowd - 0.06).clip(0)).clip(0.35, 1.0)


def _patterned(
    color: Float64[ndarray, "points 3"],
    finish: Int32[ndarray, " points"],
    p: Float64[ndarray, "points 3"],
    n: Float64[ndarray, "points 3"],
    item: Int32[ndarray, " points"],
) -> tuple[Float64[ndarray, "points 3"], ndarray]:
    """Colours with their patterns, and which points glow; ``p`` and ``n`` are in the item's own frame."""
    seed = item.astype(float) * 17.13
    x, y, z = p.T
    out = color.copy()
    glow = np.isin(finish, (int(Finish.GLOW), int(Finish.SKY), int(Finish.SCREEN)))

    def tone(kind: Finish, factor) -> None:
        rows = finish == int(kind)
        if rows.any():
            out[rows] *= np.asarray(factor(rows)).reshape(rows.sum(), -1)

    def grain(rows):
        along = np.where(np.abs(n[rows, 0]) > 0.7, y[rows], x[rows])
        across = np.where(np.abs(n[rows, 2]) > 0.7, y[rows], z[rows])
        depth = 0.27 - 0.2 * color[rows].mean(1)  # paint hides the grain
        return 1 - depth / 2 + depth * _noise(along * 3 + seed[rows], across * 38, 0 * along)

    def planks(rows):
        board = np.floor(y[rows] / 0.16)
        x_shift = x[rows] + 7.3 * _noise(board * 5.7, 0 * board, 0 * board)
        plank = np.floor(x_shift / 1.2)
        tint = _noise(board * 3.7, plank * 9.1, 0 * board)
        edge = (np.abs(y[rows] / 0.16 - np.round(y[rows] / 0.16)) < 0.02) | (
            np.abs(x_shift / 1.2 - np.round(x_shift / 1.2)) < 0.003
        )
        return (0.78 + 0.3 * tint + 0.14 * (_noise(x_shift * 3, y[rows] * 70, 0 * tint) - 0.5)) * np.where(
            edge, 0.72, 1
        )

    def tiles(rows):
        q = p[rows] / 0.25
        lines = (np.abs(q - np.round(q)) < 0.025) & (np.abs(n[rows]) < 0.5)
        return np.where(lines.any(1), 0.78, 1.0)

    tone(Finish.WOOD, grain)
    tone(Finish.PLANKS, planks)
    tone(Finish.TILES, tiles)
    tone(Finish.CLOTH, lambda r: 0.88 + 0.2 * _noise(x[r] * 90 + seed[r], y[r] * 90, z[r] * 90))
    tone(Finish.PLASTER, lambda r: 0.95 + 0.08 * _noise(x[r] * 4 + seed[r], y[r] * 4, z[r] * 4))
    tone(Finish.LEAVES, lambda r: 0.75 + 0.5 * _noise(x[r] * 18, y[r] * 18, z[r] * 18))
    tone(Finish.STRIPES, lambda r: np.where(np.sin((x[r] + 0.3 * z[r]) * 2 * np.pi / 0.12) > 0.2, 1.0, 0.62))
    tone(Finish.CHECKS, lambda r: 0.72 + 0.36 * (np.floor(x[r] / 0.07) + np.floor((y[r] + z[r]) / 0.07)) % 2)
    tone(Finish.LABEL, lambda r: np.where(np.abs((y[r] + z[r]) * 40 % 4 - 2) < 0.35, 0.72, 1.0))
    tone(
        Finish.SCREEN,
        lambda r: np.outer(1.0 + 2.2 * _noise(x[r] * 9 + seed[r], z[r] * 12, 0 * x[r]), [0.8, 1.0, 1.35]),
    )
    rows = finish == int(Finish.PICTURE)
    if rows.any():
        out[rows] = _painting(x[rows], z[rows], seed[rows], color[rows])
    rows = finish == int(Finish.SKY)
    if rows.any():
        ground = np.clip((0.45 - z[rows]) * 6 + 2 * (_noise(x[rows] * 8, z[rows] * 8, seed[rows]) - 0.5), 0, 1)
        out[rows] = out[rows] * (1 - ground[:, None]) + np.array([0.50, 0.62, 0.42]) * ground[:, None]
    return out.clip(0, 1), glow


def _painting(x: ndarray, z: ndarray, seed: ndarray, tint: ndarray) -> ndarray:
    """A landscape: sky, a sun, hills."""
    hills = 0.22 + 0.09 * np.sin(x * 9 + seed) + 0.05 * np.sin(x * 23 + 2 * seed)
    sun = np.hypot(x - 0.15 * np.cos(seed), z - 0.42) < 0.06
    sky = np.array([0.93, 0.88, 0.76]) * (0.75 + 0.4 * z)[:, None]
    near = np.where((z < hills - 0.08)[:, None], tint * 0.55, tint * 0.9)
    return np.where(sun[:, None], [0.95, 0.55, 0.25], np.where((z < hills)[:, None], near, sky))


@njit(nogil=True, cache=True)
def _noise(xs, ys, zs):
    """Smooth noise in 0..1 with features one unit wide: random values at whole coordinates, interpolated."""
    out = np.empty(len(xs))
    for row in range(len(xs)):
        x, y, z = xs[row], ys[row], zs[row]
        i, j, k = np.floor(x), np.floor(y), np.floor(z)
        u, v, w = x - i, y - j, z - k
        u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
        total = 0.0
        for corner in range(8):
            a, b, c = corner & 1, (corner >> 1) & 1, corner >> 2
            # A hash of three whole numbers: multiply by odd constants, fold the high bits down, twice.
            h = (int(i) + a) * 374761393 + (int(j) + b) * 668265263 + (int(k) + c) * 1442695041
            h = ((h ^ (h >> 13)) & 0xFFFFFFFF) * 1274126177
            value = ((h ^ (h >> 16)) & 0xFFFF) / 65535.0
            total += value * (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
        out[row] = total
    return out
