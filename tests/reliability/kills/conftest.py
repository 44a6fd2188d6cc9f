"""A small scene and runs of it to be interrupted, and how many points of each command are tried.

``GSSEG_KILL_POINTS`` is that number, or ``all``: what ``make kills`` sets.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"gsseg_kills_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


harness = _load("saboteur")
jobs = _load("jobs")
processes = _load("processes")
bad_reads = _load("bad_reads")
_load("reading")

FIGURES = pytest.StashKey[list[str]]()
FEW = 2
FEW_JOBS = (1, 6, 8, 11)
"""A training, a compression, an export and a saving, each over an earlier one."""


def _points() -> int:
    given = os.environ.get("GSSEG_KILL_POINTS", str(FEW))
    return sys.maxsize if given == "all" else int(given)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``some_job``: the number of each job where all points are asked for, else of a few of all sorts."""
    if "some_job" in metafunc.fixturenames:
        metafunc.parametrize("some_job", range(jobs.JOBS) if _points() == sys.maxsize else FEW_JOBS)


@pytest.fixture(scope="session")
def points() -> int:
    """How many operations of each command are made to fail."""
    return _points()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tells a line at the end of the session."""
    return request.config.stash.setdefault(FIGURES, []).append


@pytest.fixture(scope="session")
def saboteur() -> Iterator[object]:
    """One, as audit hooks stay for ever; idle outside its block."""
    made = harness.Saboteur()
    yield made
    made.folder = ""


@pytest.fixture(scope="module", autouse=True)
def frozen_clock() -> Iterator[None]:
    """Runs cost nothing while a file of these tests is at work: those of other folders are to see what theirs cost."""
    with pytest.MonkeyPatch.context() as patch:
        jobs.freeze_clock(patch)
        jobs.compute_once(patch)
        yield


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, make_small_scene: Callable[[Path], Path]) -> object:
    """The scene and the folders that jobs start from."""
    folder = tmp_path_factory.mktemp("kills")
    (folder / "templates").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        jobs.freeze_clock(patch)
        return jobs.make_world(folder / "templates", make_small_scene(folder / "scene"))


@pytest.fixture(scope="session")
def truth(world: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene again, with ground truth."""
    scene = Path(shutil.copytree(world.scene, tmp_path_factory.mktemp("truth") / "scene"))
    (scene / "gt" / "ids").mkdir(parents=True)
    np.save(scene / "gt" / "gaussian_instance.npy", np.arange(40, dtype=np.int32) % 2)
    ids = np.repeat([[1] * 16 + [2] * 16], 24, axis=0)
    Image.fromarray(ids.astype(np.uint8)).save(scene / "gt" / "ids" / "view_3.png")
    (scene / "gt" / "test_views.json").write_text('["view_3"]')
    (scene / "gt" / "names.json").write_text('{"0": "chair"}')
    return scene


@pytest.fixture(scope="session")
def bad_disk() -> object:
    """One, as audit hooks stay for ever; idle outside its block."""
    return bad_reads.BadDisk()


@pytest.fixture(scope="session")
def server() -> Iterator[object]:
    """Runs jobs in processes of their own, which may be killed."""
    with processes.Server() as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of docs/reliability.md."""
    for line in terminalreporter.config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)
