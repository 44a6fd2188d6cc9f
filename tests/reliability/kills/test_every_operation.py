"""Whichever file-system operation a command dies or is refused at, each folder is the earlier one or the new, whole."""

import errno
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from gsseg_kills_jobs import JOBS, Job, World, hidden, settled, snapshot
from gsseg_kills_saboteur import Died, Failure, Kind, Saboteur

ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO)
KINDS: tuple[Kind, ...] = get_args(Kind)
LEAST = 4
"""Operations of the shortest command."""


@pytest.mark.parametrize("number", range(JOBS))
def test_the_earlier_or_the_new_one_whole(
    number: int,
    world: World,
    saboteur: Saboteur,
    points: int,
    figure: Callable[[str], None],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = world.jobs()[number]
    if not job.exchanges:
        monkeypatch.setattr("gsseg.files.folder.exchange", lambda one, other: False)
    before = snapshot(world.templates / job.before)
    after, operations = _whole(job, world, saboteur, tmp_path)
    cases = _cases(operations, points)
    capfd.readouterr()
    findings = []
    for failure in cases:
        place = world.place(job.before, tmp_path / "place")
        findings += [
            f"{job.name} {failure}: {what}" for what in _faults(job, saboteur, failure, place, before, after, capfd)
        ]
        shutil.rmtree(place)
    figure(f"{job.name}: {operations} operations, {len(cases)} cases, {len(findings)} findings")
    for finding in findings:
        figure(f"    {finding}")
    assert findings == []


def test_a_finished_run_that_is_resumed_is_only_read(world: World, saboteur: Saboteur, tmp_path: Path) -> None:
    """So it may lie in a folder that nobody may write to; not even its cache is made anew."""
    place = world.place("edited", tmp_path / "place")
    shutil.rmtree(place / "run" / "cache")
    before = snapshot(place)
    with saboteur.at_work(place, Failure(1, "refused from there on")):
        assert world.train(place / "run", "--resume") == 0
    assert saboteur.step == 0
    assert snapshot(place) == before
    assert hidden(place) == []
    assert not (place / "run" / "cache").exists()


def _whole(job: Job, world: World, saboteur: Saboteur, folder: Path) -> tuple[dict[str, bytes], int]:
    """What the job makes where nothing fails, and how many operations it takes."""
    place = world.place(job.before, folder / "place")
    with saboteur.at_work(place):
        assert job.do(place) == 0
    assert saboteur.step >= LEAST
    assert hidden(place) == []
    made, steps = settled(place), saboteur.step
    shutil.rmtree(place)
    return made, steps


def _cases(operations: int, points: int) -> list[Failure]:
    """Failures by a fixed seed: at every operation each kind, where all are asked for; else one at each chosen one."""
    chosen = sorted(random.Random(0).sample(range(1, operations + 1), min(points, operations)))
    cases = []
    for row, at in enumerate(chosen):
        here = [Failure(at, kind, ERRORS[(row + turn) % len(ERRORS)]) for turn, kind in enumerate(KINDS)]
        cases += here if points >= operations else [here[row % len(here)]]
    return cases


def _faults(job, saboteur, failure, place, before, after, capfd) -> list[str]:
    died, status = False, None
    with saboteur.at_work(place, failure):
        try:
            status = job.do(place)
        except Died:
            died = True
        except Exception as error:
            return [f"a traceback: {error!r}"]
    faults, said = [], capfd.readouterr().err
    left = hidden(place)
    if not died and failure.kind == "dies":
        faults.append("death was caught")
    raw, found = snapshot(place), settled(place)
    if not job.exchanges and failure.kind != "refused once" and found == _without_export(before):
        found = raw = before  # it waits under a hidden name for the next command
    if found not in (before, after):
        faults.append(f"a mixture: {_difference(found, before, after)}")
    if job.name.startswith("export") and raw not in (before, after) and (job.exchanges or not died):
        faults.append("an export that is not whole")
    if not died:
        if failure.kind == "refused from there on":
            left = [name for name in left if not _harmless(place / name)]
        if status == 0 and (found != after or left):
            faults.append(f"status 0 and {left or 'not the new one'}")
        if status != 0 and (status != 2 or said.count("\n") != 1 or not said.startswith("gsseg: error: ")):
            faults.append(f"status {status}, and said {said!r}")
        if status == 2 and ".part" in said and not _saved(said):
            faults.append(f"names a hidden file: {said!r}")
        if status == 2 and failure.kind == "refused once" and left and not _saved(said):
            faults.append(f"left {left}")
    if job.repeats or found == before:
        if job.do(place) != 0:
            faults.append(f"cannot be repeated: {capfd.readouterr().err!r}")
        elif (found := settled(place)) != after:
            faults.append(f"repeated, it differs: {_difference(found, before, after)}")
        elif hidden(place):
            faults.append(f"repeated, it leaves {hidden(place)}")
    capfd.readouterr()
    return faults


def _without_export(state):
    return {name: content for name, content in state.items() if not name.startswith("out/")}


def _harmless(path: Path) -> bool:
    """Whether it is what may stay where nothing can be removed any more: a lock that nobody holds, an empty folder."""
    return path.name.endswith(".lock") or not any(each.is_file() for each in path.rglob("*"))


def _saved(said: str) -> bool:
    """Whether a command says that its work was done, and what was not."""
    return "was saved, but" in said or "is written, but" in said


def _difference(found, before, after) -> str:
    each = {name: "".join(mark for mark, state in (("b", before), ("a", after)) if state.get(name) == found.get(name))
            for name in {*found, *before, *after}}  # fmt: skip
    return str({name: marks or "?" for name, marks in sorted(each.items()) if marks != "ba"})
