"""Where the camera goes: to what is selected, back to the start, and through the training views."""

from typing import Any

import numpy as np
import pytest
from gsseg_viewer.mouse import click, select_rectangle
from gsseg_viewer.moving import frame_selection, go_to, step_view
from gsseg_viewer.panels.selection import SelectionPanel
from gsseg_viewer.pointing import Sight
from gsseg_viewer_test_stage import at


def test_views_are_stepped_through_in_a_ring(stage):
    one = stage.enter()
    seen = []
    for step in (1, 1, 1, 1, -1, -1):
        step_view(one, step)
        seen.append(one.view)
        np.testing.assert_allclose(one.client.camera.position, one.views[one.view].camera.position)
    assert seen == [0, 1, 2, 0, 2, 1]
    two = stage.enter(views=False)
    step_view(two, 1)
    assert two.client.messages[-1].title == "No training views"


def test_framing_goes_to_the_selection_and_back_to_the_start(stage, balls):
    one = stage.enter()
    click(one, *at(balls, 3))
    frame_selection(one)
    np.testing.assert_allclose(one.client.camera.look_at, balls.centres[3], atol=0.05)
    one.clear()
    frame_selection(one)
    np.testing.assert_allclose(one.client.camera.position, stage.surroundings.start.position)


@pytest.mark.parametrize(("width", "height"), [(0, 300), (400, 0), (0, 0)])
def test_a_window_without_a_size_counts_as_square(desk: Any, balls: Any, width: int, height: int):
    """A collapsed tab: framing, jumping and rectangles do what they do in a square window, and say nothing."""
    session, front = desk.session, balls.views()[0]
    done = []
    for size in ((300, 300), (width, height)):
        desk.resize(*size)
        desk.select(1)
        desk.send(desk.panel(SelectionPanel).actions, "frame")
        go_to(session, front)
        select_rectangle(session, (0.0, 0.0), (0.5, 1.0))
        done.append((Sight.of(session.client.camera).aspect, session.selection.objects(session.document.state)))
    assert done == [(1.0, [0, 1])] * 2
    assert desk.told == []
    framed, jumped, *again = desk.poses
    for one, other in zip((framed, jumped), again, strict=True):
        np.testing.assert_array_equal(one.position, other.position)
        assert one.fov == other.fov
    assert np.linalg.norm(framed.look_at - balls.centres[1]) < 0.05
