"""A home as one bag of triangles that rays are cast into: Open3D where it can be loaded, else `gsseg.sample.trace`."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from gsseg.sample import trace
from gsseg.sample.mesh import Mesh, joined
from gsseg.sample.placement import Home

_INVALID = 0xFFFFFFFF
"""What Open3D says where a ray meets nothing (`RaycastingScene.INVALID_ID`)."""


@runtime_checkable
class Caster(Protocol):
    """Answers rays against fixed triangles; hits count from both sides."""

    def first(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> tuple[Float64[ndarray, " rays"], Int32[ndarray, " rays"]]:
        """Distance in lengths of the direction (infinite: nothing met) and the triangle (-1: none)."""
        ...

    def blocked(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> Bool[ndarray, " rays"]:
        """Whether anything lies between each origin and origin + direction."""
        ...


class Open3DCaster:
    """Embree's rays, by `open3d.t.geometry.RaycastingScene`; ImportError or OSError where it cannot be loaded."""

    def __init__(self, triangles: Float64[ndarray, "faces 3 3"]) -> None:
        import open3d

        self._tensor = open3d.core.Tensor.from_numpy
        self._scene = open3d.t.geometry.RaycastingScene()
        vertices = np.ascontiguousarray(triangles.reshape(-1, 3), np.float32)
        faces = np.arange(len(vertices), dtype=np.uint32).reshape(-1, 3)
        self._scene.add_triangles(self._tensor(vertices), self._tensor(faces))

    def _rays(self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]):
        return self._tensor(np.concatenate([origins, directions], 1).astype(np.float32))

    def first(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> tuple[Float64[ndarray, " rays"], Int32[ndarray, " rays"]]:
        """See `Caster.first`."""
        answer = self._scene.cast_rays(self._rays(origins, directions))
        triangle = answer["primitive_ids"].numpy()
        missed = triangle == _INVALID
        return (
            np.where(missed, np.inf, answer["t_hit"].numpy()).astype(np.float64),
            np.where(missed, -1, triangle.astype(np.int64)).astype(np.int32),
        )

    def blocked(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> Bool[ndarray, " rays"]:
        """See `Caster.blocked`."""
        return self._scene.test_occlusions(self._rays(origins, directions), tnear=0.0, tfar=1.0).numpy()


class NumbaCaster:
    """`gsseg.sample.trace`, which needs nothing from the system."""

    def __init__(self, triangles: Float64[ndarray, "faces 3 3"]) -> None:
        self._tree = trace.build(triangles)

    def first(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> tuple[Float64[ndarray, " rays"], Int32[ndarray, " rays"]]:
        """See `Caster.first`."""
        return trace.first_hits(self._tree, origins, directions)

    def blocked(
        self, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
    ) -> Bool[ndarray, " rays"]:
        """See `Caster.blocked`."""
        return trace.blocked(self._tree, origins, directions)


def best_caster(triangles: Float64[ndarray, "faces 3 3"]) -> Caster:
    """Open3D's where its libraries load (its Linux wheel asks the system for libusb), else Numba's."""
    try:
        return Open3DCaster(triangles)
    except (ImportError, OSError):
        return NumbaCaster(triangles)


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


def make_world(home: Home, caster: type[Open3DCaster] | type[NumbaCaster] | None = None) -> World:
    """Joins the items of a home; ``caster`` None takes the best there is."""
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
        (caster or best_caster)(corners),
    )
