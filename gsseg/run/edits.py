"""What somebody has changed of a segmentation, as values, and how it is written into the files of a run."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.compressed import CompressedScene
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.run.marks import Marks, marks_json
from gsseg.segmentation import NO_OBJECT, ObjectInfo
from gsseg.segmentation.table import table_json


@dataclass(frozen=True, eq=False, kw_only=True)
class Edits:
    """A mended segmentation: Gaussians have moved between objects; codes and features are as they were."""

    object_ids: Int32[ndarray, " gaussians"]
    """Object of each Gaussian, `NO_OBJECT` = none; who was there before keeps its id."""
    objects: list[ObjectInfo]
    """The table of these objects, with a row for every id that was ever given."""
    marks: Marks
    """What is hidden or deleted."""
    came_from: list[int | None]
    """Row, in the table as it was read, of the object that each of these comes from, whose language vector it keeps;
    None where it was made of Gaussians that belonged to none."""


def write_table(path: Path, edits: Edits) -> None:
    """Writes objects.json."""
    path.write_text(table_json(edits.objects), encoding="utf-8")


def write_marks(path: Path, edits: Edits) -> None:
    """Writes viewer.json."""
    path.write_text(marks_json(edits.marks, edits.object_ids), encoding="utf-8")


def edited_scene(scene: CompressedScene, edits: Edits) -> CompressedScene:
    """The compressed scene with these objects; codes, features and residuals are untouched, language vectors follow."""
    # A label is of one object: where only some of its Gaussians have moved it becomes two.
    ids = edits.object_ids.astype(np.int64) - NO_OBJECT
    _, first, labels = np.unique(scene.labels.astype(np.int64) << 32 | ids, return_index=True, return_inverse=True)
    earlier = scene.labels[first]
    owners, rows = _followed(scene, edits.came_from)
    language = None if scene.language is None else _vectors_of(scene.language, rows)
    return replace(
        scene,
        labels=labels,
        label_objects=edits.object_ids[first],
        label_codes=scene.label_codes[earlier],
        label_features=scene.label_features[earlier],
        objects=edits.objects,
        language=language,
        language_objects=None if scene.language_objects is None else owners,
    )


def _followed(
    scene: CompressedScene, came_from: list[int | None]
) -> tuple[Int32[ndarray, " vectors"], list[int | None]]:
    """New owner of each language vector, and the row that it is: all of the object's origin, None where it has none."""
    earlier = scene.language_owners
    first, last = (np.searchsorted(earlier, np.arange(len(scene.objects)), side) for side in ("left", "right"))
    rows = [[None] if origin is None else list(range(first[origin], last[origin])) for origin in came_from]
    owners = np.repeat(np.arange(len(rows), dtype=np.int32), [len(each) for each in rows])
    return owners, [row for each in rows for row in each]


def _vectors_of(codes: BinaryCodes, rows: list[int | None]) -> BinaryCodes:
    """These rows; the centroid, as near to one word as to another, for None."""
    taken = codes.take([0 if row is None else row for row in rows])
    unknown = np.array([row is None for row in rows], bool)
    middle = 0.0 if codes.similarity == "euclidean" else codes.centroid_dp
    return replace(
        taken,
        packed=np.where(unknown[:, None], np.uint8(0), taken.packed),
        lower=np.where(unknown, np.float32(0), taken.lower),
        upper=np.where(unknown, np.float32(0), taken.upper),
        additional=np.where(unknown, np.float32(middle), taken.additional),
        component_sum=np.where(unknown, 0, taken.component_sum).astype(taken.component_sum.dtype),
    )
