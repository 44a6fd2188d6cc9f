"""Panels on viser's own widgets, with a connection that records what would be sent and replays what a browser sends."""

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.panels.edit import EditPanel, UndoPanel
from gsseg_viewer.panels.export import ExportPanel
from gsseg_viewer.panels.look import LookPanel
from gsseg_viewer.panels.objects import SHOWN, Entry, ObjectsPanel, entries, matching
from gsseg_viewer.panels.parts import block, plain, size
from gsseg_viewer.panels.selection import SelectionPanel, describe
from gsseg_viewer.panels.views import Latest, ViewsPanel, wiped
from gsseg_viewer.selection import Selection
from gsseg_viewer.state import ObjectState, State, hide, merge, split


def test_nothing_selected_says_how_to(desk: Any):
    text = desk.panel(SelectionPanel).text.content
    assert "Nothing selected" in text
    for way in ("Click", "Shift-click", "alt-click", "shift-drag"):
        assert way in text
    assert not desk.panel(SelectionPanel).actions.visible


def test_one_object_is_described(desk: Any):
    desk.select(1)
    text = desk.panel(SelectionPanel).text.content
    for part in ("red ball", "id 1", "700 Gaussians in 2 codes", "low (0.60, 3 views)", "size ", "middle at "):
        assert part in text, part
    assert desk.panel(SelectionPanel).actions.visible


def test_names_are_escaped_wherever_they_are_shown(desk: Any):
    desk.select(0)
    desk.session.edit("renamed <img src=x onerror=alert(1)>", lambda state: hide(state, [1]))
    desk.settle()
    desk.send(desk.panel(LookPanel).coloring, "object")
    shown = [panel.text.content for panel in (desk.panel(SelectionPanel),)]
    shown += [desk.panel(LookPanel).legend.content, desk.panel(UndoPanel).titles.content]
    shown += [desk.panel(EditPanel).list.content]
    assert "blue" in shown[0]
    assert "blue" in shown[1]
    assert "img" in shown[2]
    assert "img" in shown[3]
    for text in shown:
        assert "<b>ball" not in text
        assert "<img" not in text


def test_an_unfound_search_is_escaped(desk: Any):
    objects = desk.panel(ObjectsPanel)
    desk.send(objects.query, "<script>alert(1)</script>")
    assert "<script" not in objects.found.content
    assert "None of 4 objects" in objects.found.content
    assert not objects.buttons.visible


def test_several_objects_are_summed_up(desk: Any):
    desk.select(0, 2, 3)
    text = desk.panel(SelectionPanel).text.content
    assert "3 objects" in text
    assert "2,100 Gaussians" in text
    assert "green ball" in text


def test_many_objects_name_the_largest(desk: Any):
    for ball in range(4):
        desk.session.document.apply("split", lambda state, ball=ball: split(state, ball))
    desk.select(*range(8))
    lines = describe(desk.session, desk.session.selection)
    assert "8 objects" in lines[0]
    assert "2,800 Gaussians" in lines[0]
    largest = entries(desk.session.document.state)[:5]
    assert all(f"id {row.id}<" in line for row, line in zip(largest, lines[1:6], strict=True))
    assert "and 3 more" in lines[6]


def test_a_part_of_an_object_is_called_one(desk: Any):
    document = desk.session.document
    label = int(document.state.labels_of([2])[0])
    desk.session.select(Selection(frozenset([label]), label, level="fine code"))
    desk.settle()
    text = desk.panel(SelectionPanel).text.content
    assert "a part: 1 of 2 codes" in text
    assert f"{document.state.sizes[label]} of 700 Gaussians" in text


def test_gaussians_of_no_object_are_said_to_be(desk: Any):
    document = desk.session.document
    desk.session.select(Selection(frozenset(document.state.labels_of([-1]).tolist())))
    desk.settle()
    assert "50 Gaussians that belong to no object" in desk.panel(SelectionPanel).text.content


def test_the_level_widens_and_is_marked(desk: Any):
    selection = desk.panel(SelectionPanel)
    desk.select(0)
    desk.send(selection.level, "coarse code")
    assert desk.session.selection.objects(desk.session.document.state) == [0, 1]
    assert selection.level.options == ("fine code", "object", "✓ coarse code", "similar features")
    assert not selection.distance.visible
    desk.send(selection.level, "similar features")
    assert selection.distance.visible
    desk.send(selection.distance, 0.05)
    assert desk.session.selection.distance == 0.05
    desk.send(selection.level, "fine code")
    assert len(desk.session.selection.labels) == 1


@pytest.mark.parametrize("value", ["nonsense", "✓ nonsense", "", 3, None, ["object"]])
def test_a_level_that_is_none_is_refused(desk: Any, value: Any):
    desk.select(0)
    before = desk.session.selection
    desk.send(desk.panel(SelectionPanel).level, value)
    assert desk.session.selection is before
    assert desk.told[-1][0] == "Not done"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 17.0])
