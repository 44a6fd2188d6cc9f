"""Clicks, keys and rectangles in a real browser, on four balls that stand apart."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

NOTHING = (0.0, 0.0, 1.2)
"""A point of the world where there is nothing."""


@pytest.fixture
def tab(balls: Any, open_viewer: Callable[..., Any], open_tab: Callable[..., Any]) -> Any:
    """A page at the four balls, seen from the front."""
    return open_tab(open_viewer(balls.document(), balls.views()))


def selected(tab: Any) -> list[int]:
    """Objects that the tab's session has selected."""
    return tab.session.selection.objects(tab.viewer.document.state)


def shown_as(tab: Any, balls: Any, before: np.ndarray, lit: set[int]) -> Callable[[], bool]:
    """Whether the balls of ``lit`` are no darker than ``before`` (bright ones stay as they are), and all others are,
    where there is a selection."""

    def look() -> bool:
        change = np.array([tab.colour(point).sum() for point in balls.centres]) - before
        return all(change[k] > -6 if k in lit else (change[k] < -20 if lit else abs(change[k]) < 6) for k in range(4))

    return look


def brightness(tab: Any, balls: Any) -> np.ndarray:
    return np.array([tab.colour(point).sum() for point in balls.centres])


def test_every_way_to_select(tab, balls, poll):
    """Click, shift-click, alt-click, and a click on nothing: what is selected, what lights up, and what does not."""
    before = brightness(tab, balls)
    assert selected(tab) == []
    for k, keys, wanted in ((1, (), {1}), (3, ("Shift",), {1, 3}), (1, ("Alt",), {3}), (0, (), {0})):
        tab.click(balls.centres[k], *keys)
        poll(f"selection {wanted}", lambda wanted=wanted: set(selected(tab)) == wanted)
        poll(f"{wanted} lit and no other", shown_as(tab, balls, before, wanted))
    tab.click(NOTHING, "Shift")
    tab.click(NOTHING)
    poll("nothing selected", lambda: not tab.session.selection)
    poll("the colours of the beginning", shown_as(tab, balls, before, set()))


def test_the_page_draws_where_the_server_thinks(tab, balls):
    """`Sight.project` against the page's own matrices, and a training view fills the screen as its camera says."""
    from gsseg_viewer.moving import go_to
    from gsseg_viewer.pointing import Sight

    for view in (None, *tab.session.views):
        if view is not None:
            go_to(tab.session, view)
            tab.wait_until_settled(view.camera.position)
        screen, depth = Sight.of(tab.session.client.camera).project(balls.centres)
        drawn = np.array([tab.pixel(point) for point in balls.centres])
        np.testing.assert_allclose(screen * [tab.width, tab.height], drawn, atol=0.05)
        assert (depth > 0).all()
        if view is not None:
            camera = view.camera
            there = balls.centres @ camera.T_camera_world[:3, :3].T + camera.T_camera_world[:3, 3]
            photo = there[:, :2] / there[:, 2:] * camera.fx / camera.height  # in heights of the photo, from its middle
            page = (drawn - [tab.width / 2, tab.height / 2]) / tab.height
            np.testing.assert_allclose(page, photo, atol=1e-3)


def test_a_rectangle_selects_what_it_holds_by_half(tab, balls, poll):
    """Shift-drag adds objects with half of their centres inside, alt-drag takes them away."""
    centres = np.array([tab.pixel(point) for point in balls.centres])
    tab.drag((centres[0, 0] - 60, centres[0, 1] - 90), (centres[1, 0] + 12, centres[1, 1] + 90), "Shift")
    poll("balls 0 and 1", lambda: selected(tab) == [0, 1])
    tab.drag((centres[2, 0] + 20, centres[2, 1] + 90), (centres[3, 0] + 60, centres[3, 1] - 90), "Shift")
    poll("ball 3, of which all is inside, and not 2, of which less than half is", lambda: selected(tab) == [0, 1, 3])
    tab.drag((centres[0, 0] - 60, centres[0, 1] - 90), (centres[0, 0] + 60, centres[0, 1] + 90), "Alt")
    poll("ball 0 taken away", lambda: selected(tab) == [1, 3])
    tab.drag((20, 400), (60, 440), "Shift")
    tab.wait_for_text("Nothing there")
    assert selected(tab) == [1, 3]


def test_keys_hide_undo_redo_and_clear(tab, balls, poll):
    document = tab.viewer.document
    background = tab.colour(NOTHING)
    tab.click(balls.centres[2])
    poll("ball 2", lambda: selected(tab) == [2])
    tab.press("h")
    tab.wait_for_colour("ball 2 gone", balls.centres[2], lambda colour: np.abs(colour - background).max() < 12)
    assert document.state.hidden_objects == {2}
    assert selected(tab) == [], "what vanishes is no longer selected"
    tab.click(balls.centres[2])  # goes through
    tab.press("Control+z")
    tab.wait_for_colour("ball 2 back", balls.centres[2], lambda colour: np.abs(colour - background).max() > 60)
    assert not document.state.hidden.any()
    assert selected(tab) == [2], "and so is the selection"
    tab.press("Control+Shift+Z")
    poll("hidden again", lambda: document.state.hidden_objects == {2})
    tab.press("Shift+H")
    poll("shown", lambda: not document.state.hidden.any())
    tab.click(balls.centres[0])
    poll("ball 0", lambda: selected(tab) == [0])
    tab.press("Escape")
    poll("cleared", lambda: not tab.session.selection)
    for _ in range(3):
        tab.press("Control+z")
    tab.wait_for_text("Nothing to undo")


def test_keys_colour_and_move(tab, balls, poll):
    session = tab.session
    start = session.client.camera.position.copy()
    tab.press("c")
    poll("coloured by class", lambda: session.coloring == "class")
    tab.click(balls.centres[3])
    poll("ball 3", lambda: selected(tab) == [3])
    tab.press("f")
    poll("the camera elsewhere", lambda: not np.allclose(session.client.camera.position, start))
    box = session.document.box(session.selection)
    poll("looking at ball 3", lambda: np.allclose(session.client.camera.look_at, np.add(*box) / 2, atol=0.05))
    tab.wait_until_settled()
    corners = np.array([tab.pixel(corner) for corner in itertools.product(*zip(*box, strict=True))])
    assert (corners > 0).all()
    assert (corners < [tab.width, tab.height]).all(), "all of it is on the screen"
    assert np.ptp(corners[:, 1]) > 0.4 * tab.height, "and it fills it"
    tab.press("PageDown")
    tab.press("PageDown")
    poll("the second view", lambda: session.view == 1)
    tab.wait_until_settled(session.views[1].camera.position)
    tab.press("PageUp")
    tab.press("PageUp")
    poll("the last view", lambda: session.view == len(session.views) - 1)
    tab.press("?")
    tab.wait_for_text("Mouse and keys")
    tab.press("Escape")
    poll("the help closed", lambda: "Mouse and keys" not in tab.text())
    assert selected(tab) == [3], "the first Escape closes the help and clears nothing"


def test_fifty_clicks_in_a_second(tab, balls, poll):
    """The last click decides, however many came before it; clicks that viser leaves out are never the last."""
    before = brightness(tab, balls)
    pixels = [tab.pixel(point) for point in balls.centres]
    for at in range(50):
        tab.page.mouse.click(*pixels[at % 4])
    tab.click(balls.centres[2])
    poll("the last click's ball", lambda: selected(tab) == [2])
    poll("lit", shown_as(tab, balls, before, {2}))
    assert selected(tab) == [2]
