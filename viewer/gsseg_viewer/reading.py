"""What a document begins with: a run, and edits of it that were not saved, as pieces and states."""

import numpy as np

from gsseg.run import Run
from gsseg.scene.sh import base_colors
from gsseg.segmentation import ObjectInfo
from gsseg_viewer.division import Division
from gsseg_viewer.pieces import cut, table_of
from gsseg_viewer.state import ObjectState, State
from gsseg_viewer.unsaved import Unsaved


def read_pieces(run: Run, unsaved: Unsaved | None) -> tuple[Division, State, State | None]:
    """The pieces, the state on disk, and that of edits which were not saved."""
    columns, marks, gaussians = run.columns, run.marks, run.gaussians
    means = np.nan_to_num(gaussians.means.numpy(), posinf=0.0, neginf=0.0)
    rgb = np.nan_to_num(base_colors(gaussians).numpy())
    known = [marks] if unsaved is None else [marks, unsaved.marks]
    pieces = cut(columns, known, [] if unsaved is None else [unsaved.object_ids], means, rgb)
    division, first = Division.of(pieces, table_of(columns, pieces, means, rgb)), pieces.first
    owner = columns.object_ids[first]
    there = set(owner.tolist())
    objects = {row.id: object_of(row) for row in run.objects if row.id in there}
    start = State(
        owner, pieces.sizes, objects, hidden=marks.hidden[first], aside=marks.aside[first],
        deleted=marks.deleted[first], origin=division.origin, next_id=len(run.objects),
    )  # fmt: skip
    edited = None
    if unsaved is not None:
        edited = State(
            unsaved.object_ids[first], pieces.sizes, unsaved.objects, hidden=unsaved.marks.hidden[first],
            aside=unsaved.marks.aside[first], deleted=unsaved.marks.deleted[first], origin=division.origin,
            next_id=unsaved.next_id,
        )  # fmt: skip
    return division, start, edited


def object_of(row: ObjectInfo) -> ObjectState:
    """What a row of the table says of its object beside its Gaussians."""
    red, green, blue = row.color
    return ObjectState(
        row.name, (red, green, blue), row.views, row.agreement, source=row.id, edited=row.edited,
        name_confidence=row.name_confidence,
    )  # fmt: skip
