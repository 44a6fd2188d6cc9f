"""Folders whose names are no UTF-8: every command works there, and what it writes can be read again."""

import json
import os
import shutil
from pathlib import Path

import pytest
from gsseg_kills_jobs import FEW, World

ODD = os.fsdecode(b"Stra\xdfe \xff")


@pytest.fixture
def scene(world: World, tmp_path: Path) -> Path:
    """The small scene in a folder of such a name."""
    try:
        return Path(shutil.copytree(world.scene, tmp_path / ODD / "scene"))
    except (OSError, UnicodeError) as error:
        pytest.skip(f"this file system has no such names ({error})")


def test_every_command(scene, server, tmp_path):
    run, out = tmp_path / ODD / "run", tmp_path / ODD / "out"

    def done(*args: object) -> dict:
        ended = server.command(*args, "--json")
        assert (ended.status, ended.err) == (0, ""), ended
        return json.loads(ended.out.splitlines()[-1])

    few = [each for each in FEW if each != "--quiet"]
    assert done("train", "-s", scene, "-m", run, *few)["run"] == str(run)
    assert done("train", "-s", scene, "-m", run, *few, "--resume")["run"] == str(run)
    assert done("info", run)["run"] == str(run)
    assert done("info", scene)
    assert done("compress", "-m", run)["file"] == str(run / "scene.gsseg")
    assert done("info", run / "scene.gsseg")
    assert done("export", "-m", run, "--out", out)["out"] == str(out)
    assert done("export", "-m", run, "--out", out)["out"] == str(out)
    done("query", "-m", run, "--point", "0", "0", "0")
    done("query", "-m", run, "--view", "view_0", "--pixel", "16", "12")
    assert "report.html" in os.listdir(run)


def test_errors_are_one_line(scene, server, tmp_path):
    for args in (
        ["train", "-s", tmp_path / ODD / "none", "-m", tmp_path / "run"],
        ["train", "-s", scene, "-m", scene],
        ["info", tmp_path / ODD / "none.ply"],
        ["export", "-m", scene, "--out", tmp_path / ODD / "out"],
        ["compress", "-m", scene],
    ):
        ended = server.command(*args)
        assert ended.status == 2
        assert ended.err.startswith("gsseg: error: ")
        assert ended.err.count("\n") == 1
