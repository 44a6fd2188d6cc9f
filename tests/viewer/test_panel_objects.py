"""The list of objects: searched, chosen from, short however many there are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.panels.edit import EditPanel
from gsseg_viewer.panels.objects import SHOWN, Entry, ObjectsPanel, entries, matching
from gsseg_viewer.state import ObjectState, State


def test_an_object_is_found_chosen_and_framed(desk: Any):
    objects = desk.panel(ObjectsPanel)
    desk.send(objects.query, "BALL een")
    assert objects.buttons.options == ("green ball (2)",)
    desk.send(objects.buttons, "green ball (2)")
    assert desk.session.selection.objects(desk.session.document.state) == [2]
    assert len(desk.poses) == 1


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
    state = State.shown(
        np.arange(count, dtype=np.int32),
        np.arange(count, 0, -1, dtype=np.int64),
        {k: replace(info, name=f"chair {k}") for k in range(count)},
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
