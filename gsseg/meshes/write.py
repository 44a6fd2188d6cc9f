"""Surfaces as files that every program for meshes reads."""

from pathlib import Path
from typing import Literal, get_args

import numpy as np

from gsseg.errors import InputError
from gsseg.meshes.open3d_loader import open3d
from gsseg.meshes.surface import Surface

MeshFormat = Literal["ply", "glb"]
FORMATS: tuple[MeshFormat, ...] = get_args(MeshFormat)


def write_surface(path: Path, surface: Surface) -> None:
    """Writes a PLY or a GLB, as the name ends, in world units and along the axes of the splats.

    Colours are sRGB in a PLY, as all programs take them, and linear in a GLB, as its specification has it. Raises
    `InputError` where the file cannot be written.
    """
    o3d = open3d()
    colors = _linear(surface.colors) if path.suffix == ".glb" else surface.colors
    mesh = o3d.t.geometry.TriangleMesh()
    mesh.vertex.positions, mesh.vertex.normals = o3d.core.Tensor(surface.vertices), o3d.core.Tensor(surface.normals)
    mesh.vertex.colors = o3d.core.Tensor(colors)
    mesh.triangle.indices = o3d.core.Tensor(surface.triangles.astype(np.int32))
    path.touch()  # says why a file cannot be made, which Open3D does not
    if not o3d.t.io.write_triangle_mesh(str(path), mesh):
        raise InputError(path, "cannot be written", "check that its disk has room")


def _linear(srgb: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)
