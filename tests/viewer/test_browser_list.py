"""The list of objects and the bar of the guides in a real browser, by mouse and by keyboard alone."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.classes import ObjectClass
from gsseg_viewer.document import Document
from gsseg_viewer.edits import rename_all

from gsseg.run import Run

CLASSES = (ObjectClass("lamp", (200, 40, 40)), ObjectClass("vase", (40, 200, 40)))


@pytest.fixture
def tab(balls: Any, open_viewer: Callable, open_tab: Callable) -> Any:
    """Wide enough for the list to stand open."""
    return open_tab(open_viewer(Document(Run.open(balls.path), CLASSES), balls.views()), width=1300, height=640)


def row(tab: Any, object_id: int) -> Any:
    return tab.page.locator(f"gsseg-list .row[data-id='{object_id}']")


def chosen(tab: Any) -> list[int]:
    return tab.session.selection.objects(tab.viewer.document.state)


def listed(tab: Any) -> list[int]:
    return [int(each.get_attribute("data-id")) for each in tab.page.locator("gsseg-list .row").all()]


def test_the_list_chooses_lights_hides_and_locks(tab: Any, balls: Any, poll: Callable):
    """What NumPy counts is what the rows say; choosing moves no camera; names that look like html are letters."""
    document = tab.viewer.document
    poll("four rows", lambda: len(listed(tab)) == 4)
    counts = np.bincount(document.run.object_ids[document.run.object_ids >= 0])
    assert [int(row(tab, each).locator(".number").first.text_content()) for each in range(4)] == counts.tolist()
    assert row(tab, 0).locator(".name").text_content() == "blue <b>ball</b>"
    assert row(tab, 0).locator(".name *").count() == 0
    before = np.array(tab.session.client.camera.position)
    row(tab, 1).click()
    poll("one", lambda: chosen(tab) == [1])
    row(tab, 3).click(modifiers=["Shift"])
    poll("all between", lambda: chosen(tab) == [1, 2, 3])
    row(tab, 2).click(modifiers=["Control"])
    poll("without one", lambda: chosen(tab) == [1, 3])
    poll("marked", lambda: tab.page.locator("gsseg-list .row.on").count() == 2)
    tab.press("Escape")
    poll("nothing", lambda: not chosen(tab))
    assert np.array_equal(tab.session.client.camera.position, before)
    row(tab, 2).hover()
    poll("lit", lambda: tab.session.pointed == 2)
    row(tab, 2).locator("button.hide").click()
    poll("hidden", lambda: document.state.hidden_objects == {2})
    row(tab, 3).hover()
    row(tab, 3).locator("button.lock").click()
    poll("locked", lambda: document.shared.locked == {3})


def test_it_is_sorted_and_filtered(tab: Any, poll: Callable):
    poll("four rows", lambda: len(listed(tab)) == 4)
    tab.page.locator("gsseg-list .head.agreement").click()
    assert listed(tab) == [0, 1, 2, 3], "the least sure first"
    tab.page.locator("gsseg-list .head.agreement").click()
    assert listed(tab) == [3, 2, 1, 0]
    tab.press("/")
    tab.page.keyboard.type("een b")
    assert listed(tab) == [2]
    tab.page.keyboard.press("Enter")
    poll("chosen", lambda: chosen(tab) == [2])


def test_naming_by_keyboard_alone(tab: Any, poll: Callable):
    """From the first key to the last, without the mouse; S is a tap, and space a photo as long as it is held."""
    document = tab.viewer.document
    document.apply("as trained", lambda state: rename_all(state, {each: f"object {each}" for each in state.objects}))
    tab.press("n")
    # The list says how many are named, too, and before the bar with the field is there.
    tab.wait_for("the bar", "() => document.querySelector('gsseg-guide:not([hidden]) input:not([hidden])')")
    tab.wait_for_text("0 of 4 named")
    tab.page.keyboard.press("2")
    tab.page.keyboard.press("1")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("red <i>jug</i>")
    tab.page.keyboard.press("Enter")
    tab.wait_for_text("3 of 4 named")
    tab.page.keyboard.press("1")
    poll("all named", lambda: tab.session.guide is None)
    names = sorted(info.name for info in document.state.objects.values())
    assert names == ["lamp", "lamp 2", "red <i>jug</i>", "vase"]
    in_list = tab.page.locator("gsseg-list .row .name")
    poll("in the list", lambda: sorted(in_list.all_text_contents()) == names)
    tab.page.keyboard.press("s")
    tab.wait_for_text("into its 2 codes")
    tab.page.keyboard.press("c")
    poll("split", lambda: len(document.state.objects) == 5)


def test_who_types_at_once_types_names(tab: Any, poll: Callable):
    """Keys that come before the bar are typed in it, in their order; none of them hides, deletes or colours."""
    document = tab.viewer.document
    document.apply("as trained", lambda state: rename_all(state, {each: f"object {each}" for each in state.objects}))
    before, coloring = document.state, tab.session.coloring
    counts = np.bincount(document.run.object_ids[document.run.object_ids >= 0])
    largest = np.lexsort((np.arange(len(counts)), -counts))

    def named() -> list[str]:
        return [document.state.objects[each].name for each in largest]

    def type_at_once(*keys: str) -> None:
        """Presses them all before the session has seen to the first."""
        go_on = threading.Event()
        tab.session.enqueue(lambda: go_on.wait(30))
        for key in keys:
            tab.page.keyboard.press(key)
        go_on.set()

    tab.press("Escape")
    type_at_once("n", "Enter", *"hic", "Delete", *"mx", "Backspace", "Enter", "Enter", *"Hush", "Enter", "2")
    poll("three named", lambda: named()[:3] == ["hicm", "Hush", "vase"])
    type_at_once("Escape", "n", "Enter", *"Mud", "Enter")  # the bar of before is still there
    poll("all named", lambda: named() == ["hicm", "Hush", "vase", "Mud"])
    state = document.state
    assert not state.hidden.any()
    assert not state.deleted.any()
    assert np.array_equal(state.owner, before.owner)
    assert tab.session.coloring == coloring
