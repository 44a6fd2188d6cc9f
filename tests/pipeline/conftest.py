"""A small scene, and the run of it that every other must equal."""

import pytest

import gsseg
from tests.pipeline.small_runs import CONFIG


@pytest.fixture(scope="session")
def scene(make_small_scene, tmp_path_factory) -> gsseg.Scene:
    return gsseg.load_scene(make_small_scene(tmp_path_factory.mktemp("pipeline") / "scene"))


@pytest.fixture(scope="session")
def whole(scene, tmp_path_factory) -> gsseg.Run:
    """The run that every other must equal."""
    return gsseg.train(scene, CONFIG, tmp_path_factory.mktemp("whole") / "run")
