"""Rows of the command palette: each of them does what the panel's own element does, compared with NumPy."""

from typing import Any

import numpy as np
import pytest
from gsseg_viewer.commands import COMMANDS, do
from gsseg_viewer.edits import EditError
from gsseg_viewer.exporting import KINDS, WHATS
from gsseg_viewer.palette import ROWS, numbers
from gsseg_viewer.panels.camera import CameraPanel
from gsseg_viewer.panels.look import LookPanel, ThemePanel
from gsseg_viewer.panels.selection import SelectionPanel
from gsseg_viewer.panels.tools import ToolsPanel
from gsseg_viewer.selection import HOWS
from gsseg_viewer.taking import selected_rows
from gsseg_viewer.tools import TOOLS
from gsseg_viewer.viewpoints import SIDES, bookmarks, seen_from_side
from viser import GuiFormHandle


def run(desk: Any, label: str, typed: str | None = None) -> None:
    """Does the row of the palette, and types into the window that it opens."""
    (command,) = (each for each in COMMANDS if each.label == label)
    before = set(desk.client.gui._gui_input_handle_from_uuid)
    desk.session.enqueue(lambda: do(desk.session, command))
    desk.settle()
    if typed is None:
        return
    new = [handle for key, handle in desk.client.gui._gui_input_handle_from_uuid.items() if key not in before]
    (field,) = (each for each in new if isinstance(each.value, str))
    (form,) = (
        each
        for each in desk.client.gui._container_handle_from_uuid.values()
        if isinstance(each, GuiFormHandle) and field._impl.uuid in each._children
    )
    desk.send(field, typed)
    desk.submit(form)


def test_labels_tell_rows_apart():
    labels = [command.label for command in COMMANDS]
    assert len(set(labels)) == len(labels)
    assert len(ROWS) > 60


def test_every_tool_and_way_can_be_taken_in_hand(desk):
    seen = []
    for label, _ in ROWS:
        if label.startswith("Tool: "):
            run(desk, label)
            seen.append(desk.session.tools.tool)
    assert tuple(seen) == TOOLS
    seen = []
    for way in ("replace the", "add to the", "take away from the"):
        run(desk, f"Tools {way} selection")
        seen.append(desk.session.tools.how)
    run(desk, "Tools keep what is selected too")
    assert (*seen, desk.session.tools.how) == HOWS


def test_settings_show_in_the_panel(desk):
    tools, seen = desk.panel(ToolsPanel), desk.panel(SelectionPanel)
    run(desk, "Tools take whole objects, or single Gaussians")
    run(desk, "Tools take only what is seen, or through everything")
    run(desk, "Tools: how far into the picture…", "40")
    run(desk, "Tools: size of the brush…", "5")
    run(desk, "Tools: grain of points…", "0.8")
    session = desk.session
    assert (session.tools.whole, session.only_seen, session.tools.depth) == (True, True, 0.4)
    assert (session.tools.radius, session.work.points.grain) == (0.05, 0.8)
    shown = tools.whole.value, seen.only_seen.value, tools.depth.value, tools.radius.value, tools.grain.value
    assert shown == (True, True, 40, 0.05, 0.8)
    run(desk, "Tools: how far into the picture…", "all")
    assert session.tools.depth == 0.4
    assert desk.told[-1] == ("Not done", "That is not a number in range")


def test_selecting_by_a_range_is_exact(desk):
    ids = desk.session.document.run.object_ids
    run(desk, "Select by agreement…", "0.75 0.55")  # of the balls 0.5, 0.6, 0.7 and 0.8
    assert np.array_equal(selected_rows(desk.session), np.isin(ids, [1, 2]))
    run(desk, "Selection: invert")
    assert np.array_equal(selected_rows(desk.session), np.isin(ids, [-1, 0, 3]))


def test_a_solid_takes_what_is_in_it(desk):
    document = desk.session.document
    desk.select(1)
    run(desk, "Solid: sphere")
    gizmo = desk.panel(ToolsPanel).gizmo
    centre, radius = np.array(gizmo.handles.position), gizmo.extent[0] / 2
    run(desk, "Solid: take what is in it")
    inside = np.linalg.norm(document.gaussians.means.numpy() - centre, axis=1) <= radius
    assert np.array_equal(selected_rows(desk.session), inside)
    run(desk, "Solid: close")
    assert gizmo.shape is None


def test_the_camera(desk):
    session, around = desk.session, desk.session.surroundings
    for side in SIDES:
        run(desk, f"Look from {side}")
        wanted = seen_from_side(side, around.up, around.low, around.high, False)
        assert np.allclose(desk.poses[-1].position, wanted.position)
    run(desk, "Camera: views from a side flat, or in perspective")
    run(desk, "Camera: glide to views, or jump")
    assert (desk.panel(CameraPanel).flat.value, desk.panel(CameraPanel).glide.value) == (True, True)
    run(desk, "Camera: glide to views, or jump")
    run(desk, "Camera: keep this view…", "<i>door</i>")
    assert [each.name for each in bookmarks(session.document)] == ["<i>door</i>"]
    run(desk, "Camera: go to a view that was kept…", "<i>door</i>")
    assert np.allclose(desk.poses[-1].position, session.client.camera.position)
    run(desk, "Camera: draw only a slab of the scene…", "z 25 75")
    means = session.document.gaussians.means.numpy()[:, 2]
    low, high = (around.low[2] + share * (around.high[2] - around.low[2]) for share in (0.25, 0.75))
    assert np.array_equal(
        session.section.holds(session.document.gaussians.means.numpy()), (means >= low) & (means <= high)
    )
    run(desk, "Camera: draw all of the scene")
    assert session.section is None
    run(desk, "Camera: draw only a slab of the scene…", "w 25 75")
    assert desk.told[-1] == ("Not done", "Begin with x, y or z")


def test_colours_boxes_and_theme(desk):
    run(desk, "Colour by feature")
    assert desk.session.coloring == "feature"
    run(desk, "Colour by other run")
    assert desk.session.coloring == "feature"
    run(desk, "Boxes about what is selected, or none")
    assert desk.panel(LookPanel).boxes.value
    run(desk, "Dark page, or light")
    assert (desk.session.dark, desk.panel(ThemePanel).dark.value) == (False, False)


def test_every_export(desk):
    desk.select(1)
    for what in WHATS:
        for kind in KINDS:
            run(desk, f"Download {what} as {kind}")
    assert len(desk.downloads) == len(WHATS) * len(KINDS)
    run(desk, "Save a web page of the scene")
    assert desk.downloads[-1][0] == "scene.html"


@pytest.mark.parametrize("typed", ["", "1 2 3", "one two", "nan 1", "-1 1"])
def test_what_is_no_number(typed):
    with pytest.raises(EditError, match="not 2 numbers in range"):
        numbers(typed, 2, 0, 5)


def test_by_keyboard_in_a_real_browser(balls, open_viewer, open_tab, poll):
    """From Ctrl+K to what is selected: the row is found by a few letters, asks, and takes what NumPy takes."""
    tab = open_tab(open_viewer(balls.document()))
    document = tab.session.document
    tab.press("Control+k")
    tab.page.keyboard.type("select by agreement")
    tab.wait_for_text("Select by agreement…")
    tab.page.keyboard.press("Enter")
    field = tab.page.locator("[role=dialog]:has-text('From, to') input:visible")
    poll("the window", field.count)
    field.click()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.type("0.55 0.75")
    tab.page.keyboard.press("Enter")
    wanted = np.isin(document.run.object_ids, [1, 2])
    poll("what NumPy takes", lambda: np.array_equal(selected_rows(tab.session), wanted))
