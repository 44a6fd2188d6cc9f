"""The document on disk: all of its files or none of them, and the version before kept.

Which files that are is told by where the run comes from (`gsseg.run.sources`). Objects are numbered 0..n-1 on disk,
largest first; deleted ones are still among them.
"""

from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.lock import locked
from gsseg.run import Edits, Marks
from gsseg.segmentation.describe import describe_objects
from gsseg_viewer.document import Document
from gsseg_viewer.state import State, renumbered

PATIENCE = 5.0
"""Seconds that saving waits for another program that writes to the same run."""


def save(document: Document, by: int | None = None) -> Path:
    """Writes the current version and returns the folder or file that it is in; nothing is written where it is there.

    Afterwards ids of the document are those on disk (`Document.mark_saved`). Raises `InputError`, with nothing changed,
    where the file system refuses and where somebody else has changed or removed the files since they were opened or
    saved.
    """
    with document.saving:
        source = document.run.source
        for path in (source.folder, source.splats.path):
            if not path.exists():
                problem = "is gone: it has been deleted or moved, or its disk taken away, since it was opened here"
                raise InputError(path, problem, "put it back where it was, and save again")
        state, numbers = document.to_save()
        if state is document.saved:
            return source.opened
        with locked(source.folder, patience=PATIENCE):
            if document.run.stamps() != document.stamps:
                raise InputError(
                    source.opened, "has been changed by another program since it was opened or saved here",
                    "open it again and repeat the edits",
                )  # fmt: skip
            run = document.run.save(edits_of(document, renumbered(state, numbers)))
            stamps = run.stamps()
        document.mark_saved(state, numbers, run, stamps, by)
        return run.source.opened


def edits_of(document: Document, state: State) -> Edits:
    """A state whose ids are 0..n-1 as the values that a run is saved from."""
    ids = document.object_ids(state)
    rows = [state.objects[each] for each in range(len(state.objects))]
    table = describe_objects(
        ids, document.table.fine[document.pieces], document.gaussians.means.numpy(),
        names=[row.name for row in rows], colors=[row.color for row in rows],
        views=[row.views for row in rows], agreement=[row.agreement for row in rows],
    )  # fmt: skip
    return Edits(
        object_ids=ids,
        objects=table,
        marks=Marks(state.hidden, state.deleted, state.rest_hidden),
        came_from=[row.source for row in rows],
    )
