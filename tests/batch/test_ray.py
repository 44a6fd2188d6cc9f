"""A batch on a local Ray of two workers of which one is killed."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (the extra 'ray')")
@pytest.mark.skipif(sys.platform != "linux", reason="commands end with their worker on Linux alone")
def test_a_killed_worker_costs_one_try_of_one_step(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "tests.batch.ray_killed", str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
        timeout=240, check=False, env={**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = json.loads(ended.stdout.splitlines()[-1])
    assert said["tries"] == {"good": 1, "killed": 2, "other": 1}
    assert said["failed"] == []
    assert said["means"] == {"score": {"mean": 1.0, "scenes": 3}}
    assert any("the worker that ran it died" in each for each in said["told"])
    assert not said["orphan"]
