"""What was edited after a training is not lost to another: it refuses, or leaves a finished run as it is."""

from pathlib import Path

import numpy as np
import pytest
from gsseg_viewer.document import Document
from gsseg_viewer.edits import hide, rename
from gsseg_viewer.saving import save

import gsseg
from gsseg.cli import main
from gsseg.cli.run_folder import FINISHED
from gsseg.errors import InputError
from gsseg.features.fit import FeatureConfig
from gsseg.files import together
from gsseg.run import Run, RunLayout


@pytest.fixture
def edited(run: Path) -> Path:
    """A run of `two_things` with a scene.gsseg, in which an object was renamed and another is hidden."""
    assert main(["compress", "-m", str(run), "--quiet"]) == 0
    _edit(run)
    return run


@pytest.fixture
def train(two_things, few_steps):
    """A function (run, *options) that trains into a folder and returns the status."""
    return lambda run, *options: main(["train", "-s", str(two_things), "-m", str(run), *few_steps, *options])


def _edit(run: Path) -> None:
    document = Document.open(run)
    document.apply("", lambda state: hide(rename(state, 0, "mine"), state.pieces_of([1])))
    save(document)


def contents(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_a_finished_run_is_left_as_it_is(edited, train, capfd):
    before = contents(edited)
    assert train(edited, "--resume") == 0
    out, err = capfd.readouterr()
    assert FINISHED in out.splitlines()
    assert err == ""
    assert contents(edited) == before
    run = Run.open(edited)
    assert np.array_equal(run.marks.hidden, run.object_ids == 1)


@pytest.mark.parametrize("options", [[], ["--seed", "1"], ["--resume", "--seed", "1"]], ids=" ".join)
def test_edits_are_not_discarded_unasked(edited, train, capfd, options):
    before = contents(edited)
    assert train(edited, *options) == 2
    assert capfd.readouterr().err == (
        f"gsseg: error: {edited}: has been changed since it was trained (gsseg view, name or update), "
        "and training would discard that; "
        "name another folder, or add --discard-edits\n"
    )
    assert contents(edited) == before


@pytest.mark.parametrize("options", [[], ["--resume"], ["--seed", "1"]], ids=" ".join)
def test_they_are_where_that_is_asked(edited, train, options):
    assert train(edited, "--discard-edits", *options) == 0
    assert not RunLayout(edited).edited
    assert "mine" not in {row.name for row in Run.open(edited).objects}
    assert {path.name for path in RunLayout(edited).later if path.exists()} == set()


def test_resume_over_another_finished_run_trains_anew(run, train):
    before = (run / "codebook.safetensors").read_bytes()
    assert train(run, "--resume", "--seed", "1") == 0
    assert (run / "codebook.safetensors").read_bytes() != before


def test_a_saving_that_was_interrupted_counts(run, train, monkeypatch):
    """The viewer died when its files were complete and none of them had been moved."""

    finish, calls = together.finish, []

    def dies(folder):
        calls.append(folder)
        if len(calls) == 2:  # the first was before it began
            raise SystemExit
        finish(folder)

    with monkeypatch.context() as patch:
        patch.setattr(together, "finish", dies)
        with pytest.raises(SystemExit):
            _edit(run)
    assert not RunLayout(run).edited
    assert train(run) == 2
    assert Run.open(run).objects[0].name == "mine"


def test_the_library_asks_too(edited, two_things):
    scene, config, before = (
        gsseg.load_scene(two_things),
        gsseg.TrainConfig(features=FeatureConfig(steps=3)),
        contents(edited),
    )
    with pytest.raises(InputError, match="training would discard that"):
        gsseg.train(scene, config, edited)
    assert contents(edited) == before
    gsseg.train(scene, config, edited, discard_edits=True)
    assert not RunLayout(edited).edited


def test_demo_refuses_too(tmp_path, edited, capfd):
    out = tmp_path / "demo"
    out.mkdir()
    edited.rename(out / "run")
    assert main(["demo", "--out", str(out)]) == 2
    assert "--discard-edits" in capfd.readouterr().err
    assert not (out / "scene").exists()
