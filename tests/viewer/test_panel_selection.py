"""What the panel says of the selection, and how far a click reaches."""

from typing import Any

import pytest
from gsseg_viewer.edits import hide, split
from gsseg_viewer.panels.edit import EditPanel, UndoPanel
from gsseg_viewer.panels.look import LookPanel
from gsseg_viewer.panels.objects import entries
from gsseg_viewer.panels.selection import SelectionPanel, selection_lines
from gsseg_viewer.selection import PieceSelection


def test_nothing_selected_says_how_to(desk: Any):
    text = desk.panel(SelectionPanel).text.content
    assert "Nothing selected" in text
    for way in ("Click", "Shift-click", "alt-click", "shift-drag"):
        assert way in text
    desk.send(desk.panel(SelectionPanel).actions, "isolate")
    assert desk.told[-1][0] == "Not done"


def test_one_object_is_described(desk: Any):
    desk.select(1)
    text = desk.panel(SelectionPanel).text.content
    for part in ("red ball", "id 1", "700 Gaussians in 2 codes", "low (0.60, 3 views)", "size ", "middle at "):
        assert part in text, part


def test_names_are_escaped_wherever_they_are_shown(desk: Any):
    desk.select(0)
    desk.session.edit("renamed <img src=x onerror=alert(1)>", lambda state: hide(state, state.pieces_of([1])))
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


def test_several_objects_are_summed_up(desk: Any):
    desk.select(0, 2, 3)
    text = desk.panel(SelectionPanel).text.content
    assert "3 objects" in text
    assert "2,100 Gaussians" in text
    assert "green ball" in text


def test_many_objects_name_the_largest(desk: Any):
    for ball in range(4):
        desk.session.document.apply("split", lambda state, ball=ball: split(state, state.pieces_of([ball])))
    desk.select(*range(8))
    lines = selection_lines(desk.session, desk.session.selection)
    assert "8 objects" in lines[0]
    assert "2,800 Gaussians" in lines[0]
    largest = entries(desk.session.document.state)[:2]
    assert all(f"id {row.id}<" in line for row, line in zip(largest, lines[1:3], strict=True))
    assert "and 6 more" in lines[3]


def test_a_part_of_an_object_is_called_one(desk: Any):
    document = desk.session.document
    label = int(document.state.pieces_of([2])[0])
    desk.session.select(PieceSelection(frozenset([label]), label, level="fine code"))
    desk.settle()
    text = desk.panel(SelectionPanel).text.content
    assert "a part: 1 of 2 codes" in text
    assert f"{document.state.sizes[label]} of 700 Gaussians" in text


def test_gaussians_of_no_object_are_said_to_be(desk: Any):
    document = desk.session.document
    desk.session.select(PieceSelection(frozenset(document.state.pieces_of([-1]).tolist())))
    desk.settle()
    assert "50 Gaussians that belong to none" in desk.panel(SelectionPanel).text.content


def test_the_level_widens_and_is_marked(desk: Any):
    selection = desk.panel(SelectionPanel)
    desk.select(0)
    desk.send(selection.level, "coarse code")
    assert desk.session.selection.objects(desk.session.document.state) == [0, 1]
    assert selection.level.options == ("fine code", "object", "✓ coarse code", "similar features")
    assert not selection.distance.visible
    desk.send(selection.level, "similar features")
    assert selection.distance.visible
    desk.send(selection.distance, 95.0)
    assert desk.session.selection.distance == pytest.approx(0.05)
    desk.send(selection.level, "object")
    assert desk.session.selection.objects(desk.session.document.state) == [0], "and back again"
    desk.send(selection.level, "fine code")
    assert len(desk.session.selection.pieces) == 1


@pytest.mark.parametrize("value", ["nonsense", "✓ nonsense", "", 3, None, ["object"]])
def test_a_level_that_is_none_is_refused(desk: Any, value: Any):
    desk.select(0)
    before = desk.session.selection
    desk.send(desk.panel(SelectionPanel).level, value)
    assert desk.session.selection is before
    assert desk.told[-1][0] == "Not done"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 117.0])
def test_a_distance_that_is_none_is_refused(desk: Any, value: float):
    before = desk.session.selection
    desk.send(desk.panel(SelectionPanel).distance, value)
    assert desk.session.selection is before
    assert desk.told[-1][0] == "Not done"


def test_a_colouring_that_is_none_is_refused(desk: Any):
    look = desk.panel(LookPanel)
    desk.send(look.coloring, "constructor")
    assert desk.session.coloring == "object", "where there are any they are shown"
    assert desk.told[-1][0] == "Not done"
    desk.send(look.coloring, "agreement")
    assert desk.session.coloring == "agreement"
    assert "linear-gradient" in look.legend.content
    assert "2,850 splats" in look.legend.content
