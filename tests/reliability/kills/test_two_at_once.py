"""Two commands at one folder: one of them is told who is there, or both are right; and signals leave nothing."""

import os
import signal
import socket

import pytest
from gsseg_kills_jobs import FEW, hidden, snapshot

from gsseg.cli import main
from gsseg.run import Run


@pytest.fixture
def place(world, tmp_path):
    """A folder with a finished and compressed run, and an export of it."""
    return world.place("exported", tmp_path / "place")


@pytest.fixture
def train(world, place) -> list[str]:
    """The command that trains with other options into the finished run."""
    return ["train", "-s", str(world.scene), "-m", str(place / "run"), *FEW, "--seed", "1"]


@pytest.fixture
def export(place) -> list[str]:
    """The command that exports anew."""
    return ["export", "-m", str(place / "run"), "--out", str(place / "out"), "--quiet"]


@pytest.fixture
def compress(place) -> list[str]:
    """The command that compresses anew."""
    return ["compress", "-m", str(place / "run"), "--levels", "0", "--quiet"]


COMMANDS = {
    "train": "gsseg.pipeline.write_run",
    "compress": "gsseg.cli.compress.write_scene",
    "export": "gsseg.export.ply._write_whole",
}
"""Where each of them is held: it is about to write."""


def owner(process) -> str:
    return f"is being written to by another gsseg (process {process.process} on {socket.gethostname()})"


@pytest.fixture
def holding(server, tmp_path):
    """A function (command, args): the command as it waits where `COMMANDS` says."""
    signs = tmp_path / "signs"
    signs.mkdir()
    return lambda command, args: server.holding(COMMANDS[command], signs, *args)


@pytest.mark.parametrize(
    ("held", "second"),
    [("train", "train"), ("train", "compress"), ("compress", "compress"), ("compress", "train"), ("export", "export")],
)
def test_the_second_is_told_who_is_there(request, place, holding, capfd, held, second):
    before = snapshot(place)
    first, other = request.getfixturevalue(held), request.getfixturevalue(second)
    with holding(held, first) as process:
        assert main(other) == 2
        assert capfd.readouterr().err.count(owner(process)) == 1
        assert snapshot(place) == before
        ended = process.end()
        assert (ended.status, ended.err) == (0, "")
    assert snapshot(place) != before
    assert hidden(place) == []
    assert main(other) == 0


@pytest.mark.parametrize("held", COMMANDS)
def test_a_killed_holder_holds_nobody_up(request, place, holding, held):
    before = snapshot(place)
    command = request.getfixturevalue(held)
    with holding(held, command) as process:
        os.kill(process.process, signal.SIGKILL)
        assert process.end().status is None
    assert snapshot(place) == before
    assert hidden(place)
    assert main(command) == 0
    assert hidden(place) == []


def test_an_export_while_a_training_writes_is_of_the_earlier_run(place, holding, train, export, world, tmp_path):
    alone = world.place("exported", tmp_path / "alone")
    assert main(["export", "-m", str(alone / "run"), "--out", str(alone / "out"), "--quiet"]) == 0
    with holding("train", train) as process:
        assert main(export) == 0
        assert process.end().status == 0
    assert snapshot(place / "out") == snapshot(alone / "out")


def test_an_export_over_which_the_run_is_replaced_is_refused(place, holding, train, export):
    before = snapshot(place / "out")
    with holding("export", export) as process:
        assert main(train) == 0
        ended = process.end()
        assert ended.status == 2
    assert (
        ended.err
        == f"gsseg: error: {place / 'run'}: has been changed by another program while it was read; do it again\n"
    )
    assert snapshot(place / "out") == before
    assert hidden(place) == []
    assert main(export) == 0


@pytest.mark.parametrize("held", COMMANDS)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_nothing(request, place, holding, held, number, status):
    before = snapshot(place)
    with holding(held, request.getfixturevalue(held)) as process:
        os.kill(process.process, number)
        ended = process.end(go_on=False)
        assert ended.status == status
    assert ended.err.count("\n") == (number == signal.SIGINT)
    assert snapshot(place) == before
    assert hidden(place) == []


def test_a_failing_training_touches_nothing_that_others_made_meanwhile(world, tmp_path, monkeypatch, capfd):
    """Beside the new RUN, whose folders it made itself, somebody puts a run and a file."""
    import gsseg.pipeline
    from gsseg.errors import InputError

    def fails(*args):
        assert world.train(tmp_path / "new" / "b") == 0
        (tmp_path / "new" / "precious.txt").write_text("precious")
        (tmp_path / "new" / "a" / "cache" / "mine.safetensors").write_text("mine")
        raise InputError("disk", "is full", "free it")

    with monkeypatch.context() as patch:
        real = gsseg.pipeline.write_run
        patch.setattr(
            gsseg.pipeline, "write_run", lambda *args: (patch.setattr(gsseg.pipeline, "write_run", real), fails())
        )
        assert world.train(tmp_path / "new" / "a") == 2
    assert Run.open(tmp_path / "new" / "b").objects
    assert (tmp_path / "new" / "precious.txt").read_text() == "precious"
    assert [path.name for path in (tmp_path / "new" / "a").rglob("*")] == ["cache", "mine.safetensors"]
