"""The tools' panel and bar, without a browser: what is asked is done, and what makes no sense is refused."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.clicking import clicked
from gsseg_viewer.edits import EditError
from gsseg_viewer.incoming import PartAsked
from gsseg_viewer.panels.tools import ToolsPanel, bars
from gsseg_viewer.pointing import Sight
from gsseg_viewer.points import Points, coarseness, meant
from gsseg_viewer.regions import Outline, Solid, Stroke
from gsseg_viewer.taking import selected_rows, take
from gsseg_viewer.traits import LIKE, histogram
from gsseg_viewer_test_stage import FRONT


def ask(desk: Any, action: str, text: str = "", numbers: Any = ()) -> None:
    """What the page's part sends."""
    desk.session.enqueue(
        lambda: desk.session.channel.hear(PartAsked("tools", action, [], np.ravel(numbers).tolist(), text))
    )
    desk.settle()


def click(desk: Any, balls: Any, ball: int, how: Any = None, offset: Any = (0.0, 0.0, 0.0)) -> None:
    point = balls.centres[ball] + np.array(offset)
    desk.session.enqueue(lambda: clicked(desk.session, FRONT, point - FRONT, how))
    desk.settle()


def told(desk: Any) -> dict[str, Any]:
    """What the bar was told last."""
    return next(each.content for each in reversed(desk.connection.sent) if getattr(each, "part", "") == "tools")


def ring(desk: Any, balls: Any, ball: int, radius: float = 0.035) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    middle = Sight.of(desk.session.client.camera).project(balls.centres[ball][None])[0][0]
    return middle + radius * np.stack([np.cos(angle), np.sin(angle)], 1)


def test_the_bar_says_what_is_in_hand_and_how_much_is_selected(desk: Any) -> None:
    assert told(desk) == {"tool": "click", "how": "set", "radius": 0.03, "said": ""}
    ask(desk, "tool", "lasso")
    ask(desk, "how", "add")
    desk.select(1, 2)
    assert told(desk) == {"tool": "lasso", "how": "add", "radius": 0.03, "said": "1,400 Gaussians selected"}


def test_what_is_drawn_is_taken_exactly(desk: Any, balls: Any) -> None:
    means, sight = desk.session.document.gaussians.means.numpy(), Sight.of(desk.session.client.camera)
    one, other = ring(desk, balls, 0), ring(desk, balls, 1)
    ask(desk, "draw", "lasso", one)
    first = Outline(one).holds(sight, means)
    assert 0 < first.sum() < 700
    assert np.array_equal(selected_rows(desk.session), first)
    ask(desk, "draw", "polygon add", other)
    assert np.array_equal(selected_rows(desk.session), first | Outline(other).holds(sight, means))
    ask(desk, "draw", "brush remove", other[:3])
    left = first | Outline(other).holds(sight, means)
    assert np.array_equal(selected_rows(desk.session), left & ~Stroke(other[:3], 0.03).holds(sight, means))


WRONG = [
    ("tool", "axe", ()), ("how", "never", ()), ("radius", "", ()), ("draw", "lasso", (0.1, 0.2, 0.3)),
    ("draw", "lasso", (0.1, 0.2)), ("draw", "click", (0.1, 0.2)), ("draw", "brush", ()), ("draw", "brush", (99.0, 0.0)),
    ("fly", "", ()), ("draw", "lasso sideways", [0.1, 0.1, 0.2, 0.2, 0.3, 0.1]),
]  # fmt: skip


@pytest.mark.parametrize(("action", "text", "numbers"), WRONG)
def test_what_makes_no_sense_is_refused(desk: Any, action: str, text: str, numbers: Any) -> None:
    before = desk.session.tools
    ask(desk, action, text, numbers)
    assert desk.told[-1][0] == "Not done"
    assert desk.session.tools == before
    assert not desk.session.selection


def test_a_brush_stays_within_its_sizes(desk: Any) -> None:
    ask(desk, "radius", numbers=[50.0])
    assert desk.session.tools.radius == 0.3
    assert desk.panel(ToolsPanel).radius.value == 0.3


def test_steps_change_what_is_selected(desk: Any) -> None:
    panel = desk.panel(ToolsPanel)
    desk.send(panel.steps, "grow")
    assert desk.told[-1][0] == "Not done"
    means = desk.session.document.gaussians.means.numpy()
    take(desk.session, means[:, 0] < -0.4, "set")
    part = selected_rows(desk.session)
    desk.send(panel.steps, "shrink")
    smaller = selected_rows(desk.session)
    assert 0 < smaller.sum() < part.sum()
    assert (part | ~smaller).all()
    desk.send(panel.steps, "grow")
    again = selected_rows(desk.session)
    assert smaller.sum() < again.sum()
    desk.send(panel.steps, "invert")
    assert np.array_equal(selected_rows(desk.session), ~again)
    desk.select(1)
    whole = selected_rows(desk.session)
    desk.send(panel.steps, "like this")
    features = desk.session.document.run.columns.discrete
    near = np.linalg.norm(features[:, None] - np.unique(features[whole], axis=0)[None], axis=2).min(1) <= LIKE
    assert np.array_equal(selected_rows(desk.session), near & features.any(1))


