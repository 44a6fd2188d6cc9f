"""The recipes of published tables: what they write is a list, and every option in it exists."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from gsseg.batch import BatchPlan

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.skipif(sys.platform == "win32", reason="they are shell scripts")
@pytest.mark.parametrize(
    ("script", "given", "scenes", "labels"),
    [
        ("scannet10.sh", ["sc'ans", "out/x", "sam", "clip model"], 10,
         ["prepare", "splats", "masks", "train", "compress", "eval-instances", "eval-classes"]),
        ("lerf4.sh", ["lerf_ovs", "out/x", "clip model"], 4, ["prepare", "splats", "train", "compress", "eval"]),
    ],
)  # fmt: skip
def test_a_recipe_starts_a_batch_of_options_that_exist(tmp_path, script, given, scenes, labels):
    program = tmp_path / "bin" / "gsseg"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    ended = subprocess.run(
        ["sh", str(SCRIPTS / script), *given, "--retries", "3"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}, check=False,
    )  # fmt: skip
    file = tmp_path / "out" / "x.yaml"
    assert ended.stdout.splitlines() == ["batch", str(file), "--out", str(tmp_path / "out/x"), "--retries", "3"]
    plan = BatchPlan.read(file, tmp_path / "out" / "x")
    assert len(plan.scenes) == scenes
    name, steps = next(iter(plan.scenes.items()))
    assert [step.label for step in steps] == labels
    assert steps[0].words[2] == f"{tmp_path / given[0]}/{name}"
    for step in steps:
        assert import_module(f"gsseg.cli.{step.stage}").parse(list(step.words[1:])) is not None
    short = subprocess.run(["sh", str(SCRIPTS / script)], capture_output=True, text=True, check=False)
    assert (short.returncode, script in short.stderr) == (2, True)
