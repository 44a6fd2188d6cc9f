"""What people meet at the edges: one Gaussian, things of no object, damaged photos, odd paths and long names."""

import shlex
import threading
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.camera import Surroundings, typical_reach
from gsseg_viewer.document import Document
from gsseg_viewer.edits import move, rename
from gsseg_viewer.exporting import export_command
from gsseg_viewer.messages import Messages
from gsseg_viewer.mouse import click
from gsseg_viewer.moving import frame_selection
from gsseg_viewer.panels.edit import EditPanel
from gsseg_viewer.panels.elements import code, plain
from gsseg_viewer.panels.export import ExportPanel
from gsseg_viewer.panels.objects import BUTTON, Entry
from gsseg_viewer.panels.views import ViewsPanel
from gsseg_viewer.saving import save
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import ObjectState, State
from gsseg_viewer_test_stage import FRONT

from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.run import Run
from gsseg.scene import View


def only(balls: Any, row: int, folder: Path) -> Document:
    """A file that holds one Gaussian of the balls."""
    write_splats(folder / "one.ply", Run.open(balls.path).file.columns[row : row + 1])
    return Document.open(folder / "one.ply")


def test_one_gaussian_is_seen_from_outside_itself(balls: Any, open_desk: Callable[..., Any], tmp_path: Path):
    """At the start, and when it is framed: the camera stands some of its standard deviations (0.04) away."""
    document = only(balls, 0, tmp_path)
    around = Surroundings.of(document.gaussians, [])
    assert 0.1 < np.linalg.norm(around.start.position - document.gaussians.means.numpy()[0]) < 1
    assert 0.01 < around.size < 1
    desk = open_desk(document)
    desk.select(0)
    frame_selection(desk.session)
    (pose,) = desk.poses
    assert 0.04 < np.linalg.norm(pose.position - pose.look_at) < around.size


def test_the_reach_of_huge_gaussians_is_bounded(balls: Any):
    gaussians = balls.document().gaussians
    huge = replace(gaussians, log_scales=gaussians.log_scales + 500)
    assert typical_reach(huge, np.arange(3), 7.0) == pytest.approx(0.7)
    assert typical_reach(gaussians, np.arange(3), 7.0) == pytest.approx(0.08, rel=1e-4)


@pytest.mark.parametrize("ray", [None, "up", [], [1.0, 2.0], 10**18, {"x": 1}, [np.nan] * 3, [0.0] * 3])
def test_what_is_no_ray_is_one_message(desk: Any, ray: Any, caplog: pytest.LogCaptureFixture):
    desk.session.enqueue(lambda: click(desk.session, FRONT, ray))
    desk.settle()
    assert desk.told == [("Not done", "The browser sent no ray with that click")]
    assert caplog.records == []


def test_a_slow_button_that_fails_unforeseen_says_so(desk: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any):
    def fail(*_: object) -> bytes:
        raise MemoryError("too much")

    monkeypatch.setattr("gsseg_viewer.downloads.splats_bytes", fail)
    desk.select(0)
    desk.send(desk.panel(ExportPanel).splats)
    assert desk.told == [("That failed", "MemoryError: too much")]
    assert "Traceback" not in capfd.readouterr().err


