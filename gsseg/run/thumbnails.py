"""Thumbnails of objects as files of a run, and how they stay right while objects are edited.

A file is named by its content, and objects.json says whose it is: whatever table somebody reads, with whatever ids, the
picture of that name is the one that its writer meant. Saving edits writes no picture: an object that still consists of
the same Gaussians keeps its name, any other has none until the next training.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from gsseg.export.pictures import Crop, jpeg
from gsseg.files.digest import sha256
from gsseg.run.edits import Edits
from gsseg.segmentation import ObjectInfo, SegmentationColumns
from gsseg.segmentation.table import THUMBNAILS


def thumbnail_files(pictures: Mapping[int, Crop]) -> dict[int, tuple[str, bytes]]:
    """Object -> name relative to the run, and content, of its thumbnail."""
    files = {each: jpeg(picture) for each, picture in pictures.items()}
    return {each: (f"{THUMBNAILS}/{sha256(content)[:16]}.jpg", content) for each, content in files.items()}


def named(objects: list[ObjectInfo], files: Mapping[int, tuple[str, bytes]]) -> list[ObjectInfo]:
    """The table with the names of these thumbnails, and none where there is none."""
    return [replace(row, thumbnail=files[row.id][0] if row.id in files else None) for row in objects]


def write_thumbnails(out: Path, files: Mapping[int, tuple[str, bytes]]) -> None:
    """Writes them below ``out``."""
    for name, content in files.values():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(content)


def with_thumbnails(edits: Edits, before: SegmentationColumns) -> Edits:
    """Edits whose objects keep the thumbnail of the object they come from where they are the same Gaussians.

    ``before``: the segmentation as it was read, which `Edits.came_from` speaks of.
    """
    old, new = before.object_ids, edits.object_ids
    moved = old != new
    counts = np.bincount(new[new >= 0], minlength=len(edits.objects))
    rows = []
    for row, origin in zip(edits.objects, edits.came_from, strict=True):
        name = None if origin is None else before.objects[origin].thumbnail
        if name is not None and origin != row.id:
            mine = old == origin
            same = int(mine.sum()) == counts[row.id] and bool((new[mine] == row.id).all())
        else:  # the id has not changed: it is enough that nobody has come or gone
            same = not bool((moved & ((old == row.id) | (new == row.id))).any())
        rows.append(replace(row, thumbnail=name if same else None))
    return replace(edits, objects=rows)
