"""Proves the GPU path on a bare card in one call and writes what it found as one JSON.

    python scripts/gpu_proof.py OUT.json

Needs Linux, one NVIDIA GPU, Python 3.10 to 3.12 with its headers, nvcc of torch's CUDA, a C++ compiler, ninja, pytest,
and what pyproject.toml names (gsplat 1.5.3 as its pure wheel: its kernels are compiled here, for this card alone); no
network. Written against torch 2.13 and numpy 2.4; it asks nothing of them that torch 2.4 and numpy 1.26 lack, but
has not been run with others. Every check runs in a process of its own, so that one that fails, or takes the card down
with it, leaves the others running; after each the file is written anew. What no time is left for is marked so. Ends
with status 1 where a check failed.

``--small`` tries the checks themselves on any machine: a few hundred Gaussians on the emulated device of the tests.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "viewer"), str(ROOT / "scripts")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from gpu_bench import Bench, Failed  # noqa: E402
from gpu_checks import CHECKS  # noqa: E402

from gsseg.render.gsplat_kernels import gsplat_problem  # noqa: E402
from gsseg.threads import one_torch_thread  # noqa: E402

MINUTES = 9.5
"""In all; a bare card is lent for ten."""


def main() -> int:
    """Runs all checks, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the JSON to write")
    parser.add_argument("--small", action="store_true", help="try the checks on the emulated device")
    parser.add_argument("--only", choices=list(CHECKS), help="one check, in this process")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="time for everything")
    given = parser.parse_args()
    if given.only is not None:
        _run(given.only, given.small, given.out)
        return 0
    ends = time.monotonic() + 60.0 * given.minutes
    found: dict[str, Any] = {"machine": _machine(), "small": given.small, "checks": {}}
    checks = found["checks"]
    jobs = {"kernels are built": lambda: _built(given.small)}
    # No card can be taken down in the small mode, and a process for each would be most of its time.
    one = _here if given.small else _apart
    jobs |= {name: lambda name=name: one(name, given.small, ends) for name in CHECKS}
    if not given.small:
        jobs["tests on this card"] = lambda: _tests(ends)
        jobs["compute-sanitizer on a toy"] = lambda: _sanitized(ends)
    for name, job in jobs.items():
        started = time.monotonic()
        checks[name] = {"passed": None, "reason": "no time was left"} if started > ends - 5 else job()
        checks[name]["seconds_of_check"] = time.monotonic() - started
        given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
        print(f"{ {True: 'passed', False: 'FAILED', None: 'left out'}[checks[name]['passed']]:8}  {name}"
              f"  {checks[name]['seconds_of_check']:.1f} s  {checks[name].get('reason', '')}", flush=True)  # fmt: skip
    return int(any(each["passed"] is False for each in checks.values()))


def _run(name: str, small: bool, out: Path) -> None:
    """One check in this process: writes what it measured, and whether it passed."""

    def write(result: dict[str, Any]) -> None:
        out.write_text(json.dumps(result), encoding="utf-8")

    known: dict[str, Any] = {}

    def so_far(measured: dict[str, Any]) -> None:
        known["measured"] = measured
        write({"passed": False, "reason": "it did not end before time was up", **known})

    with ExitStack() as entered:
        try:
            on = entered.enter_context(_emulated()) if small else torch.device("cuda")
            entered.enter_context(one_torch_thread())
            write({"passed": True, "measured": CHECKS[name](Bench(on, small, so_far))})
        except Failed as failed:
            write({"passed": False, "reason": str(failed), **known})
        except Exception as error:  # whatever it is, the other checks have to run
            trace = traceback.format_exc()
            write({"passed": False, "reason": f"{type(error).__name__}: {error}", "trace": trace, **known})


@contextmanager
def _emulated():
    """The tests' device and stand-ins for gsplat's kernels; splats are learnt on the processor, by the GPU's code."""
    import pytest

    from gsseg.splats import on_gpu
    from tests.emulated_device import DEVICE, EmulatedDevice
    from tests.gsplat_stand_in import gsplat_stood_in
    from tests.splats.gsplat_stand_in import stand_in

    with gsplat_stood_in(), EmulatedDevice(), pytest.MonkeyPatch.context() as patch:
        stand_in(patch)
        patch.setattr(on_gpu, "GpuLearner", partial(on_gpu.GpuLearner, device="cpu"))
        yield DEVICE


def _built(small: bool) -> dict[str, Any]:
    """gsplat's kernels, compiled here if they have to be, for this card alone."""
    if small:
        return {"passed": None, "reason": "the stand-in has none"}
    if torch.cuda.is_available():
        major, minor = torch.cuda.get_device_capability()
        os.environ.setdefault("TORCH_CUDA_ARCH_LIST", f"{major}.{minor}")
        os.environ.setdefault("MAX_JOBS", str(os.cpu_count()))
    started = time.monotonic()
    problem = gsplat_problem()
    if problem is not None:
        return {"passed": False, "reason": f"{problem.what}; {problem.remedy}"}
    return {"passed": True, "measured": {"seconds": time.monotonic() - started}}


def _here(name: str, small: bool, ends: float) -> dict[str, Any]:
    """The check in this process."""
    with tempfile.TemporaryDirectory() as folder:
        _run(name, small, Path(folder) / "check.json")
        return json.loads((Path(folder) / "check.json").read_text(encoding="utf-8"))


def _apart(name: str, small: bool, ends: float) -> dict[str, Any]:
    """The check in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "check.json"
        command = [sys.executable, __file__, str(out), "--only", name, *(["--small"] if small else [])]
        said = _call(command, ends)
        if out.is_file():
            return json.loads(out.read_text(encoding="utf-8"))
        return said if said["passed"] is False else {**said, "passed": False, "reason": "it ended without a result"}


def _tests(ends: float) -> dict[str, Any]:
    """The tests of the renderers, which take the card where there is one."""
    return _call([sys.executable, "-m", "pytest", "-q", "-x", "tests/gpu", "tests/render/test_weights.py"], ends)


def _sanitized(ends: float) -> dict[str, Any]:
    """Races and stray memory in a toy, where the toolkit has its checker."""
    tool = shutil.which("compute-sanitizer")
    if tool is None:
        return {"passed": None, "reason": "there is no compute-sanitizer"}
    toy = [sys.executable, "-m", "pytest", "-q", "-x", "tests/gpu", "-k", "plain"]
    return _call([tool, "--error-exitcode", "3", *toy], ends)


def _call(command: list[str], ends: float) -> dict[str, Any]:
    """Whether the command ends well before time is up, and the end of what it said."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "viewer"), os.environ.get("PYTHONPATH", "")])
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True,
            timeout=max(1.0, ends - time.monotonic()), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"passed": False, "reason": "it did not end before time was up"}
    except OSError as error:
        return {"passed": False, "reason": str(error)}
    said = (done.stdout + done.stderr)[-2000:]
    return {"passed": done.returncode == 0, "said": said, **({} if done.returncode == 0 else {"reason": said[-300:]})}


def _machine() -> dict[str, Any]:
    """Versions and hardware that figures belong to."""
    about: dict[str, Any] = {
        "python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda,
        "numpy": np.__version__, "processors": os.cpu_count(), "gpu": None,
    }  # fmt: skip
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        about |= {"gpu": card.name, "gpu_mib": card.total_memory >> 20, "capability": [card.major, card.minor]}
    return about


if __name__ == "__main__":
    sys.exit(main())
