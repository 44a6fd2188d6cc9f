"""The document on disk: all of its files or none of them, and the version before kept.

Which files that are is told by where the run comes from (`gsseg.run.sources`). Objects keep their ids on disk; deleted
ones are still among them, and of those that own nothing any more the table keeps the id, so that it is not given again.
"""

from dataclasses import replace
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.lock import locked
from gsseg.run import Edits, Marks
from gsseg.segmentation import NO_OBJECT
from gsseg.segmentation.describe import default_colors, default_name, describe_objects
from gsseg_viewer.document import Document
from gsseg_viewer.edits import EditError
from gsseg_viewer.reading import object_of
from gsseg_viewer.shared import READ_ONLY
from gsseg_viewer.state import ObjectState, State
from gsseg_viewer.unsaved import base_of

PATIENCE = 5.0
"""Seconds that saving waits for another program that writes to the same run."""


def save(document: Document, by: int | None = None) -> Path:
    """Writes the current version and returns the folder or file that it is in; nothing is written where it is there.

    Raises `InputError`, with nothing changed, where the file system refuses and where somebody else has changed or
    removed the files since they were opened or saved.
    """
    if document.shared.read_only:
        raise EditError(READ_ONLY)
    with document.saving:
        source = document.run.source
        for path in (source.folder, source.splats.path):
            if not path.exists():
                problem = "is gone: it has been deleted or moved, or its disk taken away, since it was opened here"
                raise InputError(path, problem, "put it back where it was, and save again")
        state = document.state
        if not document.unsaved:
            return source.opened
        with locked(source.folder, patience=PATIENCE):
            if document.run.stamps() != document.stamps:
                raise InputError(
                    source.opened, "has been changed by another program since it was opened or saved here",
                    "open it again and repeat the edits",
                )  # fmt: skip
            edits = edits_of(document, state)
            run = document.run.save(edits)
            stamps = run.stamps()
        document.mark_saved(state, run, stamps, base_of(edits.object_ids, edits.marks, edits.objects), by)
        return run.source.opened


def edits_of(document: Document, state: State) -> Edits:
    """A state as the values that a run is saved from."""
    ids, pieces = document.object_ids(state), document.pieces_of(state)
    opened = document.run.objects
    count = max(len(opened), max(state.objects, default=NO_OBJECT) + 1)
    colors = default_colors(count)
    rows = []
    for each in range(count):
        red, green, blue = colors[each]
        gone = ObjectState(default_name(each), (red, green, blue), 0, 0.0)
        rows.append(state.objects.get(each) or (object_of(opened[each]) if each < len(opened) else gone))
    table = describe_objects(
        ids, document.table_of(state).fine[pieces], document.gaussians.means.numpy(),
        names=[row.name for row in rows], colors=[row.color for row in rows], views=[row.views for row in rows],
        agreement=[row.agreement for row in rows], edited=[row.edited for row in rows],
    )  # fmt: skip
    table = [replace(row, name_confidence=of.name_confidence) for row, of in zip(table, rows, strict=True)]
    marks = Marks(*(mark[pieces] for mark in (state.hidden, state.aside, state.deleted)))
    return Edits(object_ids=ids, objects=table, marks=marks, came_from=[row.source for row in rows])
