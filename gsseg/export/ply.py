"""Splat files with the segmentation in them, and one splat file for each object."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Integer
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.export.folder import whole_folder
from gsseg.export.manifest import MANIFEST, SCENE, SEGMENTED, manifest, object_file
from gsseg.export.meshes import MeshOptions, add_meshes_
from gsseg.io.ply import SplatFile, read_splats, write_splats
from gsseg.meshes.outliers import statistical_outliers
from gsseg.run import FEATURE_COLUMNS, Run

ADDED_COLUMNS = (*FEATURE_COLUMNS, "code_coarse", "code_fine", "object_id")
"""What `write_segmented` adds to the columns of the input."""


def write_segmented(
    splats: Path,
    out: Path,
    features: Float[ndarray, "gaussians 6"],
    code_coarse: Integer[ndarray, " gaussians"],
    code_fine: Integer[ndarray, " gaussians"],
    object_ids: Integer[ndarray, " gaussians"],
) -> None:
    """Writes the splat file again with features (float), codes (ushort) and object ids (int) added.

    Rows, their order, and all columns of the input are unchanged, except that columns of the added names are
    replaced. ValueError where codes do not fit 16 bits. Raises `InputError` where a file cannot be read or written.
    """
    for name, codes in (("code_coarse", code_coarse), ("code_fine", code_fine)):
        if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) <= np.iinfo(np.uint16).max:
            raise ValueError(f"{name} is {codes.min()}..{codes.max()}, which 16 bits do not hold")
    file = read_splats(splats)
    added = (code_coarse.astype(np.uint16), code_fine.astype(np.uint16), object_ids.astype(np.int32))
    write_splats(
        out,
        file.columns,
        dict(zip(ADDED_COLUMNS, (*features.astype(np.float32).T, *added), strict=True)),
        file.comments,
    )


def export_objects(
    run: Run,
    out: Path | str,
    objects: Sequence[int] | None = None,
    drop: Sequence[int] = (),
    *,
    clean: bool = False,
    meshes: MeshOptions | None = None,
) -> dict[str, Any]:
    """Writes a folder for other programs and returns its manifest.

    ``segmented.ply`` as in the run; ``object_007.ply`` for each of ``objects`` (None: all), with the columns of the
    input splats only, so that every splat viewer opens it; ``scene.ply``, likewise, without the objects to ``drop``, if
    there are any; ``manifest.json``. What was deleted in the viewer is among the dropped ones, and among the written
    ones only if it is named. An earlier export in ``out`` is replaced. Raises `InputError`, before anything is
    written, for ids there are not and for a folder that holds anything else; nothing is left where writing fails.

    With ``clean`` the files of single objects lack their outliers (`gsseg.meshes.outliers`), which the manifest counts;
    an object keeps at least one Gaussian. With ``meshes`` there are meshes too (`gsseg.export.meshes`).
    """
    out = Path(out)
    table = {row.id: row for row in run.objects}
    deleted = sorted(run.marks.deleted & table.keys())
    chosen = [each for each in table if each not in deleted] if objects is None else list(dict.fromkeys(objects))
    dropped = list(dict.fromkeys((*drop, *deleted)))
    for object_id in (*chosen, *dropped):
        if object_id not in table:
            there = f"its objects are 0 to {len(table) - 1}" if table else "it has no objects"
            raise InputError(run.file.path.parent, f"has no object {object_id}", there)
    kept = np.flatnonzero(~np.isin(run.object_ids, dropped))
    if not len(kept):
        raise InputError(out / SCENE, "would be empty: every Gaussian is dropped", "drop fewer objects")
    contents = manifest(run.file.path.name, len(run.object_ids), [table[i] for i in chosen], dropped, len(kept))
    columns = _original_columns(run.file)
    # One sort finds the rows of all objects; comparing all ids once for each object would take objects x gaussians.
    order = np.argsort(run.object_ids, kind="stable")
    sorted_ids = run.object_ids[order]
    with whole_folder(out) as beside:
        _write_whole(run, beside / SEGMENTED)
        for entry in contents["objects"]:
            first, last = np.searchsorted(sorted_ids, [entry["id"], entry["id"] + 1])
            rows = order[first:last]
            if clean:
                rows = _without_outliers_(entry, run.gaussians.means.numpy(), rows)
            write_splats(beside / object_file(entry["id"]), columns[rows], comments=run.file.comments)
        if dropped:
            write_splats(beside / SCENE, columns[kept], comments=run.file.comments)
        if meshes is not None:
            add_meshes_(contents, beside, run, meshes, dropped)
        (beside / MANIFEST).write_text(json.dumps(contents, indent=1), encoding="utf-8")
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


def _write_whole(run: Run, out: Path) -> None:
    """segmented.ply: copied, or made where the splat file does not hold the run's own objects."""
    columns = run.file.columns
    if set(ADDED_COLUMNS) <= set(columns.dtype.names or ()) and np.array_equal(columns["object_id"], run.object_ids):
        shutil.copyfile(run.file.path, out)
    else:
        write_segmented(run.file.path, out, run.features.numpy(), run.code_coarse, run.code_fine, run.object_ids)


def _original_columns(file: SplatFile) -> np.ndarray:
    return file.columns[[name for name in file.columns.dtype.names or () if name not in ADDED_COLUMNS]]
