"""Editing as a person does it, in a real browser: typing a name, keys, the palette, and what belongs to no object."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.commands import COMMANDS


@pytest.fixture
def tab(balls: Any, open_viewer: Callable[..., Any], open_tab: Callable[..., Any]) -> Any:
    """A page at the four balls, seen from the front."""
    return open_tab(open_viewer(balls.document(), balls.views()))


def select(tab: Any, balls: Any, ball: int, poll: Callable) -> None:
    tab.click(balls.centres[ball])
    poll(f"ball {ball} selected", lambda: tab.session.selection.objects(tab.viewer.document.state) == [ball])


def name_field(tab: Any, name: str, poll: Callable, within: str = "") -> Any:
    """The field that holds the name of what is selected, in the panel or in a window."""

    def found() -> Any:
        fields = tab.page.locator(f"{within} form input:visible").all()
        return next((each for each in fields if each.input_value() == name), None)

    return poll(f"the name {name!r} in a field", found)


def test_a_typed_name_is_kept_by_enter_and_by_a_click_elsewhere(tab, balls, poll):
    """As fast as a browser types: viser alone loses the letters of the last 50 ms."""
    document = tab.viewer.document
    tab.page.get_by_role("tab", name="Edit", exact=True).click()
    select(tab, balls, 1, poll)
    field = name_field(tab, "red ball", poll)
    field.click()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.type("стул №1")
    tab.page.keyboard.press("Enter")
    poll("renamed by Enter", lambda: document.state.objects[1].name == "стул №1")
    tab.wait_for_text("стул №1")
    field = name_field(tab, "стул №1", poll)
    field.click()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.type("table")
    tab.page.get_by_role("tab", name="Views", exact=True).click()
    poll("renamed by leaving", lambda: document.state.objects[1].name == "table")
    assert document.history()[0] == ["renamed red ball to стул №1", "renamed стул №1 to table"]


def test_delete_undo_and_redo_by_keys(tab, balls, poll):
    """Delete, Ctrl+Z and Ctrl+Y; undoing a deletion selects again what was selected."""
    document = tab.viewer.document
    select(tab, balls, 2, poll)
    chosen = tab.session.selection
    tab.press("Delete")
    poll("deleted", lambda: document.state.deleted_objects == {2})
    poll("nothing selected", lambda: not tab.session.selection)
    tab.press("Control+z")
    poll("back", lambda: not document.state.deleted.any())
    poll("selected as before", lambda: tab.session.selection == chosen)
    tab.press("Control+y")
    poll("deleted again", lambda: document.state.deleted_objects == {2})


def test_the_palette_has_every_command_and_does_it(tab, balls, poll):
    document = tab.viewer.document
    select(tab, balls, 2, poll)
    tab.click(balls.centres[3], "Shift")
    poll("two selected", lambda: len(tab.session.selection.objects(document.state)) == 2)
    for word in ("merge", "split", "rename", "delete", "move", "download", "isolate", "restore", "reach"):
        assert any(word in command.label.lower() for command in COMMANDS), word
    tab.press("Control+k")
    tab.page.keyboard.type("merge what")
    tab.wait_for_text("Merge what is selected into one object")
    tab.page.keyboard.press("Enter")
    poll("merged", lambda: sorted(document.state.objects) == [0, 1, 2])


def test_a_window_asks_for_a_name(tab, balls, poll):
    document = tab.viewer.document
    select(tab, balls, 0, poll)
    tab.press("r")
    field = name_field(tab, "blue <b>ball</b>", poll, "[role=dialog]")
    field.click()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.type("lamp")
    tab.page.keyboard.press("Enter")
    poll("renamed", lambda: document.state.objects[0].name == "lamp")
    poll("the window gone", lambda: not tab.page.locator("[role=dialog]:visible").count())


def test_objects_are_shown_at_first_and_what_is_of_none_is_selected(tab, balls, poll):
    """It opens coloured by object, and a click on splats of no object selects them; Delete takes them away."""
    document = tab.viewer.document
    colour = np.array(document.state.objects[2].color, float)
    tab.wait_for_colour(
        "ball 2 in its object's colour", balls.centres[2], lambda seen: np.abs(seen - colour).max() < 60
    )
    below = document.run.object_ids == -1
    point = document.gaussians.means.numpy()[below].mean(0)
    tab.session.move_camera(tab.session.surroundings.start)
    nearest = document.gaussians.means.numpy()[below]
    nearest = nearest[np.argmin(np.linalg.norm(nearest - point, axis=1))]
    tab.click(nearest)
    poll("selected", lambda: tab.session.selection.pieces == frozenset(document.state.pieces_of([-1]).tolist()))
    tab.wait_for_text("belong to none")
    tab.press("Delete")
    poll("deleted", lambda: np.array_equal(document.state.deleted[document.pieces], below))
