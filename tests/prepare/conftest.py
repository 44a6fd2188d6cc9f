"""A raw scan for the tests of this folder, each of which may spoil its own."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.prepare.raw_scan import RawScan, write_scan


@pytest.fixture(scope="session")
def sound_scan(tmp_path_factory) -> RawScan:
    """A scan that nobody changes."""
    return write_scan(tmp_path_factory.mktemp("raw") / "scene0000_00")


@pytest.fixture
def scan(sound_scan: RawScan, tmp_path: Path) -> RawScan:
    """A copy of it to spoil."""
    folder = tmp_path / "raw" / sound_scan.folder.name
    shutil.copytree(sound_scan.folder, folder)
    return replace(sound_scan, folder=folder, sens=folder / sound_scan.sens.name)
