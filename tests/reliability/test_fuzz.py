"""A share of the fuzzer's cases, and proof that it would notice; ``make fuzz CASES=20000`` runs the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Both start processes by fork, which a process that has threads, as that of the tests has, must not do.


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.skipif(sys.platform != "linux", reason="memory and processor time are bounded as Linux does it")
def test_damaged_inputs_are_read_or_refused_in_one_line():
    ended = python("tests.reliability.fuzz", "--cases", "300", "--seed", "0")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "300 cases, 0 kinds of findings" in ended.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="as above")
def test_whatever_a_reader_must_not_do_is_found():
    ended = python("tests.reliability.fuzz_faults")
    assert ended.returncode == 0, ended.stderr
    said = dict(line.split(": ", 1) for line in ended.stdout.splitlines())
    assert said.pop("nothing").startswith("accepted")
    assert said.pop("a refusal") == "refused: file: is wrong"
    assert len(said) == 9
    assert {name: line for name, line in said.items() if not line.startswith("finding: ")} == {}
    assert "processor time" in said["too much time"]
    assert "hangs" in said["a wait without end"]
    assert "SIGABRT" in said["a crash"]
    assert "MemoryError" in said["too much memory"]
