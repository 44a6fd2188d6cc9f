"""A run that is replaced while it is read: whoever reads it sees the earlier one or the new one, or is told."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from gsseg_kills_bad_reads import BadDisk
from gsseg_kills_jobs import World, snapshot
from gsseg_kills_reading import Reading

from gsseg.errors import InputError
from gsseg.files import together
from gsseg.files.lock import locked
from gsseg.files.together import replace_together
from gsseg.run import Run, RunLayout

READERS = tuple(
    Reading((*line.split(), "--json"), before)
    for line, before in (
        ("info RUN", "finished"),
        ("info RUN", "plain"),
        ("query -m RUN --point 0 0 0", "plain"),
        ("query -m RUN --view view_0 --pixel 16 12", "finished"),
        ("eval -m RUN --gt TRUTH/gt", "plain"),
        ("export -m RUN --out OUT", "plain"),
        ("compress -m RUN", "finished"),
        ("view -m RUN", "plain"),
    )
)
"""Runs with a scene.gsseg, which a training removes, and without."""
TOLD = (
    "has been changed by another program while it was read; do it again",
    "is being written to by another gsseg",
)
"""What a reader, or who writes beside the run, may say instead."""


@dataclass(frozen=True)
class Answer:
    """What a reader made of a run."""

    status: int
    out: str
    err: str
    files: dict[str, bytes]
    """What it exported."""


class Scenes:
    """A folder with a run, and what a writer would replace it by."""

    def __init__(self, world: World, truth: Path, new: Path, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.world, self.truth, self.new, self.place, self.capfd = world, truth, new, place, capfd

    def start(self, before: str) -> None:
        """The earlier run, from a template."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.world.place(before, self.place)

    def replace(self) -> None:
        """What a training does when all is ready: other files take the places of these, and one vanishes.

        Nothing where somebody else writes to the run.
        """
        layout = RunLayout(self.place / "run")
        with suppress(InputError), locked(layout.path):
            remove = [path.name for path in layout.later]
            with replace_together(layout.path, remove=remove, keep=False) as out:
                for path in RunLayout(self.new).trained:
                    shutil.copy(path, out / path.name)

    def read(self, reader: Reading) -> Answer:
        """Runs a reader."""
        shutil.rmtree(self.place / "out", ignore_errors=True)
        status = reader.do(self.place, self.world.scene, self.truth)
        said = self.capfd.readouterr()
        exported = snapshot(self.place / "out") if (self.place / "out").exists() else {}
        return Answer(status, said.out, said.err, exported)


@pytest.fixture
def scenes(world: World, truth: Path, tmp_path: Path, new: Path, capfd: pytest.CaptureFixture[str]) -> Scenes:
    """Made for each test."""
    return Scenes(world, truth, new, tmp_path / "place", capfd)


@pytest.fixture(scope="module")
def new(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of other codes, objects and counts than that of the template."""
    run = tmp_path_factory.mktemp("new") / "run"
    # From one code, which is one object: atoms would find the two again.
    assert (
        world.train(
            run,
            "--seed",
            "1",
            "--config.codebook.coarse",
            "1",
            "--config.codebook.fine",
            "1",
            "--config.objects.start",
            "codes",
        )
        == 0
    )
    objects = RunLayout(run).objects
    objects.write_text(objects.read_text().replace("object", "other"))
    return run


@contextmanager
def moving_stops_after(moves: int, reached: Callable[[], None]) -> Iterator[None]:
    """Inside the block a writer calls ``reached`` when it has moved so many files, and goes on afterwards."""
    real, done = together._move, 0

    def move(source: Path, target: Path) -> None:
        nonlocal done
        if done == moves:
            done += 1
            reached()
        real(source, target)
        done += 1

    with mock.patch.object(together, "_move", move):
        yield


def is_sound(answer: Answer, old: Answer, new: Answer) -> bool:
    """Whether a reader saw one run or the other, or was told."""
    told = answer.status == 2 and answer.err.count("\n") == 1 and any(line in answer.err for line in TOLD)
    return told or answer in (old, new)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: f"{reader.name}, {reader.before}")
def test_replaced_while_it_is_read(
    reader: Reading, scenes: Scenes, bad_disk: BadDisk, points: int, figure: Callable[[str], None]
) -> None:
    old, new, steps = _both(reader, scenes, bad_disk)
    findings, told = [], 0
    chosen = sorted(random.Random(0).sample(range(1, steps + 1), min(max(2, points), steps)))
    for at in chosen:
        scenes.start(reader.before)
        with bad_disk.at_work(scenes.place / "run", calls=(at, scenes.replace)):
            answer = scenes.read(reader)
        told += answer.status == 2
        if not is_sound(answer, old, new):
            findings.append(f"replaced at reading {at}: {answer.status} {answer.out!r} {answer.err!r}")
        assert _is_whole(scenes.place / "run")
    share = f"{len(chosen)} of {steps} readings"
    figure(f"{reader.name}, {reader.before}: replaced at {share}, {told} told, {len(findings)} findings")
    assert findings == []


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: f"{reader.name}, {reader.before}")
def test_a_writer_that_waits_in_the_middle(
    reader: Reading, scenes: Scenes, bad_disk: BadDisk, points: int, figure: Callable[[str], None]
) -> None:
    old, new, _ = _both(reader, scenes, bad_disk)
    moves = len(RunLayout(scenes.new).trained)
    findings = []
    for after in range(moves) if points == sys.maxsize else (moves // 2,):
        scenes.start(reader.before)
        answers: list[Answer] = []
        with moving_stops_after(after, lambda answers=answers: answers.append(scenes.read(reader))):
            scenes.replace()
        if not answers or not is_sound(answers[0], old, new):
            findings.append(f"after {after} moves: {answers}")
        assert _is_whole(scenes.place / "run")
    figure(f"{reader.name}, {reader.before}: {moves} moves, {len(findings)} findings")
    assert findings == []


def _both(reader: Reading, scenes: Scenes, disk: BadDisk) -> tuple[Answer, Answer, int]:
    """What a reader makes of the earlier and of the new run, and its readings of the earlier one."""
    scenes.start(reader.before)
    with disk.at_work(scenes.place / "run"):
        old = scenes.read(reader)
    steps = disk.step
    scenes.start(reader.before)
    scenes.replace()
    new = scenes.read(reader)
    assert (old.status, new.status) == (0, 0), (old, new)
    assert (old.out, old.files) != (new.out, new.files)
    return old, new, steps


def _is_whole(path: Path) -> bool:
    run = Run.open(path)
    return len(run.object_ids) == 40 and bool(run.objects) and (run.compressed is None or len(run.compressed) == 40)
