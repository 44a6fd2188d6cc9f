"""The proof that a card is asked for: its own code, tried on the emulated device."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "gpu_proof.py"


@pytest.fixture(scope="module")
def proof(tmp_path_factory) -> dict:
    out = tmp_path_factory.mktemp("proof") / "proof.json"
    done = subprocess.run([sys.executable, str(SCRIPT), str(out), "--small"], capture_output=True, text=True, cwd=ROOT)
    found = json.loads(out.read_text())
    assert done.returncode == 0, done.stdout + done.stderr
    return found


def test_every_check_runs_and_passes(proof):
    checks = proof["checks"]
    assert len(checks) == 13
    assert {name for name, each in checks.items() if each["passed"] is not True} == {"kernels are built"}
    assert all(each["measured"] for name, each in checks.items() if name != "kernels are built")
    assert {"torch", "numpy", "python", "gpu"} <= set(proof["machine"])


def test_a_check_that_has_no_time_is_marked_and_the_file_is_there(tmp_path):
    out = tmp_path / "proof.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(out), "--small", "--minutes", "0"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert {each["reason"] for each in json.loads(out.read_text())["checks"].values()} == {"no time was left"}


def test_checks_run_apart_and_one_that_fails_leaves_the_others_running(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import gpu_bench
    import gpu_proof

    def wrong(bench):
        raise gpu_bench.Failed("it is wrong")

    def broken(bench):
        raise ZeroDivisionError("a bug")

    found = gpu_proof._apart("same bits twice", True, time.monotonic() + 60)
    assert found["passed"], found
    ended = gpu_proof._apart("same bits twice", True, time.monotonic() + 0.1)
    assert (ended["passed"], ended["reason"]) == (False, "it did not end before time was up")
    monkeypatch.setattr(gpu_proof, "CHECKS", {"wrong": wrong, "broken": broken})
    for name, reason in (("wrong", "it is wrong"), ("broken", "ZeroDivisionError: a bug")):
        gpu_proof._run(name, True, tmp_path / "check.json")
        found = json.loads((tmp_path / "check.json").read_text())
        assert (found["passed"], found["reason"]) == (False, reason)
