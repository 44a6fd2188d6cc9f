"""The process of a command: signals at any moment, streams that close, and nothing on stderr but one line."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gsseg.run import Run

PROGRAM = """
import os, signal, sys, threading, warnings, weakref
from gsseg.cli import main
from gsseg.cli.output import Stages

class Thing:
    pass

def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)

def send_in_a_callback(number):
    thing = Thing()
    reference = weakref.ref(thing, lambda _: (send(number), sum(range(1000))))
    del thing
    threading.Event().wait(5)  # the signal comes again once the callback is left

report = Stages.__call__

def __call__(self, name, done, total):
    report(self, name, done, total)
    if name == STAGE:
        DO

Stages.__call__ = __call__
if IMPORTED:
    import importlib
    sys.modules["gsseg.cli.main"].import_module = lambda name: (exec(IMPORTED), importlib.import_module(name))[1]
sys.exit(main())
"""
"""gsseg, with something that happens at a stage."""


@pytest.fixture
def gsseg() -> Callable[..., subprocess.CompletedProcess]:
    """A function (*args, stage, do, importing) that runs gsseg in a process of its own.

    There ``do`` happens at a ``stage``, and ``importing`` before the command is imported.
    """

    def run(*args: object, stage: str = "", do: str = "pass", importing: str = "", **options):
        program = PROGRAM.replace("STAGE", repr(stage)).replace("DO", do).replace("IMPORTED", repr(importing))
        command = [sys.executable, "-c", program, *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, **options)

    return run


@pytest.fixture
def train(two_things: Path, few_steps: list[str], tmp_path: Path) -> list[str]:
    """The command line that makes tmp_path/run."""
    return ["train", "-s", str(two_things), "-m", str(tmp_path / "run"), *few_steps]


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_interrupts_are_one_line(gsseg, train):
    done = gsseg(*train, stage="codebook", do="send(signal.SIGINT, signal.SIGINT, signal.SIGINT)")
    assert done.returncode == 130
    assert done.stderr == f"gsseg: interrupted; go on with: gsseg {shlex.join(train)} --resume\n"


@pytest.mark.parametrize("stage", ["read", "write"])
def test_termination_is_quiet_and_leaves_what_an_interrupt_leaves(gsseg, train, tmp_path, stage):
    run, left = tmp_path / "run", []
    for number, status in (("SIGINT", 130), ("SIGTERM", 143)):
        done = gsseg(*train, stage=stage, do=f"send(signal.{number})")
        assert done.returncode == status
        assert bool(done.stderr) == (number == "SIGINT")
        left.append(files_of(run))
        if run.exists():
            run.rename(tmp_path / f"run_{number}")
    assert left[0] == left[1]
    assert not any(name.endswith(".part") for name in left[1])


@pytest.mark.parametrize(("number", "status", "says"), [("SIGINT", 130, "gsseg: interrupted\n"), ("SIGTERM", 143, "")])
def test_while_a_command_is_imported(gsseg, train, number, status, says):
    """There the process just ends: where an interrupted import of numpy leaves it half done, torch goes on without."""
    program = f"import os, signal\nos.kill(os.getpid(), signal.{number})\nimport torch"
    done = gsseg("train", "--help", importing=program)
    assert (done.returncode, done.stderr) == (status, says)


def test_what_was_terminated_goes_on(gsseg, train, tmp_path):
    assert gsseg(*train, stage="codebook", do="send(signal.SIGTERM)").returncode == 143
    assert gsseg(*train, "--resume").returncode == 0
    assert len(Run.open(tmp_path / "run").objects) >= 2


@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_python_would_drop_is_heard(gsseg, train, number, status):
    done = gsseg(*train, stage="features", do=f"send_in_a_callback(signal.{number})")
    assert done.returncode == status
    assert done.stderr.count("\n") == (number == "SIGINT")
    assert "Traceback" not in done.stderr


def test_an_error_that_a_signal_became_is_the_signal(gsseg, train):
    do = "try:\n            send(signal.SIGTERM)\n        except BaseException as error:\n"
    do += "            raise ImportError('a library translates what is raised inside it') from error"
    done = gsseg(*train, stage="features", do=do)
    assert (done.returncode, done.stderr) == (143, "")


def test_a_signal_that_is_ignored_stays_ignored(gsseg, train):
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    done = gsseg(*train, stage="features", do="send(signal.SIGINT)", **ignore)
    assert (done.returncode, done.stderr) == (0, "")


def test_warnings_of_libraries_are_not_shown(gsseg, train):
    do = "warnings.warn('look out'); import logging; logging.getLogger('library').warning('look out')"
    assert gsseg(*train, stage="features", do=do).stderr == ""


def in_shell(line: str, **options) -> subprocess.CompletedProcess:
    line = line.replace("gsseg ", f"{shlex.quote(sys.executable)} -m gsseg ")
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, **options)


needs_bash = pytest.mark.skipif(os.name != "posix", reason="needs bash")


@needs_bash
def test_a_reader_that_leaves_undoes_nothing(train, tmp_path):
    done = in_shell(f"gsseg {shlex.join(train)} --json | head -1; echo ${{PIPESTATUS[0]}}")
    assert done.stdout.splitlines()[1:] == ["0"]
    assert done.stderr == ""
    assert len(Run.open(tmp_path / "run").objects) >= 2
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["counts"]["objects"] >= 2


@needs_bash
@pytest.mark.parametrize("words", ["--version", "info SPLATS"])
def test_a_standard_output_that_was_never_there(two_things, words):
    words = words.replace("SPLATS", shlex.quote(str(two_things / "splats.ply")))
    closed = in_shell(f"gsseg {words} >&- 2>&- <&-; echo $?")
    assert (closed.stdout, closed.stderr) == ("0\n", "")


@needs_bash
@pytest.mark.parametrize("words", ["--help", "train --help"])
def test_help_that_nobody_reads(words):
    gone = in_shell(f"gsseg {words} | true; echo ${{PIPESTATUS[0]}}")
    assert (gone.stdout, gone.stderr) == ("0\n", "")


@needs_bash
def test_a_closed_standard_output_is_no_file_to_write_to(train, tmp_path):
    assert in_shell(f"gsseg {shlex.join(train)} --json >&-; echo $?").stdout == "0\n"
    assert len(Run.open(tmp_path / "run").objects) >= 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_below_standard_output(two_things):
    done = in_shell(f"gsseg info {shlex.quote(str(two_things / 'splats.ply'))} > /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("gsseg: error: standard output: cannot be written (No space left on device); ")
    assert done.stderr.count("\n") == 1


@needs_bash
def test_names_that_no_terminal_shows(tmp_path):
    strange = os.fsencode(tmp_path) + b"/\xff"
    done = in_shell(f"gsseg info $'{os.fsdecode(strange).replace(chr(0xDCFF), chr(92) + 'xff')}'")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
