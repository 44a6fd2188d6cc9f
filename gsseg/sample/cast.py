"""What a camera sees of a world: instance ids, part ids and a shaded photo, by casting a ray through each pixel."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt8
from numpy import ndarray

from gsseg.sample.shading import LAMP_SAMPLES, Gloom, lamp_seen, shade, smooth_normals
from gsseg.sample.world import World
from gsseg.scene import Camera
from gsseg.threads import run_all, spans

BACKGROUND = (0.93, 0.94, 0.96)
"""Colour of the open air above the walls."""
_BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]) / 16.0
_SUB = np.array([[-0.25, -0.25], [0.25, -0.25], [-0.25, 0.25], [0.25, 0.25]])
"""Where the four rays of a pixel at an edge go, pixels from its centre."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One view's rays. Arrays are (height, width); -1 and infinity where a ray leaves the home."""

    camera: Camera
    faces: Int32[ndarray, "height width"]
    """Triangle that each pixel's centre sees."""
    instances: Int32[ndarray, "height width"]
    parts: Int32[ndarray, "height width"]
    depths: Float64[ndarray, "height width"]
    """Metres along the camera's z axis."""


def rays(
    camera: Camera, columns: Float64[ndarray, " pixels"], rows: Float64[ndarray, " pixels"]
) -> tuple[Float64[ndarray, "pixels 3"], Float64[ndarray, "pixels 3"]]:
    """Origins and directions through image points; directions have length 1 along the camera's z axis."""
    inside = np.stack([(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy, np.ones_like(columns)], 1)
    directions = np.einsum("ni,ij->nj", inside, camera.T_camera_world[:3, :3])
    return np.broadcast_to(camera.position, directions.shape).copy(), directions


def look(world: World, camera: Camera) -> Seen:
    """Casts one ray through each pixel's centre."""
    rows, columns = np.divmod(np.arange(camera.width * camera.height), camera.width)
    depths, faces = world.caster.first(*rays(camera, columns + 0.5, rows + 0.5))
    hit = faces >= 0
    shape = (camera.height, camera.width)
    return Seen(
        camera,
        faces.reshape(shape),
        np.where(hit, world.instance[faces], -1).astype(np.int32).reshape(shape),
        np.where(hit, world.part[faces], -1).astype(np.int32).reshape(shape),
        depths.reshape(shape),
    )


def photograph(world: World, gloom: Gloom, seen: Seen, rng: np.random.Generator) -> UInt8[ndarray, "height width 3"]:
    """The photo of a view: shaded, softly shadowed, smooth at edges, with a camera's grain."""
    camera = seen.camera
    height, width = seen.faces.shape
    rows, columns = np.divmod(np.flatnonzero(seen.faces.reshape(-1) >= 0), width)
    origins, directions = rays(camera, columns + 0.5, rows + 0.5)
    faces = seen.faces[rows, columns].astype(np.int64)
    points = origins + seen.depths[rows, columns, None] * directions
    normals = _towards_viewer(world, faces, points, directions)
    lit = np.zeros((height, width))
    lit[rows, columns] = lamp_seen(world, faces, points, normals, (rows % 2) * 2 + columns % 2)
    flat_normals = np.zeros((height, width, 3))
    flat_normals[rows, columns] = normals
    lit = _smoothed(lit, seen.instances, flat_normals)
    picture = np.tile(np.array(BACKGROUND), (height, width, 1))
    picture[rows, columns] = shade(world, gloom, faces, points, normals, lit[rows, columns])
    _smooth_edges(world, gloom, seen, flat_normals, lit, picture)
    picture += rng.normal(0, 0.006, picture.shape)
    return (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _towards_viewer(
    world: World, faces: ndarray, points: ndarray, directions: Float64[ndarray, "points 3"]
) -> Float64[ndarray, "points 3"]:
    normals = smooth_normals(world, faces, points)
    away = (normals * directions).sum(1) > 0
    return np.where(away[:, None], -normals, normals)


def _smoothed(lit: ndarray, instances: ndarray, normals: ndarray) -> Float64[ndarray, "height width"]:
    """Mean over 3 x 3 pixels of the same item and direction; its weights give each lamp sample a quarter."""
    total, weight = np.zeros_like(lit), np.zeros_like(lit)
    padded = [np.pad(a, ((1, 1), (1, 1), (0, 0))[: a.ndim], mode="edge") for a in (lit, instances, normals)]
    height, width = lit.shape
    for dy in range(3):
        for dx in range(3):
            light, item, normal = (a[dy : dy + height, dx : dx + width] for a in padded)
            w = _BINOMIAL[dy, dx] * ((item == instances) & ((normal * normals).sum(2) > 0.9))
            total += w * light
            weight += w
    return total / np.maximum(weight, 1e-9)


def _smooth_edges(
    world: World, gloom: Gloom, seen: Seen, normals: ndarray, lit: ndarray, picture: Float64[ndarray, "height width 3"]
) -> None:
    """Replaces pixels at edges by the mean of four rays, in place."""
    edge = np.zeros(lit.shape, bool)
    parts, bend = seen.parts, np.zeros(lit.shape, bool)
    for axis in (0, 1):
        differs = np.diff(parts, axis=axis) != 0
        turned = (
            np.take(normals, range(1, lit.shape[axis]), axis) * np.take(normals, range(lit.shape[axis] - 1), axis)
        ).sum(2) < 0.8
        jump = differs | turned
        pad = [(0, 0), (0, 0)]
        pad[axis] = (0, 1)
        edge |= np.pad(jump, pad)
        pad[axis] = (1, 0)
        bend |= np.pad(jump, pad)
    rows, columns = np.nonzero(edge | bend)
    if not len(rows):
        return
    mean = np.zeros((len(rows), 3))
    for offset in _SUB:
        origins, directions = rays(seen.camera, columns + 0.5 + offset[0], rows + 0.5 + offset[1])
        depths, faces = world.caster.first(origins, directions)
        hit = faces >= 0
        shaded = np.tile(np.array(BACKGROUND), (len(rows), 1))
        points = origins[hit] + depths[hit, None] * directions[hit]
        towards = _towards_viewer(world, faces[hit].astype(np.int64), points, directions[hit])
        light = _borrowed(lit, seen.instances, rows[hit], columns[hit], world.instance[faces[hit]])
        shaded[hit] = shade(world, gloom, faces[hit].astype(np.int64), points, towards, light)
        mean += shaded / len(_SUB)
    picture[rows, columns] = mean


def _borrowed(lit: ndarray, instances: ndarray, rows: ndarray, columns: ndarray, wanted: ndarray) -> ndarray:
    """The lamp's share at the nearest of 3 x 3 pixels that shows the wanted item, else the pixel's own."""
    out = lit[rows, columns].copy()
    missing = instances[rows, columns] != wanted
    height, width = lit.shape
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        y, x = (rows + dy).clip(0, height - 1), (columns + dx).clip(0, width - 1)
        take = missing & (instances[y, x] == wanted)
        out[take] = lit[y[take], x[take]]
        missing &= ~take
    return out


def splat_colors(
    world: World,
    gloom: Gloom,
    faces: Int64[ndarray, " points"],
    points: Float64[ndarray, "points 3"],
    normals: Float64[ndarray, "points 3"],
) -> Float64[ndarray, "points 3"]:
    """sRGB of surface points as photos show them, each lit by all samples of the lamp; on all processors."""

    def colored(a: int, b: int) -> Float64[ndarray, "points 3"]:
        f, p, n = faces[a:b], points[a:b], normals[a:b]
        lit = np.mean([lamp_seen(world, f, p, n, np.full(b - a, k)) for k in range(len(LAMP_SAMPLES))], axis=0)
        return shade(world, gloom, f, p, n, lit)

    return np.concatenate(run_all([lambda a=a, b=b: colored(a, b) for a, b in spans(len(points))]))
