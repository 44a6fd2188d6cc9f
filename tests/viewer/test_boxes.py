"""Boxes about what is selected: their edges, and what a browser is sent."""

import numpy as np
import pytest
from gsseg_viewer.boxes import NAME, edges
from gsseg_viewer.edits import move
from gsseg_viewer.panels.look import LookPanel
from viser._messages import LineSegmentsMessage, RemoveSceneNodeMessage

from gsseg.segmentation.oriented_box import oriented_box
from gsseg.segmentation.table import OrientedBox


def test_a_box_has_twelve_edges_of_three_lengths() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    box = OrientedBox([1.0, 2.0, 3.0], [4.0, 2.0, 1.0], turn.tolist())
    lines = edges(box).astype(np.float64)
    assert lines.shape == (12, 2, 3)
    along = lines[:, 1] - lines[:, 0]
    assert sorted(np.linalg.norm(along, axis=1).round(5).tolist()) == [1.0] * 4 + [2.0] * 4 + [4.0] * 4
    assert np.allclose(lines.reshape(-1, 3).mean(0), box.center)
    inside = (lines.reshape(-1, 3) - box.center) @ turn
    assert np.allclose(np.abs(inside), np.array(box.extent) / 2), "every end is a corner"
    assert len(np.unique(lines.reshape(-1, 3).round(4), axis=0)) == 8


def sent(desk) -> list[LineSegmentsMessage]:
    return [each for each in desk.connection.sent if isinstance(each, LineSegmentsMessage) and each.name == NAME]


def test_selected_objects_get_their_boxes_and_no_other(desk) -> None:
    desk.select(1)
    assert sent(desk) == [], "only where it is asked for"
    desk.send(desk.panel(LookPanel).boxes, True)
    desk.select(1, 2)
    one, two = sent(desk)
    document = desk.session.document
    for message, ids in ((one, [1]), (two, [1, 2])):
        ids = sorted(ids, key=lambda each: -document.state.gaussians(each))
        means = document.gaussians.means.numpy().astype(np.float64)
        expected = [edges(oriented_box(means[document.run.object_ids == each])) for each in ids]
        assert np.array_equal(message.props.points, np.concatenate(expected))
        assert (message.props.colors.reshape(len(ids), -1, 3)[0] == document.state.objects[ids[0]].color).all()


def test_boxes_follow_edits_and_go(desk) -> None:
    desk.send(desk.panel(LookPanel).boxes, True)
    desk.select(0)
    piece = int(np.flatnonzero(desk.session.document.state.owner == 1)[0])
    desk.session.edit("moved", lambda state: move(state, [piece], 0))
    desk.select(0)
    before, *_, after = sent(desk)  # the edit may be shown before the selection that follows it, or with it
    assert (
        np.ptp(after.props.points.reshape(-1, 3), axis=0).max()
        > np.ptp(before.props.points.reshape(-1, 3), axis=0).max()
    )
    for stop in (lambda: desk.session.clear(), lambda: desk.send(desk.panel(LookPanel).boxes, False)):
        desk.select(0)
        desk.connection.sent.clear()
        stop()
        desk.settle()
        assert any(isinstance(each, RemoveSceneNodeMessage) and each.name == NAME for each in desk.connection.sent)


@pytest.mark.parametrize("value", ["yes", None, [1]])
def test_a_browser_may_send_anything(desk, value) -> None:
    desk.select(0)
    desk.send(desk.panel(LookPanel).boxes, value)
    desk.select(1)
    assert len(sent(desk)) <= 2
