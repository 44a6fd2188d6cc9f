"""Splat files with the segmentation in them, and one splat file for each object."""

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Integer
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.export.manifest import MANIFEST, SCENE, SEGMENTED, listed_files, manifest, object_file
from gsseg.export.meshes import MeshOptions, add_meshes_
from gsseg.files import reading
from gsseg.files.folder import whole_folder
from gsseg.io.ply import write_splats
from gsseg.meshes.outliers import statistical_outliers
from gsseg.scene import SplatFile
from gsseg.segmentation import SegmentationColumns
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
    deleted: Collection[int] = (),
    clean: bool = False,
    meshes: MeshOptions | None = None,
    check: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Writes a folder for other programs and returns its manifest.

    ``segmented.ply`` as in the run; ``object_007.ply`` for each of ``objects`` (None: all), with the columns of the
    input splats only, so that every splat viewer opens it; ``scene.ply``, likewise, without the objects to ``drop``, if
    there are any; ``manifest.json``. ``deleted`` objects are among the dropped ones, and among the written ones only if
    they are named. An earlier export in ``out`` is replaced. Raises `InputError`, before anything is
    written, for ids there are not and for a folder that holds anything else; nothing is left where writing fails.

    With ``clean`` the files of single objects lack their outliers (`gsseg.meshes.outliers`), which the manifest counts;
    an object keeps at least one Gaussian. With ``meshes`` there are meshes too (`gsseg.export.meshes`). ``check`` is
    called when all is written and nothing has taken its place yet: what it raises leaves ``out`` as it is.
    """
    out = Path(out)
    table = {row.id: row for row in columns.objects}
    gone = sorted(set(deleted) & table.keys())
    chosen = [each for each in table if each not in gone] if objects is None else list(dict.fromkeys(objects))
    dropped = list(dict.fromkeys((*drop, *gone)))
    for object_id in (*chosen, *dropped):
        if object_id not in table:
            there = f"its objects are 0 to {len(table) - 1}" if table else "it has no objects"
            raise InputError(splats.path.parent, f"has no object {object_id}", there)
    ids = columns.object_ids
    kept = np.flatnonzero(~np.isin(ids, dropped))
    if not len(kept):
        raise InputError(out / SCENE, "would be empty: every Gaussian is dropped", "drop fewer objects")
    contents = manifest(splats.path.name, len(ids), [table[i] for i in chosen], dropped, len(kept))
    rows = splats.columns[original_columns(splats)]
    # One sort finds the rows of all objects; comparing all ids once for each object would take objects x gaussians.
    order = np.argsort(ids, kind="stable")
    sorted_ids = ids[order]
    with whole_folder(out, listed_files) as beside:
        _write_whole(beside / SEGMENTED, splats, columns)
        for entry in contents["objects"]:
            first, last = np.searchsorted(sorted_ids, [entry["id"], entry["id"] + 1])
            mine = order[first:last]
            if clean:
                mine = _without_outliers_(entry, splats.gaussians.means.numpy(), mine)
            write_splats(beside / object_file(entry["id"]), rows[mine], comments=splats.comments)
        if dropped:
            write_splats(beside / SCENE, rows[kept], comments=splats.comments)
        if meshes is not None:
            add_meshes_(contents, beside, columns, meshes, dropped)
        (beside / MANIFEST).write_text(json.dumps(contents, indent=1), encoding="utf-8")
        check()
    return contents


def _without_outliers_(
    entry: dict[str, Any], means: Float[ndarray, "gaussians 3"], rows: Integer[ndarray, " rows"]
) -> Integer[ndarray, " kept"]:
    """The rows of an object that are no outliers; its entry in the manifest then tells of these, and their number."""
    outliers = statistical_outliers(means[rows])
    centres = means[rows[~outliers]].astype(np.float64)
    entry["gaussians"], entry["outliers"] = len(centres), int(outliers.sum())
    entry["bbox_min"], entry["bbox_max"] = centres.min(axis=0).tolist(), centres.max(axis=0).tolist()
    return rows[~outliers]


def _write_whole(out: Path, splats: SplatFile, columns: SegmentationColumns) -> None:
    """segmented.ply: copied, or made where the splat file does not hold these very objects."""
    there = splats.columns
    if set(ADDED_COLUMNS) <= set(there.dtype.names or ()) and np.array_equal(there["object_id"], columns.object_ids):
        _copy(splats.path, out)
    else:
        write_segmented(out, splats, columns)


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
