"""Panels on viser's own widgets, with a connection that records what would be sent and replays what a browser sends."""

import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.page import DARK, LIGHT
from gsseg_viewer.panels.edit import EditPanel
from gsseg_viewer.panels.elements import block, plain, size
from gsseg_viewer.panels.export import ExportPanel
from gsseg_viewer.panels.look import LookPanel, ThemePanel
from gsseg_viewer.panels.views import Latest, ViewsPanel, wiped
from PIL import Image


def test_without_a_scene_the_views_say_how_to_name_it(desk: Any):
    shown = [each.props.content for each in desk.connection.sent if type(each).__name__ == "GuiHtmlMessage"]
    assert any("gsseg view" in text and "SCENE" in text for text in shown)
    desk.panel(ViewsPanel).refresh()


def test_a_view_is_jumped_to_and_drawn(balls: Any, open_desk: Callable[..., Any]):
    desk = open_desk(balls.document(), balls.views())
    views = desk.panel(ViewsPanel)
    desk.send(views.view, "2: view_1")
    views.drawing.wait()
    assert desk.session.view == 1
    assert not views.image.visible
    assert "its photo is not there" in views.note.content
    desk.send(views.show, "splats")
    views.drawing.wait()
    assert views.image.visible
    assert views.image.image.shape == (300, 400, 3)
    whole = views.image.image
    desk.select(0)
    desk.send(desk.panel(EditPanel).showing, "hide")
    views.drawing.wait()
    assert (views.image.image != whole).any()
    desk.send(views.steps, "next ▶")
    assert desk.session.view == 2
    before = len(desk.told)
    for value in ("4: view_3", "view_1", "", "0"):
        desk.send(views.view, value)
        assert desk.session.view == 2
    assert len(desk.told) == before + 4


def test_export_tells_how_much_and_how_to_repeat_it(desk: Any):
    export = desk.panel(ExportPanel)
    assert "nothing is selected" in export.amount.content
    desk.send(export.splats)
    assert desk.told[-1][0] == "Not done"
    assert desk.downloads == []
    desk.select(1, 2)
    assert "1,400 Gaussians" in export.amount.content
    assert "--objects 1 2" in export.command.content.replace("&#45;", "-")
    desk.send(export.what, "all but the selection")
    assert "1,450 Gaussians" in export.amount.content
    desk.send(export.what, "../../etc/passwd")
    desk.send(export.splats)
    assert desk.told[-1][0] == "Not done"
    assert desk.downloads == []


def test_a_download_has_a_harmless_name(desk: Any):
    desk.select(0)
    desk.send(desk.panel(ExportPanel).splats)
    ((name, content),) = desk.downloads
    assert name == "blue_b_ball_b.ply"
    assert content.startswith(b"ply\n")


def test_a_picture_is_of_the_scene_and_not_of_the_selection(desk: Any):
    """On the page's background, in the scene's own colours, whatever is selected; hidden balls are not in it."""
    export = desk.panel(ExportPanel)
    desk.session.color_by("photo")
    pictures = []
    for ids in ((), (1,)):
        desk.select(*ids)
        desk.send(export.picture)
        pictures.append(np.asarray(Image.open(io.BytesIO(desk.downloads[-1][1])).convert("RGB")))
    assert desk.downloads[-1][0] == "view.png"
    assert pictures[0].shape == (300, 400, 3)
    assert np.array_equal(*pictures)
    assert tuple(pictures[0][0, 0]) == DARK
    red = pictures[0][..., 0].astype(int) - pictures[0][..., 1]
    assert (red > 40).sum() > 50, "the red ball"
    desk.send(desk.panel(EditPanel).showing, "hide")
    desk.send(desk.panel(ThemePanel).dark, False)
    desk.send(export.picture)
    light = np.asarray(Image.open(io.BytesIO(desk.downloads[-1][1])).convert("RGB")).astype(int)
    assert tuple(light[0, 0]) == LIGHT
    assert (light[..., 0] - light[..., 1] > 60).sum() == 0
    desk.resize(0, 0)
    desk.send(export.picture)
    assert desk.told[-1][0] == "Not done"


def test_a_large_screen_is_scaled_down(desk: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gsseg_viewer.picture.SIDE", 200)
    desk.send(desk.panel(ExportPanel).picture)
    assert Image.open(io.BytesIO(desk.downloads[-1][1])).size == (200, 150)


def test_changes_by_the_server_are_not_acted_on(desk: Any):
    look = desk.panel(LookPanel)
    desk.send(look.coloring, "object")
    desk.session.color_by("fine code")
    desk.settle()
    assert look.coloring.value == "fine code"
    assert desk.session.coloring == "fine code"


def test_nothing_is_sent_twice(desk: Any):
    desk.select(1)
    desk.connection.sent.clear()
    desk.session.refresh()
    desk.settle()
    assert desk.updates() == []


def test_only_the_newest_job_that_waits_is_done():
    latest, done, begun, go = Latest(), [], threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go.wait(20)
        done.append(0)

    latest.do(first)
    assert begun.wait(20)
    for number in range(1, 50):
        latest.do(lambda number=number: done.append(number))
    go.set()
    latest.wait()
    assert done == [0, 49]
    latest.do(lambda: done.append(50))
    latest.wait()
    assert done == [0, 49, 50]


def test_the_wipe_shows_both():
    left, right = np.full((2, 10, 3), 10, np.uint8), np.full((2, 10, 3), 20, np.uint8)
    assert (wiped(left, right, 0.5)[:, :4] == 10).all()
    assert (wiped(left, right, 0.5)[:, 6:] == 20).all()
    assert (wiped(left, right, 0.0)[:, 1:] == 20).all()
    assert (wiped(left, right, 7.0)[:, :9] == 10).all()


def test_small_texts():
    assert plain("a\nb\t c") == "a b c"
    assert len(plain("x" * 100)) == 28
    assert [size(n) for n in (1500, 34_567, 5_000_000, 68_000_000, 2_500_000_000)] == [
        "1.5 kB", "35 kB", "5.0 MB", "68 MB", "2.5 GB",
    ]  # fmt: skip
    assert block("a", "b").count("<br>") == 1
