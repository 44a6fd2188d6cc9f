"""Splat files with the segmentation in them, and one splat file for each object."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Integer
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.export.manifest import MANIFEST, SCENE, SEGMENTED, TOGETHER, listed_files, manifest, object_file
from gsseg.export.meshes import MeshOptions, add_meshes_
from gsseg.export.other_formats import OtherFormats, add_other_formats_
from gsseg.files import reading
from gsseg.files.folder import whole_folder
from gsseg.io.ply import write_splats
from gsseg.meshes.outliers import statistical_outliers
from gsseg.scene import SplatFile
from gsseg.segmentation import NO_OBJECT, SegmentationColumns
from gsseg.segmentation.segmented_ply import ADDED_COLUMNS, original_columns, write_segmented

_BLOCK = 1 << 22
"""Bytes that are copied at a time."""


def export_objects(
    splats: SplatFile,
    columns: SegmentationColumns,
    out: Path | str,
    *,
    objects: Sequence[int] | None = None,
    drop: Sequence[int] = (),
    deleted: Bool[ndarray, " gaussians"] | None = None,
    together: bool = False,
    clean: bool = False,
    confidence: Float32[ndarray, " gaussians"] | None = None,
    meshes: MeshOptions | None = None,
    others: OtherFormats | None = None,
    check: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Writes a folder for other programs and returns its manifest.

    ``segmented.ply`` as in the run; ``object_007.ply`` for each of ``objects`` (None: all), with the columns of the
    input splats only, so that every splat viewer opens it; ``scene.ply``, likewise, without the objects to ``drop``, if
    there are any; ``manifest.json``. ``deleted`` Gaussians are in none of these; objects of which nothing else is left
    are among the dropped ones, and whole among the written ones if they are named. ``together``: ``objects.ply`` holds
    the rows of all of ``objects`` beside their own files. An earlier export in ``out`` is replaced. Raises
    `InputError`, before anything is written, for ids there are not and for a folder that holds anything else; nothing
    is left where writing fails.

    With ``clean`` the files of single objects lack their outliers (`gsseg.meshes.outliers`), which the manifest counts;
    an object keeps at least one Gaussian. With ``confidence``, e.g. of `gsseg.run.Run.confidence`, segmented.ply has it
    as one more column. With ``meshes`` there are meshes too (`gsseg.export.meshes`), with ``others`` the scene in other
    formats (`gsseg.export.other_formats`), without what is dropped or deleted. ``check`` is called when all is written
    and nothing has taken its place yet: what it raises leaves ``out`` as it is.
    """
    out = Path(out)
    table = {row.id: row for row in columns.objects if row.gaussians}
    ids = columns.object_ids
    deleted = np.zeros(len(ids), bool) if deleted is None else deleted
    gone = sorted(set(table) - set(np.unique(ids[~deleted]).tolist()))
    chosen = [each for each in table if each not in gone] if objects is None else list(dict.fromkeys(objects))
    dropped = list(dict.fromkeys((*drop, *gone)))
    for object_id in (*chosen, *dropped):
        if object_id not in table:
            raise InputError(splats.path.parent, f"has no object {object_id}", _there(list(table)))
    kept = np.flatnonzero(~np.isin(ids, dropped) & ~deleted)
    if not len(kept):
        raise InputError(out / SCENE, "would be empty: every Gaussian is dropped", "drop fewer objects")
    left = len(kept) if len(kept) < len(ids) else None
    contents = manifest(splats.path.name, len(ids), [table[i] for i in chosen], dropped, left)
    rows, means = splats.columns[original_columns(splats)], splats.gaussians.means.numpy()
    # What is deleted of an object that is named although all of it is deleted is wanted all the same.
    left_out = deleted & ~np.isin(ids, list(set(gone) & set(chosen)))
    written = np.where(left_out, NO_OBJECT, ids)
    # One sort finds the rows of all objects; comparing all ids once for each object would take objects x gaussians.
    order = np.argsort(written, kind="stable")
    sorted_ids = written[order]
    parts = []
    with whole_folder(out, listed_files) as beside:
        _write_whole(beside / SEGMENTED, splats, columns, confidence)
        for entry in contents["objects"]:
            first, last = np.searchsorted(sorted_ids, [entry["id"], entry["id"] + 1])
            mine = order[first:last]
            if len(mine) < entry["gaussians"]:
                _retold_(entry, means[mine])
            if clean:
                mine = _without_outliers_(entry, means, mine)
            write_splats(beside / object_file(entry["id"]), rows[mine], comments=splats.comments)
            parts.append(mine)
        if together and parts:
            whole = np.sort(np.concatenate(parts))
            write_splats(beside / TOGETHER, rows[whole], comments=splats.comments)
            contents["together"] = {"file": TOGETHER, "gaussians": len(whole)}
        if left is not None:
            write_splats(beside / SCENE, rows[kept], comments=splats.comments)
        if meshes is not None:
            add_meshes_(
                contents, beside, columns.objects, np.where(left_out, len(columns.objects), ids), meshes, dropped
            )
        if others is not None:
            add_other_formats_(contents, beside, columns.objects, ids, kept, others)
        (beside / MANIFEST).write_text(json.dumps(contents, indent=1), encoding="utf-8")
        check()
    return contents


def _without_outliers_(
    entry: dict[str, Any], means: Float[ndarray, "gaussians 3"], rows: Integer[ndarray, " rows"]
) -> Integer[ndarray, " kept"]:
    """The rows of an object that are no outliers; its entry in the manifest then tells of these, and their number."""
    outliers = statistical_outliers(means[rows])
    _retold_(entry, means[rows[~outliers]])
    entry["outliers"] = int(outliers.sum())
    return rows[~outliers]


def _retold_(entry: dict[str, Any], means: Float[ndarray, "kept 3"]) -> None:
    """The entry of an object in the manifest tells of these Gaussians alone."""
    centres = means.astype(np.float64)
    entry["gaussians"] = len(centres)
    entry["bbox_min"], entry["bbox_max"] = centres.min(axis=0).tolist(), centres.max(axis=0).tolist()


def _there(ids: list[int]) -> str:
    """Which ids there are, for a person who named another."""
    if not ids:
        return "it has no objects"
    ids = sorted(ids)
    gaps = "" if len(ids) == ids[-1] - ids[0] + 1 else f", {len(ids)} of these ids"
    return f"its objects are {ids[0]} to {ids[-1]}{gaps}"


def _write_whole(
    out: Path,
    splats: SplatFile,
    columns: SegmentationColumns,
    confidence: Float32[ndarray, " gaussians"] | None,
) -> None:
    """segmented.ply: copied, or made where the splat file does not hold these very objects."""
    there = splats.columns
    held = set(ADDED_COLUMNS) <= set(there.dtype.names or ()) and np.array_equal(there["object_id"], columns.object_ids)
    if held and confidence is None:
        _copy(splats.path, out)
    else:
        write_segmented(out, splats, columns, confidence)


def _copy(source: Path, target: Path) -> None:
    """Copies a file; unlike `shutil.copyfile` it tells a disk that cannot be read from one that cannot be written."""
    with reading(source):
        stream = source.open("rb")
    with stream, target.open("wb") as copy:
        while True:
            with reading(source):
                block = stream.read(_BLOCK)
            if not block:
                return
            copy.write(block)
