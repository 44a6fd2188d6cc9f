"""manifest.json: which file of an export is what."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from gsseg.errors import InputError
from gsseg.files import UnreadableError
from gsseg.files.json_file import read_json_object
from gsseg.segmentation import ObjectInfo

MANIFEST = "manifest.json"
SEGMENTED = "segmented.ply"
SCENE = "scene.ply"
TOGETHER = "objects.ply"
"""The file of several objects that are wanted as one."""

_FORMAT = "gsseg export"
_SINGLE = ("segmented", "together", "scene", "scene_mesh", "standard", "painted", "glb")
"""Entries of one file each."""


def object_file(object_id: int) -> str:
    """File name of one object: three digits at least, so that listings sort by id."""
    return f"object_{object_id:03d}.ply"


def mesh_file(object_id: int | None, ending: str) -> str:
    """File name of the mesh of one object; None: of the scene."""
    return f"{'scene' if object_id is None else f'object_{object_id:03d}'}_mesh.{ending}"


def manifest(
    splats: str, gaussians: int, objects: Sequence[ObjectInfo], dropped: Sequence[int], kept: int | None
) -> dict[str, Any]:
    """The table of contents: the segmented scene, a file for each of ``objects``, and the scene without ``dropped``.

    ``kept``: Gaussians of that last file, None where there is none. Boxes are in world units.
    """
    table: dict[str, Any] = {
        "format": _FORMAT,
        "version": 1,
        "splats": splats,
        "segmented": {"file": SEGMENTED, "gaussians": gaussians},
        "objects": [
            {
                "file": object_file(row.id),
                "id": row.id,
                "name": row.name,
                "gaussians": row.gaussians,
                "bbox_min": row.bbox_min,
                "bbox_max": row.bbox_max,
            }
            for row in objects
        ],
    }
    if kept is not None:
        table["scene"] = {"file": SCENE, "gaussians": kept, "dropped": list(dropped)}
    return table


def listed_files(folder: Path) -> set[str] | None:
    """The files that an export wrote to this folder, itself included, as paths inside it; None where it is no export.

    `InputError` where the disk refuses to tell.
    """
    try:
        table = read_json_object(folder / MANIFEST, "")
    except UnreadableError:
        raise
    except InputError:
        return None
    if table.get("format") != _FORMAT:
        return None
    objects = table.get("objects")
    entries = [table.get(name) for name in _SINGLE]
    entries += objects if isinstance(objects, list) else []
    masks = table.get("masks")
    if isinstance(masks, dict) and isinstance(masks.get("files"), list):
        entries += [*masks["files"], masks.get("coco")]
    entries += [entry.get("mesh") for entry in entries if isinstance(entry, dict)]
    names = [entry["file"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("file"), str)]
    # Whoever replaces the export deletes these, so a name that leads out of the folder is none of ours.
    return {MANIFEST, *(name for name in names if _stays_inside(name))}


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name == "/".join(parts) and name.isprintable() and all(part.strip("./") for part in parts)