@pytest.mark.parametrize("shape", ["sphere", "box"])
def test_a_solid_takes_what_is_in_it(desk: Any, shape: str) -> None:
    panel, means = desk.panel(ToolsPanel), desk.session.document.gaussians.means.numpy()
    desk.select(2)
    desk.send(panel.shapes, shape)
    centre = np.array(panel.gizmo.handles.position)
    desk.send(panel.sides[0], 0.4)
    assert panel.take.visible
    desk.send(panel.take)
    solid = panel.gizmo.solid()
    assert solid.extent[0] == pytest.approx(0.4)
    assert np.array_equal(solid.centre, centre)
    wanted = Solid(centre, solid.axes, solid.extent, shape == "sphere").holds(means)
    assert 0 < wanted.sum() < 700
    assert np.array_equal(selected_rows(desk.session), wanted)
    desk.send(panel.sides[0], -1.0)
    assert desk.told[-1][0] == "Not done"
    desk.send(panel.shapes, "close")
    assert panel.gizmo.handles is None
    with pytest.raises(EditError, match="first"):
        panel.gizmo.take("set")


def test_a_range_of_agreement_takes_its_objects(desk: Any) -> None:
    panel = desk.panel(ToolsPanel)
    desk.send(panel.trait, "agreement")
    assert panel.histogram.visible
    assert panel.histogram.content.count("<i ") == 32
    desk.send(panel.range[0], 60.0)
    desk.send(panel.by_range)
    assert desk.session.selection.objects(desk.session.document.state) == [2, 3]
    desk.send(panel.trait, "confidence")
    assert desk.told[-1][0] == "Not done"


def test_bars_outside_the_range_step_back() -> None:
    shown = histogram(np.linspace(0, 1, 1000, dtype=np.float32), np.ones(1000, bool))
    assert bars(shown, 0.0, 0.49).count("opacity:1.0") == 16


def test_the_eyedropper_takes_one_colour(desk: Any, balls: Any) -> None:
    ask(desk, "tool", "colour")
    click(desk, balls, 1)
    assert desk.session.selection.objects(desk.session.document.state) == [1]
    assert np.allclose(desk.session.work.color, balls.colors[1] / 255, atol=1e-3)


def test_a_click_on_the_target_assigns(desk: Any, balls: Any) -> None:
    ask(desk, "tool", "assign")
    click(desk, balls, 2)
    assert desk.told[-1][0] == "Not done"
    desk.select(1)
    click(desk, balls, 2)
    state = desk.session.document.state
    assert state.gaussians(2) == 1400
    desk.session.undo()
    assert desk.session.document.state.gaussians(2) == 700


def test_points_of_a_thing_and_how_coarse_it_is(desk: Any, balls: Any) -> None:
    session, document = desk.session, desk.session.document
    ask(desk, "tool", "points")
    click(desk, balls, 1, "remove")
    assert desk.told[-1][0] == "Not done", "what is not meant comes after what is"
    click(desk, balls, 1, offset=(0.1, 0.0, 0.0))
    assert session.selection.objects(document.state) == [1]
    panel, counts = desk.panel(ToolsPanel), []
    for grain in (0.0, 0.5, 1.0):
        desk.send(panel.grain, grain)
        counts.append(selected_rows(session).copy())
    assert all((wide | ~narrow).all() for narrow, wide in pairwise(counts))
    assert 0 < counts[0].sum() < counts[1].sum() == 700
    desk.send(panel.grain, 0.5)
    click(desk, balls, 1, "remove", offset=(-0.15, 0.0, 0.0))
    assert np.array_equal(selected_rows(session), counts[0]), "the other half is not meant"
    click(desk, balls, 3)
    assert session.selection.objects(document.state) == [1, 3]
    desk.select(0)
    click(desk, balls, 2)
    assert session.selection.objects(document.state) == [2], "another selection begins anew"


@pytest.mark.parametrize("row", [0, 900, 2820])
def test_coarser_points_mean_more(desk: Any, row: int) -> None:
    document = desk.session.document
    state, table, pieces = document.state, document.division.table, document.pieces
    found = [meant(Points((row,), (), grain), state, table, pieces) for grain in np.linspace(0, 1, 21)]
    assert all((wide | ~narrow).all() for narrow, wide in pairwise(found))
    assert found[0][pieces[row]]
    assert coarseness(state, table, int(pieces[row]))[pieces[row]] == 0


def test_keep_and_drop_snap_and_begin_anew(desk: Any, balls: Any) -> None:
    session = desk.session
    ask(desk, "tool", "snap")
    click(desk, balls, 1, "remove")
    assert desk.told[-1][0] == "Not done"
    click(desk, balls, 1)
    assert session.selection.objects(session.document.state) == [1]
    kept = session.work.said.keep
    assert selected_rows(session)[kept].all()
    click(desk, balls, 2)
    assert len(session.work.said.keep) > len(kept)
    assert selected_rows(session)[session.work.said.keep].all()
    click(desk, balls, 2, "remove")
    assert not selected_rows(session)[session.work.said.drop].any()
    desk.select(0)
    click(desk, balls, 3)
    assert len(session.work.said.drop) == 0, "another selection, another thing"
    assert not session.document.unsaved


def test_a_scribble_means_what_is_seen_under_it(desk: Any, balls: Any) -> None:
    session = desk.session
    desk.select(1)
    ask(desk, "draw", "scribble remove", ring(desk, balls, 1, 0.01))
    dropped = session.work.said.drop
    assert 0 < len(dropped) < 700
    assert not selected_rows(session)[dropped].any()
    ask(desk, "draw", "scribble", [0.99, 0.01])
    assert desk.told[-1][0] == "Not done"
