"""Whatever a disk refuses to read: one line that names it, status 2, and nothing is lost."""

import errno
import os
import random
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from gsseg_kills_bad_reads import BadDisk, BadRead
from gsseg_kills_jobs import Snapshot, World, hidden, is_hidden, settled, snapshot
from gsseg_kills_reading import READINGS, Reading

from gsseg.segmentation.table import THUMBNAILS

ERRORS = (errno.EIO, errno.EACCES)
EXTRAS = ("metrics.json", "report.html", "log.txt")
"""Where scores and pictures of photos go: finished work is not lost because those cannot be read any more."""
UNREADABLE = Path("/proc/self/mem")
"""A file of a process's own that opens and then fails to be read (EIO), for native code as well."""


class Trial:
    """One command and what has to hold of it when it meets a file that cannot be read."""

    def __init__(self, reading: Reading, world: World, truth: Path, tmp_path: Path, capfd) -> None:
        self.reading, self.world, self.truth, self.capfd = reading, world, truth, capfd
        self.place = tmp_path / "place"
        self.before = snapshot(world.templates / reading.before)

    def run(self) -> tuple[int, str]:
        """Runs it and returns its status and what it said."""
        status = self.reading.do(self.place, self.world.scene, self.truth)
        return status, self.capfd.readouterr().err

    def start(self) -> None:
        """Makes its folder anew."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.world.place(self.reading.before, self.place)

    def fault(self, status: int, said: str, failed: Path, after: Snapshot) -> str | None:
        """What is wrong with how it ended, if anything is."""
        found = settled(self.place)
        if status == 0:
            wrong = bool(said) or _without_extras(found) != _without_extras(after)
        else:
            wrong = status != 2 or said.count("\n") != 1 or not said.startswith("gsseg: error: ")
            wrong = wrong or self._visible(failed) not in said or found not in (self.before, after)
        state = "before" if found == self.before else "after" if found == after else "a mixture"
        left = [] if "is written, but what it replaced could not be removed" in said else hidden(self.place)
        return f"status {status}, said {said!r}, left {left}, {state}" if wrong or left else None

    def _visible(self, failed: Path) -> str:
        """What a message may name: of a hidden file, the folder that it is to go to."""
        while failed.is_relative_to(self.place) and is_hidden(self.place, failed):
            failed = failed.parent
        return str(failed)


def _without_extras(state: Snapshot) -> Snapshot:
    """Without thumbnails, which are cut from photos, and their names; of meshes their sizes, because Open3D's threads
    do not always add up in one order."""
    kept = {}
    for name, content in state.items():
        if Path(name).name in EXTRAS or Path(name).parent.name == THUMBNAILS:
            continue
        if name.endswith("_mesh.ply"):
            kept[name] = bytes(len(content))
        else:
            kept[name] = re.sub(rb'"thumbnail": (null|"[^"]*")', b"", content)
    return kept


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
def test_a_reading_that_fails(
    reading: Reading,
    world: World,
    truth: Path,
    bad_disk: BadDisk,
    points: int,
    figure: Callable[[str], None],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    trial = Trial(reading, world, truth, tmp_path, capfd)
    watched = tmp_path, world.scene, truth
    trial.start()
    with bad_disk.at_work(*watched):
        assert trial.run() == (0, "")
    steps, after = bad_disk.step, settled(trial.place)
    chosen = sorted(random.Random(0).sample(range(1, steps + 1), min(points, steps)))
    cases = [BadRead(at, number) for at in chosen for number in ERRORS]
    findings = []
    for failure in cases if points >= steps else cases[:: len(ERRORS) + 1]:
        trial.start()
        try:
            with bad_disk.at_work(*watched, failure=failure):
                status, said = trial.run()
        except Exception as error:
            findings.append(f"{failure}, of {bad_disk.failed}: a traceback: {error!r}")
            continue
        assert bad_disk.failed is not None or status == 0, said
        fault = trial.fault(status, said, bad_disk.failed or trial.place, after)
        findings += [f"{failure}, of {bad_disk.failed}: {fault}"] if fault else []
    figure(f"{reading.name}: {steps} readings, {len(cases)} cases, {len(findings)} findings")
    for finding in findings:
        figure(f"    {finding}")
    assert findings == []


@pytest.mark.skipif(not os.access(UNREADABLE, os.R_OK), reason="only Linux has a file that fails to be read")
@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
def test_a_file_that_cannot_be_read(
    reading: Reading, world: World, truth: Path, points: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trial = Trial(reading, world, truth, tmp_path, capfd)
    files = sorted(path.relative_to(world.templates / reading.before) for path in
                   (world.templates / reading.before / "run").rglob("*") if path.is_file())  # fmt: skip
    for name in files if points == sys.maxsize else files[len(reading.name) % 9 :: 9]:
        trial.start()
        bad = trial.place / name
        bad.unlink()
        bad.symlink_to(UNREADABLE)
        kept = {path: path.read_bytes() for path in trial.place.rglob("*") if path.is_file() and path != bad}
        status, said = trial.run()
        if status == 0:
            assert said == "", (name, said)
            continue
        assert status == 2, (name, said)
        assert said.startswith("gsseg: error: ") and said.count("\n") == 1, (name, said)  # noqa: PT018
        assert bad.name in said, (name, said)
        assert bad.is_symlink()
        assert {path: path.read_bytes() for path in kept} == kept
        assert hidden(trial.place) == []
