"""What clicks and rectangles select, add and take away, and what they say where nothing is."""

from gsseg_viewer.mouse import click, select_rectangle
from gsseg_viewer_test_stage import FRONT, at, objects, painted_right, settle


def test_clicks_select_add_remove_and_clear(stage, balls):
    one = stage.enter()
    for ball, how, wanted in ((1, "set", [1]), (3, "add", [1, 3]), (1, "remove", [3]), (0, "set", [0])):
        click(one, *at(balls, ball), how)
        assert objects(one) == wanted
        settle(one)
        assert painted_right(one)
        assert one.panels[0].seen[-1][0] is one.selection
    click(one, FRONT, [0.0, 0.0, 1.0], "add")
    assert objects(one) == [0]
    click(one, FRONT, [0.0, 0.0, 1.0])
    assert not one.selection


def test_rectangles_select_add_remove(stage):
    one = stage.enter()
    left, right, all_ = ((0.0, 0.0), (0.5, 1.0)), ((0.5, 0.0), (1.0, 1.0)), ((0.0, 0.0), (1.0, 1.0))
    for rectangle, how, wanted in (
        (left, "set", [0, 1]), (right, "add", [0, 1, 2, 3]), (left, "remove", [2, 3]), (all_, "set", [0, 1, 2, 3])
    ):  # fmt: skip
        select_rectangle(one, *rectangle, how)
        assert objects(one) == wanted
    before = one.selection
    select_rectangle(one, (0.0, 0.0), (0.01, 0.01))
    assert one.selection is before
    assert one.client.messages[-1].title == "Nothing there"
