"""A made home's surfaces as a scanner leaves them: one even mesh of what the cameras have seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt8
from numpy import ndarray

from gsseg.sample.cast import Seen, splat_colors
from gsseg.sample.shading import Gloom, smooth_normals
from gsseg.sample.splats import facing_cameras, views_seeing
from gsseg.sample.world import World

_SAME = 1e-4
"""Metres within which vertices of an instance are one."""
_TRIALS = 12
"""Halvings of the range that the longest edge is looked for in."""
_EDGES = (0.01, 0.5)
"""Metres; that range."""


@dataclass(frozen=True, eq=False)
class ScannedMesh:
    """Vertices that some view sees, and the triangles between them."""

    vertices: Float64[ndarray, "vertices 3"]
    """Metres."""
    triangles: Int64[ndarray, "triangles 3"]
    """Rows of `vertices`."""
    instances: Int32[ndarray, " vertices"]
    """The item of each."""
    colors: UInt8[ndarray, "vertices 3"]
    """sRGB."""


def scanned_mesh(world: World, gloom: Gloom, seen: Sequence[Seen], vertices: int) -> ScannedMesh:
    """A mesh of about so many vertices, its edges as even as halving them makes it; ``seen``: the views."""
    low, high = _EDGES
    best = _seen_mesh(world, seen, high)
    for _ in range(_TRIALS):
        if abs(len(best[0]) - vertices) < 0.02 * vertices:
            break
        longest = float(np.sqrt(low * high))
        best = _seen_mesh(world, seen, longest)
        low, high = (longest, high) if len(best[0]) > vertices else (low, longest)
    points, triangles, faces = best
    normals = facing_cameras(smooth_normals(world, faces, points), world, faces)
    colors = splat_colors(world, gloom, faces, points, normals)
    return ScannedMesh(points, triangles, world.instance[faces], (colors.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def halved(
    vertices: Float64[ndarray, "vertices 3"], triangles: Int64[ndarray, "triangles 3"], longest: float
) -> tuple[Float64[ndarray, "more 3"], Int64[ndarray, "parts 3"], Int64[ndarray, " parts"]]:
    """Triangles cut across their longest edge until no edge is longer than ``longest`` metres.

    The vertices given come first. The last value is the triangle that each of the new ones is a part of. Triangles that
    share an edge share its new vertex.
    """
    owner = np.arange(len(triangles))
    while True:
        corners = vertices[triangles]
        lengths = np.linalg.norm(np.roll(corners, -1, 1) - corners, axis=2)
        cut = np.flatnonzero(lengths.max(1) > longest)
        if not len(cut):
            return vertices, triangles, owner
        turns = (lengths[cut].argmax(1)[:, None] + np.arange(3)) % 3
        a, b, c = np.take_along_axis(triangles[cut], turns, 1).T
        ends, places = np.unique(np.sort(np.stack([a, b], 1), 1), axis=0, return_inverse=True)
        middle = len(vertices) + places.reshape(-1)
        vertices = np.concatenate([vertices, vertices[ends].mean(1)])
        whole = np.delete(np.arange(len(triangles)), cut)
        halves = np.concatenate([np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)])
        triangles = np.concatenate([triangles[whole], halves])
        owner = np.concatenate([owner[whole], owner[cut], owner[cut]])


def _seen_mesh(
    world: World, seen: Sequence[Seen], longest: float
) -> tuple[Float64[ndarray, "vertices 3"], Int64[ndarray, "triangles 3"], Int64[ndarray, " vertices"]]:
    """Vertices, triangles, and a face of the world that each vertex lies on."""
    vertices, triangles, owner = halved(world.mesh.vertices, world.mesh.faces.astype(np.int64), longest)
    # Boxes and lathes have a vertex for each of the sides that meet in it; a scanner has one.
    face = np.zeros(len(vertices), np.int64)
    face[triangles] = owner[:, None]
    places = np.column_stack([world.instance[face], np.rint(vertices / _SAME)]).astype(np.int64)
    _, first, same = np.unique(places, axis=0, return_index=True, return_inverse=True)
    triangles, face = same.reshape(-1)[triangles], face[first]
    vertices = vertices[first]
    visible = views_seeing(list(seen), vertices, world.instance[face]) > 0
    kept = triangles[visible[triangles].all(1)]
    kept = kept[(kept != np.roll(kept, 1, 1)).all(1)]
    used, rows = np.unique(kept, return_inverse=True)
    return vertices[used], rows.reshape(-1, 3), face[used]
