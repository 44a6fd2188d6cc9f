"""The order of work, what is done again, what a failure stops, and the table; with an engine that runs nothing."""

import csv
import json
import os
from collections.abc import Sequence

import numpy as np
import pytest

from gsseg.batch import BatchPlan, Job, LocalEngine, Outcome, run_batch
from gsseg.batch.records import Record, read_record, write_record
from gsseg.batch.summary import SceneResult, Summary
from gsseg.errors import InputError
from gsseg.files.lock import locked

TEXT = "scenes: [a, b, c]\nprepare: p {name}\ntrain: t {name}\neval: e {name}\n"


class Pretended:
    """An engine whose jobs end as ``ends`` says (scene and label -> statuses of the tries), in any order."""

    def __init__(self, room: int = 2, ends=None, seed: int = 0) -> None:
        self.workers, self.ends, self.rng = room, {key: list(each) for key, each in (ends or {}).items()}, seed
        self.jobs: list[Job] = []
        self.open: list[Job] = []
        self.draw = np.random.default_rng(seed)

    @property
    def room(self) -> int:
        return self.workers - len(self.open)

    def submit(self, job: Job) -> None:
        assert self.room > 0
        assert job.scene not in [each.scene for each in self.open]
        self.open.append(job)
        self.jobs.append(job)

    def wait(self) -> Sequence[Outcome]:
        job = self.open.pop(int(self.draw.integers(len(self.open))))
        status = (self.ends.get((job.scene, job.label)) or [0]).pop(0)
        if status == "stop":
            raise KeyboardInterrupt
        job.log.parent.mkdir(parents=True, exist_ok=True)
        score = {"a": 0.5, "b": 0.25, "c": 1.0}[job.scene]
        said = json.dumps({"miou": score, "objects": 7, "name": "x", "by_class": [1]}) if status == 0 else "x: broken"
        job.log.write_text(f"working\n{said}\n")
        return [Outcome(job, status, 1.5)]

    def close(self) -> None:
        self.open = []

    @property
    def order(self) -> list[str]:
        return [f"{job.scene} {job.label}" for job in self.jobs]


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "list.yaml").write_text(TEXT)
    return BatchPlan.read(tmp_path / "list.yaml", tmp_path / "out")


def changed(plan, old, new):
    file = plan.folder / "list.yaml"
    file.write_text(TEXT.replace(old, new))
    return BatchPlan.read(file, plan.out)


@pytest.mark.parametrize("room", [1, 2, 100])
def test_every_step_is_done_once_and_in_order(plan, room):
    engine = Pretended(room)
    summary = run_batch(plan, engine)
    for scene in "abc":
        assert [each for each in engine.order if each[0] == scene] == [
            f"{scene} {k}" for k in ("prepare", "train", "eval")
        ]
    assert engine.jobs[0].command[1:] == ("-m", "gsseg", "prepare", "p", "a", "--json")
    assert not summary.failed
    assert summary.means() == {"miou": (pytest.approx((0.5 + 0.25 + 1) / 3), 3)}
    again = Pretended()
    assert run_batch(plan, again).values() == summary.values()
    assert again.jobs == []


def test_changed_options_do_their_step_and_those_behind_it_again(plan):
    run_batch(plan, Pretended())
    engine = Pretended()
    run_batch(changed(plan, "t {name}", "t {name} --more"), engine)
    assert sorted(engine.order) == sorted(f"{scene} {label}" for scene in "abc" for label in ("train", "eval"))
    assert all("--resume" not in job.command for job in engine.jobs)


def test_one_failure_stops_one_scene(plan):
    engine = Pretended(ends={("b", "train"): [2, 0]})
    summary = run_batch(plan, engine)
    assert "b eval" not in engine.order
    assert engine.order.count("b train") == 1  # what is wrong with the input stays wrong
    assert [(each.scene, each.failed, each.error) for each in summary.failed] == [("b", "train", "x: broken")]
    assert summary.means()["miou"] == (0.75, 2)
    mended = Pretended()
    assert not run_batch(plan, mended).failed
    assert mended.order == ["b train", "b eval"]
    assert mended.jobs[0].command[-2:] == ("--resume", "--json")