def test_a_distance_that_is_none_is_refused(desk: Any, value: float):
    before = desk.session.selection
    desk.send(desk.panel(SelectionPanel).distance, value)
    assert desk.session.selection is before
    assert desk.told[-1][0] == "Not done"


def test_a_colouring_that_is_none_is_refused(desk: Any):
    look = desk.panel(LookPanel)
    desk.send(look.coloring, "constructor")
    assert desk.session.coloring == "photo"
    assert desk.told[-1][0] == "Not done"
    desk.send(look.coloring, "agreement")
    assert desk.session.coloring == "agreement"
    assert "linear-gradient" in look.legend.content
    assert "2,850 splats" in look.legend.content


def test_an_object_is_found_chosen_and_framed(desk: Any):
    objects = desk.panel(ObjectsPanel)
    desk.send(objects.query, "BALL een")
    assert objects.buttons.options == ("green ball (2)",)
    desk.send(objects.buttons, "green ball (2)")
    assert desk.session.selection.objects(desk.session.document.state) == [2]
    assert len(desk.framed) == 1


@pytest.mark.parametrize("value", ["ball", "green ball (3)", "", "__class__"])
def test_an_object_that_is_not_listed_is_not_chosen(desk: Any, value: str):
    desk.send(desk.panel(ObjectsPanel).buttons, value)
    assert not desk.session.selection
    assert desk.told[-1][0] == "Not done"


def test_deleted_objects_leave_the_list_and_hidden_ones_say_so(desk: Any):
    desk.select(0)
    desk.send(desk.panel(EditPanel).changes, "delete")
    desk.select(1)
    desk.send(desk.panel(EditPanel).showing, "hide")
    assert desk.panel(ObjectsPanel).buttons.options == ("red ball (1, hidden)", "green ball (2)", "yellow ball (3)")


def test_a_search_among_thousands_sends_one_short_list(desk: Any):
    count = 5000
    info = ObjectState("", (1, 2, 3), 1, 0.5)
    state = State(
        np.arange(count, dtype=np.int32),
        np.arange(count, 0, -1, dtype=np.int64),
        {k: replace(info, name=f"chair {k}") for k in range(count)},
        next_id=count,
    )
    desk.session.document._versions = [(state, "")]
    objects = desk.panel(ObjectsPanel)
    desk.connection.sent.clear()
    desk.send(objects.query, "chair 49")
    updates = desk.updates()
    assert len(updates) <= 3  # what was typed, the text, the buttons
    assert len(objects.buttons.options) == SHOWN
    assert f"{SHOWN} of 199 shown" in objects.found.content
    assert objects.buttons.options[0] == "chair 49 (49)"
    assert sum(len(str(each)) for each in updates) < 2000


def test_matching_wants_every_word_and_puts_the_id_first():
    rows = [Entry(k, name, 10 - k, False) for k, name in enumerate(("red chair", "chair 4", "Red table", "lamp", "x"))]
    assert [row.id for row in matching(rows, "red")] == [0, 2]
    assert [row.id for row in matching(rows, "chair RED")] == [0]
    assert [row.id for row in matching(rows, "4")] == [4, 1]
    assert [row.id for row in matching(rows, "")] == [0, 1, 2, 3, 4]


def test_entries_count_every_gaussian(desk: Any):
    state = desk.session.document.state
    assert {row.id: row.gaussians for row in entries(state)} == {each: state.gaussians(each) for each in state.objects}


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
    assert sorted(desk.session.document.state.objects) == [0, 1, 2, 3, 4]
    desk.select(0, 1)
    desk.send(desk.panel(EditPanel).changes, "split")
    assert desk.told[-1] == ("Not done", "Select the one object that is to be split")


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
    assert "<b>my ball</b> & co (2)" in desk.panel(ObjectsPanel).buttons.options
    desk.send(edit.name, "n" * 100)
    desk.send(edit.rename)
    assert "at most 80 letters" in desk.told[-1][1]


def test_what_is_being_typed_stays_while_others_work(desk: Any):
    edit = desk.panel(EditPanel)
    desk.select(2)
    desk.send(edit.name, "half a na")
    desk.session.document.apply("merged", lambda state: merge(state, [0, 1]), by=99)
    desk.settle()
    assert edit.name.value == "half a na"


def test_pieces_move_to_the_object_that_was_chosen(desk: Any):
    edit, document = desk.panel(EditPanel), desk.session.document
    label = int(document.state.labels_of([0])[0])
    desk.session.select(Selection(frozenset([label]), label, level="fine code"))
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
    assert document.state.hidden == {0, 2, 3}
    desk.send(edit.showing, "show all")
    assert not document.state.hidden
    desk.send(desk.panel(SelectionPanel).actions, "hide")
    assert document.state.hidden == {1}


