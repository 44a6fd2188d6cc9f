"""The document on disk: all of its files or none of them, and the version before kept.

    opened                            saved to
    RUN folder                  segmented.ply (its column object_id), objects.json, and scene.gsseg where there is one
    scene.gsseg in a folder     it, and segmented.ply and objects.json where they lie beside it
    a segmented.ply by itself   a new folder beside it, NAME_run, that opens as a RUN; the file stays as it is

Beside them viewer.json says what is hidden and deleted (`gsseg.run.marks`). What was there before goes to the
subfolder earlier (`gsseg.files.together`). Objects are numbered 0..n-1 on disk, largest first; deleted ones are still
among them.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.compressed import CompressedScene, write_scene
from gsseg.errors import InputError
from gsseg.export.folder import whole_folder
from gsseg.files.together import alone, replace_together
from gsseg.io.ply import write_splats
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.run import COMPRESSED, OBJECTS, SEGMENTED, Run
from gsseg.run.marks import Marks, marks_json
from gsseg.segmentation.describe import describe_objects
from gsseg.segmentation.table import ObjectInfo, table_json
from gsseg_viewer.state import State, renumbered

if TYPE_CHECKING:
    from gsseg_viewer.document import Document

FileStamps = dict[str, tuple[int, int, int] | None]
"""Time, size and number of each file that saving replaces, None where there is none: tells whether it has changed."""


def save(document: "Document", by: int | None = None) -> Path:
    """Writes the current version and returns the folder or file that it is in; nothing is written where it is there.

    Afterwards ids of the document are those on disk (`Document.mark_saved`). Raises `InputError`, with nothing changed,
    where the file system refuses and where somebody else has changed or removed the files since they were opened or
    saved.
    """
    with document.saving:
        _check_there(document.run)
        state, numbers = document.to_save()
        if state is document.saved:
            return opened(document.run)
        with alone(document.run.path):
            if file_stamps(document.run) != document.stamps:
                raise InputError(
                    opened(document.run), "has been changed by another program since it was opened or saved here",
                    "open it again and repeat the edits",
                )  # fmt: skip
            run = _write(document, renumbered(state, numbers))
            stamps = file_stamps(run)
        document.mark_saved(state, numbers, run, stamps, by)
        return opened(run)


def file_stamps(run: Run) -> FileStamps:
    """The stamps of the files of a run as they are now."""
    paths = {run.splats, run.compressed_path or run.splats, run.marks_path}
    paths |= {run.path / name for name in (SEGMENTED, OBJECTS, COMPRESSED)}
    return {str(path): _stamp(path) for path in sorted(paths)}


def _write(document: "Document", state: State) -> Run:
    """Writes a state with the ids that it is to have on disk, and returns what it can be read from."""
    run = document.run
    ids = document.object_ids(state)
    table = _described(document, state, ids)
    if run.bare:
        folder = run.splats.with_name(f"{run.splats.stem}_run")
        if folder.exists():
            raise InputError(folder, "is there already", f"open it in place of {run.splats.name}, or move it away")
        with whole_folder(folder) as out:
            _write_segmented(run, out, ids)
            _write_table(out, table)
            _write_marks(out / Run(folder, folder / SEGMENTED).marks_path.name, state, ids)
        return Run.open(folder)
    _check_whole(run)
    with replace_together(run.path) as out:
        if run.splats == run.path / SEGMENTED:
            _write_segmented(run, out, ids)
        if run.compressed_path is None or (run.path / OBJECTS).is_file():
            _write_table(out, table)
        if run.compressed is not None and run.compressed_path is not None:
            sources = [state.objects[each].source for each in range(len(table))]
            write_scene(out / run.compressed_path.name, _compressed(run.compressed, ids, table, sources))
        _write_marks(out / run.marks_path.name, state, ids)
    return run


def _check_there(run: Run) -> None:
    """`InputError` where the folder or the splats are not there any more."""
    for path in (run.path, run.splats):
        if _stamp(path) is None:
            problem = "is gone: it has been deleted or moved, or its disk taken away, since it was opened here"
            raise InputError(path, problem, "put it back where it was, and save again")


def _check_whole(run: Run) -> None:
    """`InputError` where files in the folder speak of the same objects and would not be written with the others."""
    others = run.splats != run.path / SEGMENTED and (run.path / OBJECTS).is_file()
    if run.compressed_path not in (None, run.path / COMPRESSED):
        others = others or (run.path / COMPRESSED).is_file()
    if others:
        problem = "holds more of this run than was opened, which saving would contradict"
        raise InputError(run.path, problem, "open the folder itself, or a copy of the files elsewhere")


def _write_segmented(run: Run, out: Path, ids: Int32[ndarray, " gaussians"]) -> None:
    write_splats(out / SEGMENTED, run.file.columns, {"object_id": ids}, run.file.comments)


def _write_table(out: Path, table: list[ObjectInfo]) -> None:
    (out / OBJECTS).write_text(table_json(table), encoding="utf-8")


def _write_marks(path: Path, state: State, ids: Int32[ndarray, " gaussians"]) -> None:
    path.write_text(marks_json(Marks(state.hidden, state.deleted, state.rest_hidden), ids), encoding="utf-8")


def _described(document: "Document", state: State, ids: Int32[ndarray, " gaussians"]) -> list[ObjectInfo]:
    """The table of objects of a state whose ids are 0..n-1."""
    rows = [state.objects[each] for each in range(len(state.objects))]
    return describe_objects(
        ids, document.table.fine[document.labels], document.gaussians.means.numpy(),
        names=[row.name for row in rows], colors=[row.color for row in rows],
        views=[row.views for row in rows], agreement=[row.agreement for row in rows],
    )  # fmt: skip


def _compressed(
    scene: CompressedScene, ids: Int32[ndarray, " gaussians"], table: list[ObjectInfo], sources: list[int | None]
) -> CompressedScene:
    """The scene with other objects; codes, features and residuals are untouched, language vectors follow theirs."""
    label_objects = np.full_like(scene.label_objects, -1)
    label_objects[scene.labels] = ids  # all Gaussians of a label have moved together
    language = None if scene.language is None else _language(scene.language, sources)
    return replace(scene, label_objects=label_objects, objects=table, language=language)


def _language(codes: BinaryCodes, sources: list[int | None]) -> BinaryCodes:
    """The vector of each object's source; the centroid, as near to one word as to another, where it has none."""
    taken = codes.take([0 if source is None else source for source in sources])
    unknown = np.array([source is None for source in sources], bool)
    middle = 0.0 if codes.similarity == "euclidean" else codes.centroid_dp
    return replace(
        taken,
        packed=np.where(unknown[:, None], np.uint8(0), taken.packed),
        lower=np.where(unknown, np.float32(0), taken.lower),
        upper=np.where(unknown, np.float32(0), taken.upper),
        additional=np.where(unknown, np.float32(middle), taken.additional),
        component_sum=np.where(unknown, 0, taken.component_sum).astype(taken.component_sum.dtype),
    )


def opened(run: Run) -> Path:
    """What a person opens to see the run again."""
    if run.bare:
        return run.splats
    if run.compressed_path is None or (run.path / OBJECTS).is_file():
        return run.path
    return run.compressed_path


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
