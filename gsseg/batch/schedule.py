"""Which command comes when: the steps of a scene one after another, scenes side by side, and none stops another."""

import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gsseg.batch.engine import Engine, Job, Outcome
from gsseg.batch.plan import BatchPlan, Step
from gsseg.batch.records import Record, error_in, keys_of, read_record, result_in, write_record
from gsseg.batch.summary import SceneResult, Summary
from gsseg.errors import InputError
from gsseg.files.lock import locked

WRONG_INPUT = 2
"""Exit status of a command whose input is wrong: another try would end alike."""

RESUMABLE = ("splats", "train")
"""Stages that go on where they were with ``--resume``; masks do so by themselves, the others take moments."""

Told = Callable[[str, str, int, int], None]
"""Called with the scene, what happened to it, and the steps done and their total."""


def run_batch(
    plan: BatchPlan, engine: Engine, retries: int = 1, tell: Told = lambda scene, what, done, total: None
) -> Summary:
    """Does what has not been done yet and returns how all scenes stand.

    A step that fails for another reason than its input is tried again ``retries`` times; then its scene ends, and the
    others go on. `InputError` where another batch writes to the same folder, or the engine cannot run a step at all.
    """
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(plan.out, f"cannot be made ({error.strerror})", "choose a folder you may write to") from error
    with locked(plan.out):
        try:
            return _Batch(plan, engine, retries, tell).run()
        finally:
            engine.close()


class _Batch:
    def __init__(self, plan: BatchPlan, engine: Engine, retries: int, tell: Told) -> None:
        self.plan, self.engine, self.retries, self.tell = plan, engine, retries, tell
        self.keys = {scene: keys_of(steps) for scene, steps in plan.scenes.items()}
        self.at = {scene: self._first_open(scene) for scene in plan.scenes}
        self.failed: dict[str, str] = {}
        self.tries: dict[tuple[str, int], int] = {}

    def run(self) -> Summary:
        ready = deque(scene for scene, steps in self.plan.scenes.items() if self.at[scene] < len(steps))
        running = 0
        while ready or running:
            while ready and self.engine.room > 0:
                self._start(ready.popleft())
                running += 1
            for outcome in self.engine.wait():
                running -= 1
                if self._goes_on(outcome):
                    # In front: a scene is finished before the next is begun, so that results come early.
                    ready.appendleft(outcome.job.scene)
        return self._summary()

    def _first_open(self, scene: str) -> int:
        for place, (step, key) in enumerate(zip(self.plan.scenes[scene], self.keys[scene], strict=True)):
            record = read_record(self._file(scene, step))
            if record is None or record.key != key or record.state != "done":
                return place
        return len(self.plan.scenes[scene])

    def _file(self, scene: str, step: Step) -> Path:
        return self.plan.out / scene / f"{step.label}.json"

    def _start(self, scene: str) -> None:
        place = self.at[scene]
        step, key = self.plan.scenes[scene][place], self.keys[scene][place]
        file, again = self._file(scene, step), ()
        before = read_record(file)
        begun = before is not None and before.key == key
        if begun and step.stage in RESUMABLE and "--resume" not in step.words:
            again = ("--resume",)
        write_record(file, Record(key, "running", 1 + (before.tries if begun and before is not None else 0)))
        self.tries[scene, place] = self.tries.get((scene, place), 0) + 1
        command = (sys.executable, "-m", "gsseg", *step.words, *again, "--json")
        folder = Path(os.path.abspath(self.plan.folder))
        self.tell(scene, f"{step.label} ...", *self._count())
        self.engine.submit(Job(scene, step.label, command, folder, file.with_suffix(".log"), step.cpus, step.gpus))

    def _goes_on(self, outcome: Outcome) -> bool:
        """Notes how a step ended; whether its scene has something to be done still."""
        scene, place = outcome.job.scene, self.at[outcome.job.scene]
        step, file = self.plan.scenes[scene][place], self._file(scene, self.plan.scenes[scene][place])
        record = read_record(file) or Record(self.keys[scene][place], "running", 1)
        record = replace(record, seconds=round(outcome.seconds, 3))
        if outcome.status == 0:
            write_record(file, replace(record, state="done", result=result_in(outcome.job.log)))
            self.at[scene] += 1
            self.tell(scene, f"{step.label}: {outcome.seconds:.1f} s", *self._count())
            return self.at[scene] < len(self.plan.scenes[scene])
        error = _why(outcome)
        write_record(file, replace(record, state="failed", error=error))
        if outcome.status != WRONG_INPUT and self.tries[scene, place] <= self.retries:
            self.tell(scene, f"{step.label} failed and is tried again: {error}", *self._count())
            return True
        self.failed[scene] = step.label
        self.tell(scene, f"{step.label} failed: {error}", *self._count())
        return False

    def _count(self) -> tuple[int, int]:
        return sum(self.at.values()), sum(map(len, self.plan.scenes.values()))

    def _summary(self) -> Summary:
        return Summary(tuple(self._result(scene) for scene in self.plan.scenes))

    def _result(self, scene: str) -> SceneResult:
        seconds, results, error = {}, {}, ""
        for place, step in enumerate(self.plan.scenes[scene]):
            record = read_record(self._file(scene, step))
            if record is None or record.key != self.keys[scene][place]:
                continue
            seconds[step.label] = record.seconds
            if record.state == "done" and step.stage == "eval":
                results[step.label] = record.result
            error = error or record.error
        return SceneResult(scene, self.failed.get(scene, ""), error if scene in self.failed else "", seconds, results)


def _why(outcome: Outcome) -> str:
    if outcome.status is None:
        return "the worker that ran it died"
    said = error_in(outcome.job.log)
    if outcome.status < 0:
        return f"ended by signal {-outcome.status}"
    return said or f"ended with status {outcome.status}"