@pytest.mark.parametrize("end", [1, -9, None])
def test_what_may_pass_is_tried_again(plan, end):
    engine = Pretended(ends={("a", "train"): [end, 0], ("c", "prepare"): [end, end, 0]})
    summary = run_batch(plan, engine, retries=1)
    assert engine.order.count("a train") == 2
    assert [job.command[-2] == "--resume" for job in engine.jobs if (job.scene, job.label) == ("a", "train")] == [
        False,
        True,
    ]
    assert engine.order.count("c prepare") == 2
    assert [each.scene for each in summary.failed] == ["c"]
    said = {1: "x: broken", -9: "ended by signal 9", None: "the worker that ran it died"}
    assert summary.failed[0].error == said[end]
    assert read_record(plan.out / "a" / "train.json").tries == 2


def test_an_interrupt_is_gone_on_from(plan):
    engine = Pretended(room=1, ends={("b", "train"): ["stop"]})
    with pytest.raises(KeyboardInterrupt):
        run_batch(plan, engine)
    assert read_record(plan.out / "b" / "train.json").state == "running"
    after = Pretended(room=1)
    run_batch(plan, after)
    assert after.order == ["b train", "b eval", "c prepare", "c train", "c eval"]
    assert "--resume" in after.jobs[0].command
    assert "--resume" not in after.jobs[3].command


def test_damaged_records_are_done_again(plan):
    run_batch(plan, Pretended())
    for k, text in enumerate(['{"key": 1}', "{", "[]", '{"key": "x", "state": "odd", "tries": 1, "seconds": 0}']):
        (plan.out / "a" / "train.json").write_text(text)
        engine = Pretended(seed=k)
        run_batch(plan, engine)
        assert engine.order[:1] == ["a train"]
    record = Record("key", "failed", 3, 1.5, "why", {"miou": 0.5})
    write_record(plan.out / "x.json", record)
    assert read_record(plan.out / "x.json") == record


def test_one_batch_at_a_time(plan):
    plan.out.mkdir()
    with locked(plan.out), pytest.raises(InputError):
        run_batch(plan, Pretended())


def test_means_are_over_scenes_and_tables_say_the_same(tmp_path):
    rng = np.random.default_rng(0)
    scores = rng.random((4, 2))
    results = [{"eval-x": {"a": float(a), "instances": 9}, "eval": {"b": float(b)}} for a, b in scores]
    rows = [SceneResult(f"s{k}", "", "", {"train": 1.0}, each) for k, each in enumerate(results)]
    rows.append(SceneResult("bad", "train", "why", {}, {}))
    summary = Summary(tuple(rows))
    assert summary.means() == {
        "x.a": (pytest.approx(scores[:, 0].mean()), 4), "b": (pytest.approx(scores[:, 1].mean()), 4)
    }  # fmt: skip
    summary.write(tmp_path)
    with (tmp_path / "summary.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [float(row["x.a"]) for row in found[:4]] == pytest.approx(scores[:, 0].tolist())
    assert (found[4]["failed"], found[4]["b"]) == ("train", "")
    lines = (tmp_path / "summary.md").read_text().splitlines()
    assert lines[0] == "| scene | x.a | b |"
    assert lines[6] == "| bad (train failed) | - | - |"
    assert lines[7] == f"| mean of 4 | {scores[:, 0].mean():.3f} | {scores[:, 1].mean():.3f} |"
    assert json.loads((tmp_path / "summary.json").read_text())["failed"] == ["bad"]
    assert Summary(()).table() == [["scene"]]


def test_the_local_engine_tells_how_commands_end_and_ends_them(tmp_path):
    def job(name: str, code: str) -> Job:
        return Job(name, "step", ("/bin/sh", "-c", code), tmp_path, tmp_path / f"{name}.log", 1.0, 0.0)

    engine = LocalEngine(2)
    engine.submit(job("good", "pwd; echo $OMP_NUM_THREADS"))
    engine.submit(job("bad", "echo no; exit 3"))
    assert engine.room == 0
    found: dict[str, int | None] = {}
    while len(found) < 2:
        found |= {each.job.scene: each.status for each in engine.wait()}
    assert found == {"good": 0, "bad": 3}
    assert (tmp_path / "good.log").read_text().splitlines()[0] == str(tmp_path)
    engine.submit(job("long", "echo $$ > pid; exec sleep 100"))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        pass
    engine.close()
    assert engine.wait()[0].status == -15
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_program_that_is_not_there_is_an_error(tmp_path):
    engine = LocalEngine()
    engine.submit(Job("a", "step", ("/nowhere/program",), tmp_path, tmp_path / "log", 1.0, 0.0))
    with pytest.raises(FileNotFoundError):
        engine.wait()
    engine.close()
