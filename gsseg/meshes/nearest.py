"""Which triangle of a mesh is nearest to a point."""

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from gsseg.meshes.open3d_loader import open3d


def nearest_triangles(
    vertices: Float64[ndarray, "vertices 3"],
    triangles: Int64[ndarray, "triangles 3"],
    points: Float32[ndarray, "points 3"],
) -> tuple[Int64[ndarray, " points"], Float64[ndarray, " points"]]:
    """The nearest triangle to each point, and how far it is, in the units of the mesh; either side of it counts.

    Of a mesh of at least one triangle. A point that is not finite has triangle 0 at an infinite distance.
    """
    o3d = open3d()
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor(np.ascontiguousarray(vertices, np.float32)),
        o3d.core.Tensor(np.ascontiguousarray(triangles, np.uint32)),
    )
    finite = np.isfinite(points).all(1)
    found, distance = np.zeros(len(points), np.int64), np.full(len(points), np.inf)
    answer = scene.compute_closest_points(o3d.core.Tensor(np.ascontiguousarray(points[finite], np.float32)))
    found[finite] = answer["primitive_ids"].numpy()
    near = answer["points"].numpy().astype(np.float64)
    distance[finite] = np.linalg.norm(near - points[finite], axis=1)
    return found, distance
