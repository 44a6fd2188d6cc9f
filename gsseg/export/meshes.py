"""Meshes of an export: the scene's and one an object, as files beside the splats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.export.manifest import mesh_file
from gsseg.export.pictures import NOBODY
from gsseg.meshes import Surface, reconstruct, write_surface
from gsseg.meshes.write import MeshFormat
from gsseg.scene import Gaussians, View
from gsseg.segmentation import ObjectInfo

MeshColors = Literal["photo", "object"]


@dataclass(frozen=True, kw_only=True)
class MeshOptions:
    """How the meshes of an export are made."""

    gaussians: Gaussians
    """The splats, with the settings they are drawn with."""
    views: Sequence[View]
    """Where depths are rendered from, and whose photos colour the meshes."""
    format: MeshFormat = "ply"
    """What the files are."""
    colors: MeshColors = "photo"
    """Colours of the vertices: of the photos, or the display colour of the object."""
    voxel: float | None = None
    """Edge of a voxel, world units; None: `gsseg.meshes.fusion.default_voxel`."""
    progress: Callable[[int, int], None] = lambda done, total: None
    """Told the views done and their number."""


def add_meshes_(
    contents: dict[str, Any],
    folder: Path,
    objects: Sequence[ObjectInfo],
    object_ids: Int32[ndarray, " gaussians"],
    options: MeshOptions,
    dropped: Sequence[int],
) -> None:
    """Writes the scene's mesh, without the dropped objects, and one an object, and names them in the manifest.

    ``object_ids``: object of each Gaussian, ``len(objects)`` for what is in no mesh.
    An object that no view shows has ``"mesh": null`` and no file. Raises `InputError` where nothing is seen at all.
    """
    found = reconstruct(options.gaussians, options.views, object_ids, options.voxel, options.progress)
    if not len(found.surface) and options.voxel is not None:
        problem = f"leaves nothing: no voxel is seen by two of the {len(options.views)} views"
        raise InputError(f"--mesh-voxel {options.voxel:g}", problem, "give larger voxels, or leave their size to gsseg")
    if not len(found.surface):
        problem = f"cannot be made into meshes: its {len(options.views)} views see no surface"
        raise InputError(contents["splats"], problem, "name the scene that belongs to it with -s SCENE")
    colors = {row.id: np.array(row.color, np.float32) / np.float32(255.0) for row in objects}
    by_object = options.colors == "object"
    for entry in contents["objects"]:
        color = colors[entry["id"]] if by_object else None
        entry["mesh"] = _write(folder, entry["id"], found.of_object(entry["id"]), color, options.format)
    if by_object:
        found = found.painted(np.array([*(colors[k] for k in range(len(colors))), NOBODY], np.float32))
    contents["scene_mesh"] = _write(folder, None, found.without([*dropped, len(objects)]), None, options.format)
    contents["mesh_voxel"] = found.voxel


def _write(
    folder: Path, object_id: int | None, surface: Surface, color: np.ndarray | None, ending: MeshFormat
) -> dict[str, Any] | None:
    if not len(surface):
        return None
    if color is not None:
        surface = Surface(
            surface.vertices, surface.normals, np.tile(color, (len(surface.vertices), 1)), surface.triangles
        )
    name = mesh_file(object_id, ending)
    write_surface(folder / name, surface)
    return {"file": name, "vertices": len(surface.vertices), "triangles": len(surface)}
