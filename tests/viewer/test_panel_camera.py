"""Where to look from, what a section cuts off, and lengths: against plain geometry."""

from typing import Any

import numpy as np
import pytest
from gsseg_viewer.camera import Pose
from gsseg_viewer.clicking import clicked
from gsseg_viewer.colors import alphas
from gsseg_viewer.exporting import rows_of
from gsseg_viewer.measuring import distance, set_length
from gsseg_viewer.panels.camera import CameraPanel
from gsseg_viewer.panels.look import LookPanel
from gsseg_viewer.pointing import Sight
from gsseg_viewer.sections import Section
from gsseg_viewer.taking import selected_rows, take
from gsseg_viewer.viewpoints import SIDES, between, cut, seen_from_side
from gsseg_viewer.work import Scale
from gsseg_viewer_test_stage import FRONT
from viser._messages import LabelMessage

UP = np.array([0.0, 0.0, 1.0])


def sight_of(pose: Pose) -> Sight:
    forward = pose.look_at - pose.position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, pose.up)
    right /= np.linalg.norm(right)
    return Sight(pose.position, np.stack([right, np.cross(forward, right), forward], 1), pose.fov, 1.0)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("side", SIDES)
def test_a_side_shows_all_of_the_box_from_there(side: Any, flat: bool) -> None:
    low, high = np.array([-1.0, -2.0, -3.0]), np.array([2.0, 1.0, 0.5])
    pose = seen_from_side(side, UP, low, high, flat)
    corners = np.array([[(low, high)[k >> axis & 1][axis] for axis in range(3)] for k in range(8)])
    screen, depth = sight_of(pose).project(corners)
    assert (depth > 0).all()
    assert ((screen > 0) & (screen < 1)).all()
    towards = (pose.position - pose.look_at) / np.linalg.norm(pose.position - pose.look_at)
    other = seen_from_side(OPPOSITE[side], UP, low, high, flat)
    assert np.allclose(pose.position + other.position, 2 * pose.look_at), "the other side looks back"
    assert abs(towards @ UP) == pytest.approx(float(side in ("top", "bottom")))
    if flat:  # what is near is hardly larger than what is far
        near, far = (np.ptp(screen[order], axis=0).max() for order in (np.argsort(depth)[:4], np.argsort(depth)[4:]))
        assert 0.75 < far / near < 1.34


OPPOSITE = {"front": "back", "back": "front", "left": "right", "right": "left", "top": "bottom", "bottom": "top"}


def test_gliding_begins_here_ends_there_and_only_goes_forward() -> None:
    one, other = (seen_from_side(side, UP, -np.ones(3), np.ones(3), False) for side in ("front", "left"))
    way = [between(one, other, share) for share in np.linspace(0, 1, 11)]
    for pose, end in ((way[0], one), (way[-1], other)):
        assert np.allclose(pose.position, end.position)
        assert pose.fov == pytest.approx(end.fov)
    left = [np.linalg.norm(pose.position - other.position) for pose in way]
    assert all(np.diff(left) < 0)


def test_sides_and_bookmarks_move_the_camera(desk: Any) -> None:
    panel = desk.panel(CameraPanel)
    desk.send(panel.sides[1], "top")
    box = desk.session.surroundings
    assert np.allclose(desk.poses[-1].position, seen_from_side("top", box.up, box.low, box.high, False).position)
    desk.select(3)
    desk.send(panel.flat, True)
    desk.send(panel.sides[0], "left")
    assert desk.poses[-1].fov == pytest.approx(np.radians(8))
    assert np.allclose(desk.poses[-1].look_at, np.mean(desk.session.document.box(desk.session.selection), axis=0))
    desk.send(panel.name, "the <b>door</b>")
    desk.send(panel.keep)
    assert panel.kept.options == ("—", "the <b>door</b>")
    desk.send(panel.kept, "the <b>door</b>")
    assert np.allclose(desk.poses[-1].position, FRONT)
    desk.send(panel.kept, "nowhere")
    assert desk.told[-1][0] == "Not done"


def test_a_glide_ends_where_it_was_to(desk: Any, poll: Any) -> None:
    panel = desk.panel(CameraPanel)
    desk.send(panel.glide, True)
    desk.send(panel.sides[1], "top")
    box = desk.session.surroundings
    end = seen_from_side("top", box.up, box.low, box.high, False)
    poll("the end", lambda: desk.poses and np.allclose(desk.poses[-1].position, end.position))
    assert len(desk.poses) > 2


def test_a_section_hides_from_eyes_clicks_and_tools_but_edits_nothing(stage: Any, balls: Any) -> None:
    session = stage.enter()
    document, means = session.document, session.document.gaussians.means.numpy()
    cut(session, Section(0, -0.1, float("inf")))
    inside = means[:, 0] >= -0.1
    shown = session._painted()[1]
    assert np.array_equal(shown, alphas(document, document.state) * inside)
    clicked(session, FRONT, balls.centres[1] - FRONT, None)
    assert not session.selection, "it is cut off"
    take(session, np.ones(len(means), bool), "set")
    assert np.array_equal(selected_rows(session), inside)
    assert not document.unsaved
    assert len(rows_of(document, document.state, session.selection, "everything shown")) == len(means)
    cut(session, None)
    assert np.array_equal(session._painted()[1], alphas(document, document.state))


def test_the_panel_cuts_along_an_axis(desk: Any) -> None:
    panel, session = desk.panel(CameraPanel), desk.session
    desk.send(panel.axis, "z")
    assert session.section == Section(2, -np.inf, np.inf)
    desk.send(panel.ends[0], 50.0)
    low, high = session.surroundings.low[2], session.surroundings.high[2]
    assert session.section.low == pytest.approx((low + high) / 2)
    desk.send(panel.axis, "—")
    assert session.section is None


def test_a_distance_is_that_of_what_was_clicked(desk: Any, balls: Any) -> None:
    session, panel = desk.session, desk.panel(CameraPanel)
    session.tools = type(session.tools)(tool="measure")
    for ball in (0, 3):
        session.enqueue(lambda ball=ball: clicked(session, FRONT, balls.centres[ball] - FRONT, None))
    desk.settle()
    measured = distance(session)
    assert measured == pytest.approx(2.4 * (1 - 0.28 / 5), abs=0.15), "on the balls' near sides"
    assert not session.selection
    desk.send(panel.truth, "4,8 m")
    assert session.work.scale.said(measured) == "4.8 m"
    assert "4&#46;8 m" in panel.length.content
    for wrong in ("long", "-2 m", "nan m", "1e999 m", "3 " + "m" * 20):
        desk.send(panel.truth, wrong)
        assert desk.told[-1][0] == "Not done"
    desk.send(panel.clear)
    assert distance(session) is None
    with pytest.raises(Exception, match="measure first"):
        set_length(session, "1 m")


def test_boxes_say_their_sizes_in_the_scale_that_was_set(desk: Any) -> None:
    desk.select(1)
    desk.send(desk.panel(LookPanel).boxes, True)
    assert len({each.name for each in labels_of(desk)}) == 3
    desk.session.work.scale = Scale(100.0, "cm")
    desk.session.refresh()
    desk.settle()
    assert labels_of(desk)[-1].props.text.endswith(" cm")


def labels_of(desk: Any) -> list[Any]:
    return [each for each in desk.connection.sent if isinstance(each, LabelMessage)]
