"""Four balls to look at and click on, a fake browser for what needs no pixels, and a real one for what does."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def _load(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


harness = _load("gsseg_viewer_test_browser", Path(__file__).with_name("browser.py"))
stages = _load("gsseg_viewer_test_stage", Path(__file__).with_name("stage.py"))
stand_in = _load("gsseg_viewer_test_desk", Path(__file__).with_name("desk.py"))
_load("gsseg_viewer_test_tables", Path(__file__).with_name("tables.py"))
_load("gsseg_viewer_test_saved", Path(__file__).with_name("saved.py"))  # for the tests of saving to import from

from gsseg_viewer.document import Document  # noqa: E402

from gsseg.io.ply import write_splats  # noqa: E402
from gsseg.io.splat_formats import read_splats  # noqa: E402
from gsseg.run import Run  # noqa: E402
from gsseg.scene import Camera, View  # noqa: E402
from gsseg.segmentation import NO_CODE, ObjectInfo, Segmentation  # noqa: E402
from gsseg.segmentation.segmented_ply import write_segmented  # noqa: E402
from gsseg.segmentation.table import table_json  # noqa: E402

PER_BALL = 700
RADIUS = 0.28


@dataclass(frozen=True)
class Balls:
    """A run of four balls in a row on the x axis, each an object of two fine codes: its left and its right half.

    Balls 0 and 1 share a coarse code. Fifty Gaussians far below belong to no object.
    """

    path: Path
    """The RUN folder."""
    centres: np.ndarray
    """(4, 3) of the balls."""
    colors: np.ndarray
    """(4, 3) RGB, 0..255."""
    names: list[str]
    """Of the objects; object k is ball k."""

    def document(self) -> Document:
        """The run, opened anew."""
        return Document(Run.open(self.path))

    def views(self) -> list[View]:
        """Three training views without photos, from the front, the left and the right."""
        return [View(f"view_{at}", _camera(np.array(each))) for at, each in enumerate(_EYES)]


_EYES = ((0.0, -5.0, 0.8), (-3.0, -4.0, 0.8), (3.0, -4.0, 0.8))


def _camera(position: np.ndarray) -> Camera:
    """400 x 300 pixels, at the origin's height or above, looking at the origin with z up."""
    forward = -position / np.linalg.norm(position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ position
    return Camera(400, 300, 300.0, 300.0, 200.0, 150.0, pose)


@pytest.fixture(scope="session")
def balls_made(tmp_path_factory: pytest.TempPathFactory, make_columns: Callable[..., np.ndarray]) -> Balls:
    """The run, made once; use `balls`."""
    folder = tmp_path_factory.mktemp("balls")
    rng = np.random.default_rng(3)
    centres = np.array([[-1.2, 0, 0], [-0.4, 0, 0], [0.4, 0, 0], [1.2, 0, 0]], float)
    colors = np.array([[60, 90, 170], [150, 60, 60], [60, 140, 80], [150, 130, 60]])
    names = ["blue <b>ball</b>", "red ball", "green ball", "yellow ball"]
    ids = np.append(np.repeat(np.arange(4), PER_BALL), np.full(50, -1)).astype(np.int32)
    columns = make_columns(len(ids))
    inside = rng.normal(size=(len(ids), 3))
    inside *= RADIUS * rng.random((len(ids), 1)) ** (1 / 3) / np.linalg.norm(inside, axis=1, keepdims=True)
    means = np.where(ids[:, None] >= 0, centres[ids] + inside, [0, 0, -2.5] + 2 * inside)
    rgb = np.where(ids[:, None] >= 0, colors[ids], 120) / 255
    for axis in range(3):
        columns["xyz"[axis]] = means[:, axis]
        columns[f"f_dc_{axis}"] = (rgb[:, axis] - 0.5) / 0.28209479177387814
        columns[f"scale_{axis}"] = np.log(0.04)
    columns["opacity"] = 2.0
    write_splats(folder / "splats.ply", columns)

    right = (inside[:, 0] > 0).astype(int)
    fine = np.where(ids >= 0, 2 * ids + right, NO_CODE).astype(np.int32)
    coarse = np.where(ids >= 0, np.array([0, 0, 1, 2])[ids], NO_CODE).astype(np.int32)
    features = np.zeros((len(ids), 6), np.float32)
    features[ids >= 0, ids[ids >= 0]] = 1
    features[ids >= 0, 4] = 0.1 * right[ids >= 0]
    table = []
    for k, name in enumerate(names):
        there = means[ids == k]
        box = (there.min(0).tolist(), there.max(0).tolist(), there.mean(0).tolist())
        table.append(ObjectInfo(k, name, PER_BALL, [2 * k, 2 * k + 1], *box, [200, 80 + 40 * k, 40], 3, 0.5 + 0.1 * k))
    found = Segmentation(
        object_ids=ids.astype(np.int32),
        code_coarse=coarse,
        code_fine=fine,
        discrete=features,
        learnt=features,
        objects=table,
    )  # fmt: skip
    write_segmented(folder / "segmented.ply", read_splats(folder / "splats.ply"), found)
    (folder / "objects.json").write_text(table_json(table))
    return Balls(folder, centres, colors, names)


@pytest.fixture
def balls(balls_made: Balls, tmp_path: Path) -> Balls:
    """The run of four balls, a copy for this test."""
    path = tmp_path / "run"
    shutil.copytree(balls_made.path, path)
    return Balls(path, balls_made.centres, balls_made.colors, balls_made.names)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real browser (see browser.py); tests that use it are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    with playwright.sync_playwright() as running:
        executable = harness.find_browser(running)
        if executable is None:
            pytest.skip(harness.NO_BROWSER)
        found = harness.Browser(running, executable)
        yield found
        found.close()


@pytest.fixture
def open_viewer(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Any]]:
    """A function (document, views=()) -> Viewer on a free port; afterwards it is stopped, and nobody complained."""
    from gsseg_viewer.server import serve

    running = []

    def start(document: Document, views: Sequence[View] = (), **options: Any) -> Any:
        running.append(serve(document, views, port=0, **options))
        return running[-1]

    yield start
    for viewer in running:
        viewer.stop()
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "", "an exception or a warning of a server thread"
    assert [record.getMessage() for record in caplog.records if record.name.startswith("gsseg")] == []


@pytest.fixture
def open_tab(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function (viewer) -> Tab, ready; afterwards every request was local and the consoles are clean."""
    tabs = []

    def start(viewer: Any, **options: Any) -> Any:
        tabs.append(browser.open(viewer, **options))
        return tabs[-1]

    yield start
    for tab in tabs:
        tab.close()
    assert [url for tab in tabs for url in tab.foreign_requests()] == []
    assert [line for tab in tabs for line in tab.console] == []


@pytest.fixture
def poll() -> Callable[..., Any]:
    """`browser.poll`: calls a function until it returns something true."""
    return harness.poll


@pytest.fixture
def open_desk() -> Iterator[Callable[..., Any]]:
    """A function (document, views=None, meaning=None) -> Desk; closed afterwards."""
    desks = []

    def start(document: Document, *options: Any, **named: Any) -> Any:
        desks.append(stand_in.Desk(document, *options, **named))
        return desks[-1]

    yield start
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(balls: Any, open_desk: Callable[..., Any]) -> Any:
    """The four balls, nothing selected."""
    return open_desk(balls.document())


@pytest.fixture
def stage(balls: Any) -> Iterator[Any]:
    """A Stage of the four balls: browsers that only record may enter it; closed afterwards."""
    made = stages.Stage(balls)
    yield made
    made.close()
