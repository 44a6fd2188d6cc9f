"""Compiled code is kept where that is possible; no disk that refuses it, and no damaged file, ends a command."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gsseg

PROGRAM = """
import numpy as np, sys
from gsseg.clustering.means import code_means
from gsseg.cli import main
means = code_means(np.array([[1.0], [3.0]]), np.array([0, 0]), 1)
assert means[0].tolist() == [[2.0]] or means.tolist() == [[2.0]]
sys.exit(main(["info", sys.argv[1]]))
"""


@pytest.fixture
def run(tmp_path: Path, make_small_scene: Callable[[Path], Path]) -> Callable[..., None]:
    """A function (cache, limit) that computes and runs a command in an installation that nothing can be kept in.

    ``cache``: the folder for compiled code; None: there is none, nor a home. ``limit``: bytes that files may grow to.
    """
    scene = make_small_scene(tmp_path / "scene")
    leave_out = shutil.ignore_patterns("__pycache__")
    copy = Path(shutil.copytree(Path(gsseg.__file__).parent, tmp_path / "installed" / "gsseg", ignore=leave_out))
    for folder in [copy, *(path for path in copy.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").write_text("")  # where the folder of caches would be
    nowhere = str(tmp_path / "scene" / "splats.ply" / "none")

    def run(cache: Path | None, limit: int = resource.RLIM_INFINITY) -> None:
        environment = {**os.environ, "PYTHONPATH": str(copy.parent), "HOME": nowhere, "XDG_CACHE_HOME": nowhere}
        environment["NUMBA_CACHE_DIR"] = nowhere if cache is None else str(cache)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(scene)], env=environment, cwd=tmp_path, capture_output=True, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "40" in done.stdout

    return run


def test_nowhere_to_keep_it(run):
    run(None)


def test_a_disk_that_is_full(run, tmp_path):
    run(tmp_path / "cache", limit=0)
    assert not [path for path in (tmp_path / "cache").rglob("*.nbi") if path.stat().st_size]


def test_it_is_kept_and_damage_is_mended(run, tmp_path):
    run(tmp_path / "cache")
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.suffix in (".nbi", ".nbc")]
    assert {path.suffix for path in kept} == {".nbi", ".nbc"}
    for length in (0, 100):
        for path in kept:
            path.write_bytes(path.read_bytes()[:length])
        run(tmp_path / "cache")
