"""``gsseg batch``: two scenes from end to end, one of them broken."""

import json
from pathlib import Path

import pytest

from gsseg.cli import main


@pytest.fixture
def plan(two_things: Path, few_steps: list[str], tmp_path: Path) -> Path:
    """A list of a scene and of one that is not there."""
    text = f"""
    scenes: {{good: {{raw: "{two_things}"}}, gone: {{raw: nowhere}}}}
    train: -s {{raw}} -m {{run}} {" ".join(few_steps)}
    eval: -m {{run}} --gt {{raw}}/gt
    """
    (tmp_path / "list.yaml").write_text(text)
    return tmp_path / "list.yaml"


def test_one_scene_is_scored_and_the_other_named(plan, refusal, capfd):
    said = refusal("batch", plan)
    assert "list: 1 of 2 scenes failed, gone at train: nowhere: does not exist" in said
    folder = plan.with_suffix("")
    summary = json.loads((folder / "summary.json").read_text())
    assert 0 < summary["means"]["object_iou"]["mean"] <= 1
    assert summary["failed"] == ["gone"]
    assert (folder / "good" / "run" / "objects.json").is_file()
    stamp = (folder / "good" / "train.json").stat().st_mtime_ns
    assert main(["batch", str(plan), "--json"]) == 2
    out = capfd.readouterr().out
    assert json.loads(out.splitlines()[-1])["means"] == summary["means"]
    assert "mean of 1" in out
    assert (folder / "good" / "train.json").stat().st_mtime_ns == stamp


def test_options_that_are_wrong(plan, refusal):
    assert "--workers: is 0" in refusal("batch", plan, "--workers", 0)
    assert "--ray-address: is of --engine ray" in refusal("batch", plan, "--ray-address", "x:1")
    assert "does not exist" in refusal("batch", plan.with_name("none.yaml"))
    assert "would be its own folder" in refusal("batch", plan, "--out", plan)
