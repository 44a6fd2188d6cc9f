"""Two browsers at one document, and browsers that go away."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.edits import hide, merge, show_all
from gsseg_viewer.moving import go_to


@pytest.fixture
def viewer(balls: Any, open_viewer: Callable[..., Any]) -> Any:
    """A server of the four balls."""
    return open_viewer(balls.document(), balls.views())


def test_two_browsers(viewer, open_tab, balls, poll):
    """Selection and camera are each one's own; edits are shared, announced to the other, and undone by either."""
    one, two = open_tab(viewer, width=1000, height=480), open_tab(viewer, width=1000, height=480)
    document = viewer.document
    one.click(balls.centres[0])
    two.click(balls.centres[3])
    poll("own selections", lambda: [_selected(one), _selected(two)] == [[0], [3]])
    go_to(two.session, two.session.views[1])
    two.wait_until_settled(two.session.views[1].camera.position)
    assert abs(one.session.client.camera.position - two.session.client.camera.position).max() > 1
    one.click(balls.centres[1], "Shift")
    poll("both selected", lambda: _selected(one) == [0, 1])
    one.session.edit("merged 2 objects", lambda state: merge(state, state.pieces_of([0, 1])))
    two.wait_for_text("Guest 1 changed the scene")
    two.wait_for_text("Merged 2 objects")
    assert "changed the scene" not in one.text()
    poll("own selections, after the merge", lambda: [_selected(one), _selected(two)] == [[0], [3]])
    two.press("Control+z")
    two.wait_for_text("Nothing of yours to undo")
    assert set(document.state.objects) == {0, 2, 3}
    two.session.undo_any()
    one.wait_for_text("Undid: merged 2 objects")
    assert set(document.state.objects) == {0, 1, 2, 3}
    assert _selected(one) == [0, 1]


def test_two_people_see_each_other_and_undo_their_own(viewer, open_tab, balls, poll):
    """Names that look like html are letters; what one has selected is marked at the other's; undo leaves the other's
    edits as they are."""
    one, two = open_tab(viewer, width=1300, height=560), open_tab(viewer, width=1300, height=560)
    document = viewer.document
    chips = two.page.locator("gsseg-people")
    poll("a chip", lambda: "guest 1" in chips.inner_text())
    one.page.locator("gsseg-people button").click()
    one.page.keyboard.type("<b>Ada</b>")
    one.page.keyboard.press("Enter")
    poll("the name", lambda: "<b>Ada</b>" in chips.inner_text())
    assert chips.locator("b").count() == 0
    one.click(balls.centres[1])
    marked = two.page.locator("gsseg-list .row[data-others]")
    poll("marked", lambda: [each.get_attribute("data-id") for each in marked.all()] == ["1"])
    assert marked.get_attribute("data-others") == "<b>Ada</b>"

    one.press("Delete")
    poll("deleted", lambda: document.state.deleted_objects == {1})
    two.wait_for_text("<b>Ada</b> changed the scene")
    two.click(balls.centres[3])
    two.press("h")
    poll("hidden", lambda: document.state.hidden_objects == {3})
    one.press("Control+z")
    poll("only the first is taken back", lambda: not document.state.deleted_objects)
    assert document.state.hidden_objects == {3}
    assert np.array_equal(document.object_ids(document.state), document.run.object_ids)
    one.press("Control+y")
    poll("deleted again", lambda: document.state.deleted_objects == {1})
    two.press("Control+z")
    poll("shown again", lambda: not document.state.hidden_objects)
    assert document.state.deleted_objects == {1}
    two.close()
    poll("alone", lambda: one.page.locator("gsseg-people").is_hidden())


def test_edits_of_two_at_once_are_all_made(viewer, open_tab, balls, poll):
    """Renames from two sessions at the same time: every one is in the history, none is lost."""
    from gsseg_viewer.edits import rename

    tabs = [open_tab(viewer, width=640, height=480) for _ in range(2)]
    done = []

    def work(session: Any, object_id: int) -> None:
        for number in range(20):
            name = f"{object_id} number {number}"
            done.append(session.edit(f"renamed to {name}", lambda state, name=name: rename(state, object_id, name)))

    threads = [threading.Thread(target=work, args=(tab.session, at)) for at, tab in enumerate(tabs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 40
    for at, tab in enumerate(tabs):
        assert viewer.document.state.objects[at].name == f"{at} number 19"
        tab.wait_for_text("0 number 19")
        tab.wait_for_text("1 number 19")


def test_a_browser_closes_during_an_update(viewer, open_tab, balls, poll):
    """Nothing is raised or printed (`open_viewer` looks), its session ends, and the other one goes on."""
    one, two = open_tab(viewer, width=640, height=480), open_tab(viewer, width=640, height=480)
    leaving = two.session
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            viewer.document.apply("hid it", lambda state: hide(state, state.pieces_of([0])))
            leaving.color_by("object")
            viewer.document.apply("showed it", show_all)
            leaving.color_by("photo")

    worker = threading.Thread(target=work)
    worker.start()
    two.close()
    poll("one session", lambda: viewer.sessions == [one.session])
    stop.set()
    worker.join()
    assert leaving.closed
    leaving.select(one.session.selection)
    leaving.tell("nobody", "hears this")
    leaving.undo()
    leaving.redo()
    with leaving.working("in vain"):
        pass
    one.click(balls.centres[1])
    poll("the other one goes on", lambda: _selected(one) == [1])


def _selected(tab: Any) -> list[int]:
    return tab.session.selection.objects(tab.viewer.document.state)
