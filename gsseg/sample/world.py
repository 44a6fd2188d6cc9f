"""A home as one bag of triangles that rays are cast into."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from gsseg.sample import trace
from gsseg.sample.mesh import Mesh, joined
from gsseg.sample.placement import Home


class Caster:
    """Answers rays against fixed triangles; hits count from both sides.

    `gsseg.sample.trace` and not Open3D, which asks the system for libraries: the sample is made on bare machines too,
    and comes out the same on all of them.
    """

    def __init__(self, triangles: Float64[ndarray, "faces 3 3"]) -> None:
        self._tree = trace.build(triangles)

    def first(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> tuple[Float64[ndarray, " rays"], Int32[ndarray, " rays"]]:
        """Distance in lengths of the direction (infinite: nothing met) and the triangle (-1: none)."""
        return trace.first_hits(self._tree, origins, directions)

    def blocked(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> Bool[ndarray, " rays"]:
        """Whether anything lies between each origin and origin + direction."""
        return trace.blocked(self._tree, origins, directions)


@dataclass(frozen=True, eq=False)
class World:
    """All items' triangles in world coordinates, with what is known of each."""

    mesh: Mesh
    """Every item's mesh, one after the other."""
    instance: Int32[ndarray, " faces"]
    """The item of each triangle."""
    part: Int32[ndarray, " faces"]
    """0, 1, ...: parts of all items numbered through."""
    corners: Float64[ndarray, "faces 3 3"]
    areas: Float64[ndarray, " faces"]
    """Square metres."""
    rounded: Bool[ndarray, " faces"]
    """Triangles whose corners have different normals."""
    positions: Float64[ndarray, "items 3"]
    """Where each item's own frame, in which patterns are drawn, has its origin."""
    headings: Float64[ndarray, "items 2"]
    """Cosine and sine of each item's yaw."""
    lamp: Int64[ndarray, " items"]
    """The ceiling lamp that lights each item: its room's."""
    lights: Float64[ndarray, "rooms 3"]
    caster: Caster


def make_world(home: Home) -> World:
    """Joins the items of a home."""
    meshes = [item.world() for item in home.items]
    mesh = joined(meshes)
    instance = np.repeat(np.arange(len(meshes)), [len(m.faces) for m in meshes]).astype(np.int32)
    _, part = np.unique(instance.astype(np.int64) * 64 + mesh.parts, return_inverse=True)
    corners = mesh.vertices[mesh.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = mesh.normals[mesh.faces]
    yaws = np.radians([item.yaw for item in home.items])
    return World(
        mesh,
        instance,
        part.reshape(-1).astype(np.int32),
        corners,
        np.linalg.norm(cross, axis=1) / 2,
        np.ptp(normals, axis=1).max(1) > 1e-6,
        np.stack([item.position for item in home.items]),
        np.stack([np.cos(yaws), np.sin(yaws)], 1),
        np.array([item.room for item in home.items]),
        np.stack(home.lights),
        Caster(corners),
    )
