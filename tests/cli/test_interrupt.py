"""Interrupted at any stage, a run goes on with ``--resume`` and ends like one that was never interrupted."""

import os
import shlex
import sys

import numpy as np
import pytest

import gsseg.pipeline
from gsseg.cli import main
from gsseg.cli.output import Stages
from gsseg.errors import InputError
from gsseg.run import Run

STAGES = ("read", "weights", "features", "codebook", "objects", "write")


def interrupt_at(monkeypatch, stage, done_least=0):
    """From now on Ctrl-C comes at a stage's first report of at least so many steps done."""
    report = Stages.__call__

    def __call__(self, name, done, total):
        report(self, name, done, total)
        if name == stage and done >= done_least:
            raise KeyboardInterrupt

    monkeypatch.setattr(Stages, "__call__", __call__)


@pytest.fixture
def train(two_things, few_steps, tmp_path):
    """The command line that makes tmp_path/run."""
    return ["train", "-s", str(two_things), "-m", str(tmp_path / "run"), *few_steps]


@pytest.mark.parametrize("stage", STAGES)
def test_resume_ends_like_an_uninterrupted_run(train, finished_run, tmp_path, capsys, monkeypatch, stage):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, stage)
        assert main(train) == 130
    assert capsys.readouterr().err == f"gsseg: interrupted; go on with: gsseg {shlex.join(train)} --resume\n"
    assert not (run / "objects.json").exists()
    assert main([*train, "--resume", "--quiet"]) == 0
    for column in ("object_ids", "code_fine", "code_coarse", "features"):
        whole, resumed = getattr(Run.open(finished_run), column), getattr(Run.open(run), column)
        np.testing.assert_array_equal(np.asarray(resumed), np.asarray(whole))


def test_interrupts_in_the_middle_of_stages(train, finished_run, tmp_path, capsys, monkeypatch):
    for stage, done in (("weights", 3), ("features", 40), ("codebook", 7)):
        with monkeypatch.context() as patch:
            interrupt_at(patch, stage, done)
            assert main([*train, "--resume"]) == 130
        assert capsys.readouterr().err.count("--resume") == 1
    assert main([*train, "--resume", "--quiet"]) == 0
    np.testing.assert_array_equal(Run.open(tmp_path / "run").object_ids, Run.open(finished_run).object_ids)


def test_resume_does_not_repeat_finished_stages(train, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, "objects")
        assert main(train) == 130

    def refuse(*args):
        raise InputError("stage", "was computed again", "this is what the test asks")

    for name in ("gather_evidence", "fit_features", "train_codebook"):
        monkeypatch.setattr(gsseg.pipeline, name, refuse)
    assert main([*train, "--resume", "--quiet"]) == 0
    # Another seed is another run: nothing of it is there.
    assert main([*train, "--resume", "--quiet", "--seed", "1"]) == 2


def test_an_interrupt_elsewhere_is_one_line(finished_run, two_things, capsys, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "open", interrupt)
    assert main(["query", "-m", str(finished_run), "--point", "0", "0", "0"]) == 130
    assert capsys.readouterr() == ("", "gsseg: interrupted\n")


def test_a_bug_is_shown_with_its_traceback(two_things, tmp_path, monkeypatch):
    def bug(*args):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(gsseg.pipeline, "fit_features", bug)
    with pytest.raises(ZeroDivisionError):
        main(["train", "-s", str(two_things), "-m", str(tmp_path / "run"), "--quiet"])


def test_a_reader_that_has_gone_is_no_error(two_things, capfd):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", gone)
        assert main(["info", str(two_things / "splats.ply")]) == 0
    assert capfd.readouterr().err == ""
