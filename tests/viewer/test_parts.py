"""What is done to a part of an object is done to these rows and no others."""

from typing import Any

import numpy as np
import pytest
from gsseg_viewer.panels.edit import EditPanel
from gsseg_viewer.panels.export import ExportPanel
from gsseg_viewer.panels.selection import SelectionPanel
from gsseg_viewer.saving import save
from gsseg_viewer.selection import PieceSelection

from gsseg.io.splat_formats import read_splats
from gsseg.run import Run


@pytest.fixture
def part(desk: Any) -> np.ndarray:
    """The right half of ball 1, selected at the level of its fine code: which rows that are."""
    document = desk.session.document
    (piece,) = np.flatnonzero(document.division.table.fine == 3)
    desk.session.select(PieceSelection(frozenset([int(piece)]), int(piece), frozenset([int(piece)]), level="fine code"))
    desk.settle()
    rows = document.run.code_fine == 3
    assert 0 < rows.sum() < (document.run.object_ids == 1).sum()
    return rows


def test_delete(desk: Any, part: np.ndarray) -> None:
    document = desk.session.document
    desk.send(desk.panel(EditPanel).changes, "delete")
    assert np.array_equal(document.state.deleted[document.pieces], part)
    assert document.history()[0] == ["deleted a part of red ball"]
    assert not desk.session.selection
    desk.session.undo()
    desk.settle()
    assert np.array_equal(desk.session.selection.mask(len(document.state.owner))[document.pieces], part), "as it was"


@pytest.mark.parametrize("panel", [EditPanel, SelectionPanel])
def test_hide_and_isolate(desk: Any, part: np.ndarray, panel: type) -> None:
    document = desk.session.document
    buttons = desk.panel(panel).showing if panel is EditPanel else desk.panel(panel).actions
    desk.send(buttons, "isolate")
    assert np.array_equal(document.shown(document.state), part)
    desk.send(desk.panel(EditPanel).showing, "show all")
    desk.send(buttons, "hide")
    assert np.array_equal(document.shown(document.state), ~part)


def test_move_and_make_an_object(desk: Any, part: np.ndarray) -> None:
    document, edit = desk.session.document, desk.panel(EditPanel)
    before = document.object_ids(document.state)
    desk.send(edit.target, "green ball (2)")
    desk.send(edit.move)
    assert np.array_equal(document.object_ids(document.state), np.where(part, 2, before))
    desk.send(edit.target, "a new object")
    desk.send(edit.move)
    assert np.array_equal(document.object_ids(document.state), np.where(part, 4, before))
    desk.send(edit.target, "no object")
    desk.send(edit.move)
    assert np.array_equal(document.object_ids(document.state), np.where(part, -1, before))


def test_merge_with_another_object(desk: Any, part: np.ndarray) -> None:
    document = desk.session.document
    before, chosen = document.object_ids(document.state), desk.session.selection
    desk.select(3)
    desk.session.reselect(lambda now: PieceSelection(now.pieces | chosen.pieces))
    desk.send(desk.panel(EditPanel).changes, "merge")
    assert np.array_equal(document.object_ids(document.state), np.where(part, 3, before))
    desk.select(3)
    assert "not measured since an edit (0.80 before)" in desk.panel(SelectionPanel).text.content


def test_what_is_left_of_an_object_is_what_is_exported_and_saved(desk: Any, part: np.ndarray, balls: Any) -> None:
    document = desk.session.document
    desk.send(desk.panel(EditPanel).changes, "delete")
    desk.select(1)
    assert f"{700 - part.sum()} Gaussians in 1 code" in desk.panel(SelectionPanel).text.content
    desk.send(desk.panel(ExportPanel).splats)
    ((name, content),) = desk.downloads
    (balls.path / name).write_bytes(content)
    on_disk, kept = Run.open(balls.path), (document.run.object_ids == 1) & ~part
    taken = read_splats(balls.path / name).columns
    for column in taken.dtype.names or ():
        assert np.array_equal(taken[column], on_disk.file.columns[column][kept])
    save(document)
    again = Run.open(balls.path)
    assert np.array_equal(again.marks.deleted, part)
    assert np.array_equal(again.object_ids, document.run.object_ids), "no row is given away"
