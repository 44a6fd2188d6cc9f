"""Edits made in the panel, undone, named, refused."""

from typing import Any

import pytest
from gsseg_viewer.edits import merge
from gsseg_viewer.panels.edit import EditPanel, UndoPanel
from gsseg_viewer.panels.selection import SelectionPanel
from gsseg_viewer.selection import PieceSelection


def test_merge_undo_and_redo_name_what_they_do(desk: Any):
    edit, undo = desk.panel(EditPanel), desk.panel(UndoPanel)
    assert "nothing has been edited" in undo.titles.content
    desk.select(0, 1)
    desk.send(edit.changes, "merge")
    state = desk.session.document.state
    assert sorted(state.objects) == [0, 2, 3]
    assert "undo: merged 2 objects" in undo.titles.content
    assert "merged 2 objects" in edit.list.content
    desk.send(undo.steps, undo.steps.options[0])
    assert sorted(desk.session.document.state.objects) == [0, 1, 2, 3]
    assert "redo: merged 2 objects" in undo.titles.content
    desk.send(undo.steps, undo.steps.options[1])
    assert desk.session.document.history() == (["merged 2 objects"], [])


def test_split_makes_objects_of_codes(desk: Any):
    desk.select(3)
    desk.send(desk.panel(EditPanel).changes, "split")
    assert sorted(desk.session.document.state.objects) == [0, 1, 2, 3], "it is asked how"
    desk.press("C")
    assert sorted(desk.session.document.state.objects) == [0, 1, 2, 3, 4]
    desk.select(0, 1)
    desk.send(desk.panel(EditPanel).changes, "split")
    assert desk.told[-1] == ("Not done", "Select the one object that is meant")


@pytest.mark.parametrize("action", ["merge", "split", "delete", "drop table", ""])
def test_edits_without_a_selection_say_why(desk: Any, action: str):
    before = desk.session.document.state
    desk.send(desk.panel(EditPanel).changes, action)
    assert desk.session.document.state is before
    assert desk.told[-1][0] == "Not done"


def test_rename_takes_any_letters_on_one_line(desk: Any):
    edit = desk.panel(EditPanel)
    desk.select(2)
    assert edit.name.value == "green ball"
    desk.send(edit.name, "<b>my\nball</b> & co")
    desk.send(edit.rename)
    assert desk.session.document.state.objects[2].name == "<b>my ball</b> & co"
    assert "<b>my" not in desk.panel(SelectionPanel).text.content
    assert "<b>my ball</b> & co (2)" in edit.targets
    desk.send(edit.name, "n" * 100)
    desk.send(edit.rename)
    assert "at most 80 letters" in desk.told[-1][1]


def test_what_is_being_typed_stays_while_others_work(desk: Any):
    edit = desk.panel(EditPanel)
    desk.select(2)
    desk.send(edit.name, "half a na")
    desk.session.document.apply("merged", lambda state: merge(state, state.pieces_of([0, 1])), by=99)
    desk.settle()
    assert edit.name.value == "half a na"


def test_pieces_move_to_the_object_that_was_chosen(desk: Any):
    edit, document = desk.panel(EditPanel), desk.session.document
    label = int(document.state.pieces_of([0])[0])
    desk.session.select(PieceSelection(frozenset([label]), label, level="fine code"))
    desk.settle()
    desk.send(edit.target, "red ball (1)")
    desk.send(edit.move)
    assert document.state.owner[label] == 1
    desk.send(edit.target, "a new object")
    desk.send(edit.move)
    assert document.state.owner[label] == 4
    desk.send(edit.target, "red ball (99)")
    desk.send(edit.move)
    assert document.state.owner[label] == 4
    assert desk.told[-1] == ("Not done", "There is no such object any more")


def test_hide_isolate_show_all(desk: Any):
    edit, document = desk.panel(EditPanel), desk.session.document
    desk.select(1)
    desk.send(edit.showing, "isolate")
    assert document.state.hidden_objects == {0, 2, 3}
    desk.send(edit.showing, "show all")
    assert not document.state.gone.any()
    desk.send(desk.panel(SelectionPanel).actions, "hide")
    assert document.state.hidden_objects == {1}


def test_what_was_deleted_comes_back_and_saving_waits_for_edits(desk: Any):
    edit, undo, document = desk.panel(EditPanel), desk.panel(UndoPanel), desk.session.document
    assert undo.save.disabled
    desk.select(1)
    desk.send(edit.changes, "delete")
    assert document.state.deleted_objects == {1}
    assert not undo.save.disabled
    assert "700 Gaussians deleted" in edit.list.content
    desk.send(edit.changes, "restore")
    assert not document.state.deleted.any()
    desk.send(undo.save)
    desk.settle()
    assert undo.save.disabled
    assert document.history()[0] == ["deleted red ball", "restored what was deleted"]
