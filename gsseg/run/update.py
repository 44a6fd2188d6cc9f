"""Edits that another program made of a run's splats, taken over: what it deleted, and the objects that it changed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int32, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.ids import NO_OBJECT
from gsseg.run.edits import Edits
from gsseg.run.marks import Marks
from gsseg.run.matching import match_centres, same_centre
from gsseg.run.opened import Run
from gsseg.scene import SplatFile
from gsseg.segmentation.describe import default_colors, default_name, describe_objects

Matching = Literal["auto", "row", "centre"]

FEWEST = 0.5
"""Share of a file's rows that must be Gaussians of the run: else it is a file of another scene, or was moved."""

OBJECT = "object_id"


@dataclass(frozen=True, eq=False)
class Update:
    """What a file changes of a run."""

    edits: Edits
    by_row: bool
    """Whether rows were taken for those of the run, and not found by their centres."""
    deleted: int
    """Gaussians that are in the run and not in the file, and were not deleted before."""
    moved: int
    """Gaussians that are of another object than before, or of none."""
    founded: int
    """Objects that the run did not have."""
    foreign: int
    """Rows of the file that are no Gaussian of the run; they are not taken over."""

    @property
    def nothing(self) -> bool:
        """Whether all is as it was."""
        return not self.deleted and not self.moved


def updated(run: Run, file: SplatFile, matching: Matching = "auto") -> Update:
    """What a file that was made of a run's splats changes of it; the run itself stays as it is.

    Gaussians that the file lacks are deleted, as in the viewer; its column ``object_id``, if it has one, says whose the
    others are: an id that the run does not have becomes a new object. Geometry and colours are not looked at. ``auto``
    takes rows for rows where there are as many and their centres agree. `InputError` where most rows are no Gaussians
    of the run, where ``row`` is asked for and the numbers differ, and for ids that are none.
    """
    rows, by_row = _rows(run, file, matching)
    mine = np.flatnonzero(rows >= 0)
    there = np.zeros(len(run.object_ids), bool)
    there[rows[mine]] = True
    before = run.object_ids
    ids, founded = _object_ids(run, file, rows, mine)
    gone = ~there & ~run.marks.deleted
    # A Gaussian is never both deleted and hidden.
    marks = Marks(run.marks.hidden & there, run.marks.aside & there, run.marks.deleted | gone)
    edits = _edits(run, ids, founded, marks)
    foreign = len(rows) - len(mine)
    return Update(edits, by_row, int(gone.sum()), int((ids != before).sum()), len(founded), foreign)


def _rows(run: Run, file: SplatFile, matching: Matching) -> tuple[Int64[ndarray, " rows"], bool]:
    """Gaussian of each row of the file, -1 = none, and whether that is its number."""
    known, given = run.gaussians.means.numpy(), file.gaussians.means.numpy()
    within = same_centre(known)
    alike = len(known) == len(given)
    if matching == "row" and not alike:
        problem = f"has {len(given)} rows, and the run has {len(known)} Gaussians"
        raise InputError(file.path, problem, "leave --match out: then Gaussians are found by their centres")
    if matching == "row" or (matching == "auto" and alike and _agree(known, given, within)):
        return np.arange(len(given)), True
    rows = match_centres(known, given, within)
    found = int((rows >= 0).sum())
    if found < FEWEST * len(given):
        problem = f"is of another scene, or was moved: {found} of its {len(given)} centres are those of the run"
        raise InputError(file.path, problem, "export it from the editor without moving, turning or scaling the scene")
    return rows, False


def _agree(known: ndarray, given: ndarray, within: float) -> bool:
    return bool((np.linalg.norm(known - given, axis=1) <= within).mean() > 0.99)


def _object_ids(
    run: Run, file: SplatFile, rows: Int64[ndarray, " rows"], mine: Int64[ndarray, " matched"]
) -> tuple[Int32[ndarray, " gaussians"], list[int]]:
    """Object of each Gaussian, and of each new object, in the order of their ids, the id that it has in the file."""
    ids = run.object_ids.copy()
    if OBJECT not in (file.columns.dtype.names or ()):
        return ids, []
    given = np.asarray(file.columns[OBJECT])[mine]
    whole = given.dtype.kind in "iu" or bool((np.isfinite(given) & (np.rint(given) == given)).all())
    if not whole or (len(given) and not NO_OBJECT <= int(given.min()) <= int(given.max()) < 1 << 31):
        raise InputError(file.path, f"has values of {OBJECT} that are no ids of objects", "write whole numbers from -1")
    values, places = np.unique(given.astype(np.int64), return_inverse=True)
    founded = values[values >= len(run.objects)].tolist()
    # New objects take the next ids, whatever the file calls them: an id is a row of the table.
    mapped = np.where(values < len(run.objects), values, len(run.objects) + np.searchsorted(founded, values))
    ids[rows[mine]] = mapped[places].astype(np.int32)
    return ids, founded


def _edits(run: Run, ids: Int32[ndarray, " gaussians"], founded: list[int], marks: Marks) -> Edits:
    known = run.objects
    count = len(known) + len(founded)
    changed = set(run.object_ids[ids != run.object_ids].tolist()) | set(ids[ids != run.object_ids].tolist())
    colors = default_colors(count)
    names = [row.name for row in known] + [default_name(each) for each in range(len(known), count)]
    table = describe_objects(
        ids, run.code_fine, run.gaussians.means.numpy(), names,
        colors=[row.color for row in known] + colors[len(known) :],
        views=[row.views for row in known] + [0] * len(founded),
        agreement=[row.agreement for row in known] + [0.0] * len(founded),
        edited=[row.edited or row.id in changed for row in known] + [True] * len(founded),
    )  # fmt: skip
    came_from: list[int | None] = list(range(len(known)))
    for each in range(len(known), count):
        before = run.object_ids[ids == each]
        owners, sizes = np.unique(before[before != NO_OBJECT], return_counts=True)
        came_from.append(int(owners[sizes.argmax()]) if len(owners) else None)
    return Edits(object_ids=ids, objects=table, marks=marks, came_from=came_from)
