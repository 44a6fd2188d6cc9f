"""What a person does from the first click to the file in hand, in a real browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gsseg_viewer.document import Document
from numpy.lib.recfunctions import repack_fields

from gsseg.export.ply import ADDED_COLUMNS
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run


def downloaded(tab: Any, button: str, folder: Path) -> Path:
    """The file that a button of the panel brings."""
    with tab.page.expect_download() as waited:
        tab.page.get_by_role("button", name=button, exact=True).click()
    path = folder / waited.value.suggested_filename
    waited.value.save_as(path)
    return path


def field(tab: Any, value: str) -> Any:
    """The text field that holds a value, or None; viser's labels do not belong to their fields."""
    fields = tab.page.locator("input[type=text]:visible, input:not([type]):visible").all()
    return next((each for each in fields if each.input_value() == value), None)


def rename(tab: Any, old: str, new: str, poll: Callable) -> None:
    """Types a name over the one in the panel, again where the panel was still changing, and presses Rename."""
    box = poll(f"the name {old!r} in a field", lambda: field(tab, old))
    panel = next(each for each in tab.session.panels if type(each).__name__ == "EditPanel")

    def typed() -> bool:
        if box.input_value() != new:
            box.fill(new)
        return panel.name.value == new

    poll("the new name on the server", typed)
    tab.page.get_by_role("button", name="Rename", exact=True).click()


def tab_of(tab: Any, name: str) -> None:
    tab.page.get_by_role("tab", name=name, exact=True).click()


def test_click_read_and_export(balls: Any, open_viewer: Callable, open_tab: Callable, tmp_path: Path, poll: Callable):
    """A click lights the object up, the panel tells what it is, and the PLY holds its rows as they are on disk."""
    tab = open_tab(open_viewer(balls.document(), balls.views()))
    before = tab.colour(balls.centres[1]).sum()
    tab.click(balls.centres[1])
    tab.wait_for_colour("the red ball lit", balls.centres[1], lambda colour: colour.sum() > before + 20)
    tab.wait_for_text("red ball")
    tab.wait_for_text("700 Gaussians in 2 codes")
    tab.wait_for_text("id 1")
    tab_of(tab, "Export")
    taken = read_splats(downloaded(tab, "Download splats", tmp_path))
    run = Run.open(balls.path)
    columns = [name for name in run.file.columns.dtype.names or () if name not in ADDED_COLUMNS]
    on_disk = repack_fields(run.file.columns[columns])[run.object_ids == 1]
    assert taken.path.name == "red_ball.ply"
    assert taken.columns.tobytes() == on_disk.tobytes()


def test_merge_save_and_start_again(balls: Any, open_viewer: Callable, open_tab: Callable, poll: Callable):
    """Two objects merged and renamed in the panel, undone and done again by keys, saved, and there after a restart."""
    viewer = open_viewer(balls.document(), balls.views())
    tab = open_tab(viewer)
    tab.click(balls.centres[2])
    tab.wait_for_text("green ball")
    tab.click(balls.centres[3], "Shift")
    tab.wait_for_text("2 objects")
    tab_of(tab, "Edit")
    tab.page.get_by_text("merge", exact=True).click()
    tab.wait_for_text("Merged 2 objects")
    poll("three objects", lambda: len(viewer.document.state.objects) == 3)
    tab.press("Control+z")
    poll("four objects again", lambda: len(viewer.document.state.objects) == 4)
    tab.press("Control+Shift+z")
    poll("three objects again", lambda: len(viewer.document.state.objects) == 3)
    rename(tab, "green ball", "traffic <i>lights</i>", poll)
    tab.wait_for_text("traffic <i>lights</i>")
    tab.press("Control+s")
    tab.wait_for_text("Saved")
    tab.close()

    again = Document.open(balls.path)
    assert sorted(info.name for info in again.state.objects.values()) == sorted(
        ["traffic <i>lights</i>", "blue <b>ball</b>", "red ball"]
    )
    merged = next(k for k, info in again.state.objects.items() if info.name.startswith("traffic"))
    assert again.state.gaussians(merged) == 1400
    assert np.unique(again.run.object_ids).tolist() == [-1, 0, 1, 2]
    assert (balls.path / "earlier" / "original" / "segmented.ply").is_file()
    fresh = open_tab(open_viewer(again, balls.views()))
    fresh.click(balls.centres[3])
    fresh.wait_for_text("1,400 Gaussians in 4 codes")
