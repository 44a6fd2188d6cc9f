"""Drawing on the scene in a real browser: what is selected is what NumPy says lies in what was drawn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.pointing import Sight
from gsseg_viewer.regions import Outline, Stroke
from gsseg_viewer.taking import selected_rows


def press(tab: Any, poll: Callable, name: str) -> None:
    """A button of the bar above the scene."""
    tab.page.locator(f'gsseg-tools button[data-name="{name}"]').click()
    pressed = f'gsseg-tools button[data-name="{name}"][aria-pressed="true"]'
    poll(f"{name} in hand", lambda: tab.page.locator(pressed).count())


def share(tab: Any, pixels: np.ndarray) -> np.ndarray:
    """Pixels of the page as shares of the picture, at their middles, as the page tells them."""
    return (pixels + 0.5) / (tab.width, tab.height)


def trace(tab: Any, pixels: np.ndarray) -> None:
    """Presses, goes along some pixels, and lets go."""
    tab.page.mouse.move(*pixels[0])
    tab.page.mouse.down()
    for each in pixels[1:]:
        tab.page.mouse.move(*each)
    tab.page.mouse.up()


def around(tab: Any, point: Any, radius: float, count: int = 24) -> np.ndarray:
    """Whole pixels of a circle about a point of the scene."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.round(np.array(tab.pixel(point)) + radius * np.stack([np.cos(angle), np.sin(angle)], 1))


@pytest.mark.parametrize("tool", ["lasso", "polygon"])
def test_what_is_drawn_around_is_selected(
    tool: str, balls: Any, open_viewer: Callable, open_tab: Callable, poll: Callable
):
    tab = open_tab(open_viewer(balls.document()))
    press(tab, poll, tool)
    ring = around(tab, balls.centres[1], 30)
    if tool == "lasso":
        trace(tab, ring)
    else:
        for each in ring:
            tab.page.mouse.click(*each)
        tab.page.keyboard.press("Enter")
    sight, means = Sight.of(tab.session.client.camera), tab.session.document.gaussians.means.numpy()
    wanted = Outline(share(tab, ring)).holds(sight, means)
    assert 100 < wanted.sum() < 700, "a part of a ball"
    poll("the selection", lambda: np.array_equal(selected_rows(tab.session), wanted))
    tab.wait_for_text(f"{wanted.sum():,} Gaussians selected")


def test_a_brush_paints_adds_and_takes_away_and_undo_brings_back(
    balls: Any, open_viewer: Callable, open_tab: Callable, poll: Callable
):
    document = balls.document()
    ids = document.object_ids(document.state)
    tab = open_tab(open_viewer(document))
    press(tab, poll, "brush")
    first, last = (np.round(tab.pixel(balls.centres[k])) for k in (0, 1))
    path = np.round(np.linspace(first, last, 12))
    trace(tab, path)
    sight, means = Sight.of(tab.session.client.camera), document.gaussians.means.numpy()
    radius = tab.session.tools.radius
    painted = Stroke(share(tab, path), radius).holds(sight, means)
    poll("the stroke", lambda: np.array_equal(selected_rows(tab.session), painted))
    tab.page.keyboard.down("Alt")
    trace(tab, path[:3])
    tab.page.keyboard.up("Alt")
    left = painted & ~Stroke(share(tab, path[:3]), radius).holds(sight, means)
    assert 0 < left.sum() < painted.sum()
    poll("less of it", lambda: np.array_equal(selected_rows(tab.session), left))
    tab.press("g")
    new = np.where(left, 4, ids)
    poll("a new object", lambda: np.array_equal(document.object_ids(document.state), new))
    tab.press("Control+z")
    poll("as before", lambda: np.array_equal(document.object_ids(document.state), ids))
    assert not document.unsaved


def test_the_camera_still_moves_while_a_tool_draws(
    balls: Any, open_viewer: Callable, open_tab: Callable, poll: Callable
):
    tab = open_tab(open_viewer(balls.document()))
    press(tab, poll, "lasso")
    before = np.array(tab.session.client.camera.position)
    tab.page.mouse.move(*tab.pixel(balls.centres[1]))
    tab.page.mouse.wheel(0, -240)
    poll("nearer", lambda: not np.allclose(tab.session.client.camera.position, before))
    tab.wait_until_settled()
    before = np.array(tab.session.client.camera.position)
    tab.page.keyboard.down(" ")
    tab.drag(tab.pixel(balls.centres[1]), (tab.width * 0.5, tab.height * 0.8))
    tab.page.keyboard.up(" ")
    poll("turned", lambda: not np.allclose(tab.session.client.camera.position, before))
    assert not tab.session.selection


def test_assigning_by_a_click_on_the_target(balls: Any, open_viewer: Callable, open_tab: Callable, poll: Callable):
    document = balls.document()
    tab = open_tab(open_viewer(document))
    tab.click(balls.centres[1])
    poll("the red ball", lambda: tab.session.selection.objects(document.state) == [1])
    press(tab, poll, "assign")
    tab.click(balls.centres[2])
    poll("of the green one", lambda: document.state.gaussians(2) == 1400)