def test_a_damaged_photo_takes_the_last_picture_away(balls: Any, open_desk: Callable[..., Any], tmp_path: Path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff no photo")
    first, second, _ = balls.views()
    desk = open_desk(balls.document(), [first, View("bad", second.camera, photo=tmp_path / "bad.jpg")])
    views = desk.panel(ViewsPanel)
    desk.send(views.show, "splats")
    views.drawing.wait()
    desk.session.view = 0
    views.refresh()
    views.drawing.wait()
    assert views.image.visible
    desk.send(views.show, "photo")
    views.drawing.wait()
    desk.session.view = 1
    views.refresh()
    views.drawing.wait()
    assert not views.image.visible
    assert "bad: its photo cannot be read" in views.note.content
    assert desk.told[-1][0] == "That failed"
    assert "bad.jpg" in desk.told[-1][1]


def test_pictures_follow_what_is_drawn_and_not_names_or_ids(balls: Any, open_desk: Callable[..., Any]):
    """Two views of one name are two pictures; and what is hidden under the same ids may be something else."""
    front, side, _ = balls.views()
    desk = open_desk(balls.document(), [front, View(front.name, side.camera)])
    views, edit, document = desk.panel(ViewsPanel), desk.panel(EditPanel), desk.session.document
    assert (views._splats(0) != views._splats(1)).any()
    desk.select(0)
    desk.send(edit.showing, "hide")
    before = views._splats(0)
    document.undo()
    piece = int(document.state.pieces_of([0])[0])
    document.apply("moved", lambda state: move(state, [piece], 1))
    desk.select(0)
    desk.send(edit.showing, "hide")
    assert document.state.hidden_objects == {0}
    assert (views._splats(0) != before).any()


def test_a_name_never_pushes_the_buttons_out_of_the_panel():
    """Chinese letters are twice as wide as Latin ones."""
    for name in ("wall", "x" * 80, "茶" * 80, "object 5", "a b " * 20):
        for hidden in (False, True):
            label = Entry(12345, name, 1, hidden).label
            assert sum(2 if letter == "茶" else 1 for letter in label) <= BUTTON + 2
    assert plain("茶" * 14) == "茶" * 14
    assert plain("茶" * 15) == "茶" * 13 + "…"
    assert plain("") == ""


def test_the_command_holds_the_path_letter_by_letter(balls: Any, monkeypatch: pytest.MonkeyPatch):
    """From any folder, and with every space of it: html would make one of two."""
    odd = balls.path.with_name("my  run's <b>")
    balls.path.rename(odd)
    monkeypatch.chdir(odd.parent)
    document = Document.open(odd.name)
    command = export_command(document, document.state, PieceSelection(), "everything shown")
    assert command is not None
    assert shlex.split(command)[:4] == ["gsseg", "export", "-m", str(odd)]
    shown = code(command)
    assert "pre-wrap" in shown
    assert unescape(shown.split(">", 1)[1].removesuffix("</code>")) == command


def test_messages_of_paths_that_are_no_text_can_be_sent():
    sent: list[str] = []
    client: Any = SimpleNamespace(add_notification=lambda title, body, **_: sent.extend((title, body)))
    Messages(client).tell("Saved", "/caf\udce9/run")
    assert "".join(sent).encode() == b"Saved/caf?/run"


def test_sizes_are_counted_once_for_a_state(monkeypatch: pytest.MonkeyPatch):
    """The legend and the list ask for each object, of which there may be thousands; an edited state counts anew."""
    labels = 10_000
    info = ObjectState("thing", (1, 2, 3), 1, 1.0)
    owner = (np.arange(labels) % 21 - 1).astype(np.int32)
    state = State.shown(owner, np.arange(labels), dict.fromkeys(range(20), info))
    counted: list[int] = []
    count = State._by_owner
    monkeypatch.setattr(State, "_by_owner", lambda self, pieces: counted.append(1) or count(self, pieces))
    found = [state.gaussians(each) for _ in range(200) for each in range(20)]
    assert len(counted) == 1
    assert found[:20] == [int(state.sizes[owner == each].sum()) for each in range(20)]
    assert state.gaussians(20) == 0
    assert replace(state, owner=np.zeros(labels, np.int32)).gaussians(0) == state.sizes.sum()


def test_of_two_servers_that_save_at_once_the_later_is_refused(balls: Any):
    """Neither says saved and is overwritten: what is on disk is the edit of the one that could save."""
    for number in range(4):
        documents = [Document.open(balls.path) for _ in range(2)]
        for at, document in enumerate(documents):
            name = f"{number} by {at}"
            document.apply("", lambda state, name=name: rename(state, 0, name))
        together, outcome = threading.Barrier(2), dict[int, str]()

        def work(at: int, document: Document, together=together, outcome=outcome) -> None:
            together.wait()
            try:
                save(document)
                outcome[at] = "saved"
            except InputError as error:
                outcome[at] = error.problem

        threads = [threading.Thread(target=work, args=each) for each in enumerate(documents)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcome.values()) == [
            "has been changed by another program since it was opened or saved here",
            "saved",
        ]
        winner = next(at for at, what in outcome.items() if what == "saved")
        assert Document.open(balls.path).state.objects[0].name == f"{number} by {winner}"
