"""A scene of two things, small enough to be trained in a second, and a run of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gsseg
from gsseg.cli import main
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from tests.camera_poses import looking_inwards

PER_THING = 60
CENTRES = np.array([[-0.9, 0.0, 0.0], [0.9, 0.0, 0.0]])
VIEWS = 6


@pytest.fixture(scope="session")
def two_things(tmp_path_factory: pytest.TempPathFactory, make_columns: Callable[..., np.ndarray]) -> Path:
    """A SCENE folder: two balls of 60 Gaussians each, six views of 64 x 48 pixels, exact masks, and the truth.

    Masks are numbered differently in every view; the last view has none and is held out.
    """
    scene = tmp_path_factory.mktemp("cli") / "scene"
    for folder in ("images", "masks", "gt/ids"):
        (scene / folder).mkdir(parents=True)
    columns = make_columns(2 * PER_THING)
    instance = np.repeat([0, 1], PER_THING).astype(np.int32)
    for axis, name in enumerate("xyz"):
        columns[name] = columns[name] * 0.6 + CENTRES[instance, axis]
    columns["opacity"] += 2.0
    write_splats(scene / "splats.ply", columns)
    np.save(scene / "gt" / "gaussian_instance.npy", instance)

    gaussians = read_splats(scene / "splats.ply").gaussians
    frames = []
    for i in range(VIEWS):
        name, pose = f"view_{i}", looking_inwards(0.5 + 2 * np.pi * i / VIEWS, 3.6, 1.8)
        frames.append({"file_path": f"images/{name}.png", "transform_matrix": pose.tolist()})
        opengl_to_opencv = np.diag([1.0, -1.0, -1.0, 1.0])
        camera = gsseg.Camera(64, 48, 60.0, 60.0, 32.0, 24.0, np.linalg.inv(pose @ opengl_to_opencv))
        shares = gsseg.blend_weights(gaussians, camera).render(_one_hot(instance)).numpy()
        ids = np.where(shares.sum(1) > 0.5, shares.argmax(1) + 1, 0).reshape(48, 64)
        Image.fromarray((ids * 100).astype(np.uint8)).save(scene / "images" / f"{name}.png")
        Image.fromarray(ids.astype(np.uint16)).save(scene / "gt" / "ids" / f"{name}.png")
        if i < VIEWS - 1:
            labels = np.array([0, 3 + i, 40 - i] if i % 2 else [0, 9 - i, 2 + i], np.uint8)[ids]
            Image.fromarray(labels).save(scene / "masks" / f"{name}.png")
    (scene / "gt" / "test_views.json").write_text(json.dumps([f"view_{VIEWS - 1}"]))
    meta = {"w": 64, "h": 48, "fl_x": 60.0, "fl_y": 60.0, "cx": 32.0, "cy": 24.0, "frames": frames}
    (scene / "transforms.json").write_text(json.dumps(meta))
    return scene


@pytest.fixture(scope="session")
def few_steps() -> list[str]:
    """Options that make training short, where the objects found do not matter."""
    return ["--config.features.steps", "50", "--config.codebook.steps", "4"]


@pytest.fixture(scope="session")
def finished_run(two_things: Path, few_steps: list[str]) -> Path:
    """A run of `two_things`, with the seed 0 and few steps."""
    run = two_things.parent / "run"
    assert main(["train", "-s", str(two_things), "-m", str(run), "--quiet", *few_steps]) == 0
    return run


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of `finished_run` of its own for this test."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def answer(capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """A function (*args) that runs a command which must succeed, and returns its last line of stdout as JSON."""

    def run(*args: object) -> Any:
        assert main([*map(str, args), "--json"]) == 0
        out, err = capfd.readouterr()
        assert err == ""
        return json.loads(out.splitlines()[-1])

    return run


@pytest.fixture
def refusal(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A function (*args) that runs a command which must be refused, and returns its one line on stderr."""

    def run(*args: object) -> str:
        assert main([*map(str, args)]) == 2
        err = capfd.readouterr().err
        assert err.startswith("gsseg: error: ")
        assert err.count("\n") == 1
        assert err.endswith("\n")
        assert "; " in err
        return err

    return run


def _one_hot(instance: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.from_numpy(instance).long(), 2).float()
