"""Objects as masks of the photos: a mended scene becomes training data for 2-D models, and masks for gsseg itself.

A pixel is of the object that most of its light comes from (`gsseg.render.dominant`), of none where that light is of no
object or where the splats leave more than half of it open.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Int32
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.files import whole_file
from gsseg.io.run_lengths import runs_of_mask, text_of_runs
from gsseg.render import blend_weights
from gsseg.render.dominant import dominant_labels
from gsseg.scene import Gaussians, View
from gsseg.segmentation import ObjectInfo

COCO = "coco.json"
FOLDER = "masks"
"""As in a scene's folder: gsseg reads such masks there."""


def write_view_masks(
    folder: Path,
    gaussians: Gaussians,
    object_ids: Int32[ndarray, " gaussians"],
    objects: Sequence[ObjectInfo],
    views: Sequence[View],
    names: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Writes ``masks/NAME.png`` for each view, grey of 16 bits, id + 1, 0 = none, and coco.json; returns what it wrote.

    ``names``: of the views, as paths that end like those of their photos without suffix. Pictures have the size of the
    cameras and are of undistorted photos. In coco.json a category is a name of objects, the name stands for all that
    share it; ``object_id`` of an annotation tells them apart. `InputError` for an id beyond 65534.
    """
    if int(object_ids.max(initial=0)) >= np.iinfo(np.uint16).max:
        raise InputError(
            folder / FOLDER, f"cannot hold object {object_ids.max()}: ids end at 65534", "name fewer objects"
        )
    categories = {name: k + 1 for k, name in enumerate(dict.fromkeys(row.name for row in objects if row.gaussians))}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    files = []
    for number, (view, name) in enumerate(zip(views, names, strict=True)):
        labels = _labels(gaussians, object_ids, view)
        file = f"{FOLDER}/{name}.png"
        with whole_file(folder / file) as beside:
            Image.fromarray((labels + 1).astype(np.uint16)).save(beside, "PNG")
        files.append(file)
        photo = PurePosixPath(name).name + (view.photo.suffix if view.photo is not None else "")
        height, width = labels.shape
        images.append(
            {"id": number, "file_name": str(PurePosixPath(name).with_name(photo)), "width": width, "height": height}
        )
        for each in np.unique(labels[labels >= 0]).tolist():
            entry = _annotation(labels == each)
            entry |= {"image_id": number, "category_id": categories[objects[each].name], "object_id": each}
            annotations.append({"id": len(annotations) + 1, **entry})
        progress(number + 1, len(views))
    content = {
        "info": {"description": "objects of a run, as its training views see them"},
        "images": images,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "annotations": annotations,
    }
    (folder / COCO).write_text(json.dumps(content), encoding="utf-8")
    return {"files": [{"file": file} for file in files], "coco": {"file": COCO, "annotations": len(annotations)}}


def view_files(views: Sequence[View], scene: Path) -> list[str]:
    """The path of each view's photo below the scene's folder of photos, without suffix; its name where it has none."""
    names = []
    for view in views:
        if view.photo is None or not view.photo.is_relative_to(scene):
            names.append(view.name)
            continue
        parts = view.photo.relative_to(scene).with_suffix("").parts
        names.append("/".join(parts[1:] or parts))
    return names


def _labels(
    gaussians: Gaussians, object_ids: Int32[ndarray, " gaussians"], view: View
) -> Int32[ndarray, "height width"]:
    weights = blend_weights(gaussians, view.camera)
    return dominant_labels(weights, object_ids).reshape(view.camera.height, view.camera.width)


def _annotation(mask: ndarray) -> dict[str, Any]:
    """What COCO says of a mask: run lengths, area and box (left, top, width, height), in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
    return {
        "segmentation": {"size": list(mask.shape), "counts": text_of_runs(runs_of_mask(mask))},
        "area": int(mask.sum()),
        "bbox": [int(side) for side in box],
        "iscrowd": 0,
    }