def test_what_was_deleted_comes_back_and_saving_waits_for_edits(desk: Any):
    edit, document = desk.panel(EditPanel), desk.session.document
    assert edit.save.disabled
    desk.select(1)
    desk.send(edit.changes, "delete")
    assert document.state.deleted == {1}
    assert not edit.save.disabled
    assert "1 object deleted" in edit.list.content
    desk.send(edit.changes, "restore")
    assert not document.state.deleted
    desk.send(edit.save)
    desk.settle()
    assert edit.save.disabled
    assert document.history()[0] == ["deleted red ball", "restored what was deleted"]


def test_without_a_scene_the_views_say_how_to_name_it(desk: Any):
    shown = [each.props.content for each in desk.connection.sent if type(each).__name__ == "GuiHtmlMessage"]
    assert any("gsseg view" in text and "SCENE" in text for text in shown)
    desk.panel(ViewsPanel).refresh()


def test_a_view_is_jumped_to_and_drawn(balls: Any, open_desk: Callable[..., Any]):
    desk = open_desk(balls.document(), balls.views())
    views = desk.panel(ViewsPanel)
    desk.session.go_to = lambda view: setattr(desk.session, "view", desk.session.views.index(view)) or views.refresh()
    desk.send(views.view, "2: view_1")
    views.drawing.wait()
    assert desk.session.view == 1
    assert not views.image.visible
    assert "its photo is not there" in views.note.content
    desk.send(views.show, "splats")
    views.drawing.wait()
    assert views.image.visible
    assert views.image.image.shape == (300, 400, 3)
    whole = views.image.image
    desk.select(0)
    desk.send(desk.panel(EditPanel).showing, "hide")
    views.drawing.wait()
    assert (views.image.image != whole).any()
    desk.send(views.steps, "next ▶")
    assert desk.session.view == 2
    before = len(desk.told)
    for value in ("4: view_3", "view_1", "", "0"):
        desk.send(views.view, value)
        assert desk.session.view == 2
    assert len(desk.told) == before + 4


def test_export_tells_how_much_and_how_to_repeat_it(desk: Any):
    export = desk.panel(ExportPanel)
    assert "nothing is selected" in export.amount.content
    desk.send(export.ply)
    assert desk.told[-1][0] == "Not done"
    assert desk.downloads == []
    desk.select(1, 2)
    assert "1,400 Gaussians" in export.amount.content
    assert "--objects 1 2" in export.command.content.replace("&#45;", "-")
    desk.send(export.what, "all but the selection")
    assert "1,450 Gaussians" in export.amount.content
    desk.send(export.what, "../../etc/passwd")
    desk.send(export.ply)
    assert desk.told[-1][0] == "Not done"
    assert desk.downloads == []


def test_a_download_has_a_harmless_name(desk: Any):
    desk.select(0)
    desk.send(desk.panel(ExportPanel).ply)
    ((name, content),) = desk.downloads
    assert name == "blue__b_ball__b.ply"
    assert content.startswith(b"ply\n")


def test_a_browser_that_draws_nothing_is_reported(desk: Any):
    def never(*_: Any, **__: Any) -> Any:
        raise TimeoutError("no frame")

    desk.client.get_render = never
    desk.client.camera._state = SimpleNamespace(image_height=480, image_width=640, update_timestamp=1.0)
    desk.send(desk.panel(ExportPanel).picture)
    assert desk.told[-1][0] == "No picture"


def test_changes_by_the_server_are_not_acted_on(desk: Any):
    look = desk.panel(LookPanel)
    desk.send(look.coloring, "object")
    desk.session.color_by("fine code")
    desk.settle()
    assert look.coloring.value == "fine code"
    assert desk.session.coloring == "fine code"


def test_nothing_is_sent_twice(desk: Any):
    desk.select(1)
    desk.connection.sent.clear()
    desk.session.refresh()
    desk.settle()
    assert desk.updates() == []


def test_only_the_newest_job_that_waits_is_done():
    latest, done, begun, go = Latest(), [], threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go.wait(20)
        done.append(0)

    latest.do(first)
    assert begun.wait(20)
    for number in range(1, 50):
        latest.do(lambda number=number: done.append(number))
    go.set()
    latest.wait()
    assert done == [0, 49]
    latest.do(lambda: done.append(50))
    latest.wait()
    assert done == [0, 49, 50]


def test_the_wipe_shows_both():
    left, right = np.full((2, 10, 3), 10, np.uint8), np.full((2, 10, 3), 20, np.uint8)
    assert (wiped(left, right, 0.5)[:, :4] == 10).all()
    assert (wiped(left, right, 0.5)[:, 6:] == 20).all()
    assert (wiped(left, right, 0.0)[:, 1:] == 20).all()
    assert (wiped(left, right, 7.0)[:, :9] == 10).all()


def test_small_texts():
    assert plain("a\nb\t c") == "a b c"
    assert len(plain("x" * 100)) == 28
    assert [size(n) for n in (1500, 34_567, 5_000_000, 68_000_000, 2_500_000_000)] == [
        "1.5 kB", "35 kB", "5.0 MB", "68 MB", "2.5 GB",
    ]  # fmt: skip
    assert block("a", "b").count("<br>") == 1
