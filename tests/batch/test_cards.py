"""Who has which GPU: never two where one was promised; with cards that are only counted."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from gsseg.batch import BatchPlan, Job, LocalEngine, run_batch
from gsseg.batch.cards import VISIBLE, Cards, cards_here
from gsseg.batch.schedule import sys as program
from gsseg.errors import InputError


def job(folder: Path, name: str, gpus: float | None, code: str | None = None) -> Job:
    """Notes when it began and ended, and what it saw."""
    code = code or f"echo begin ${{{VISIBLE}-all}}; sleep 0.05; echo end"
    return Job(name, "step", ("/bin/sh", "-c", code), folder, folder / f"{name}.log", 1.0, gpus)


def seen(folder: Path, name: str) -> str:
    return (folder / f"{name}.log").read_text().splitlines()[0].removeprefix("begin").strip()


def ended(engine: LocalEngine, count: int) -> None:
    statuses = []
    while len(statuses) < count:
        statuses += [each.status for each in engine.wait()]
    assert statuses == [0] * count


def test_cards_are_never_filled_beyond_what_was_said():
    """Any mixture of shares and whole cards, from many threads."""
    rng = np.random.default_rng(0)
    cards, used, lock, most = Cards(["a", "b", "c"]), dict.fromkeys("abc", 0.0), threading.Lock(), []

    def take(share: float, wait: float) -> None:
        with cards.taken(share) as mine:
            with lock:
                for each in mine:
                    used[each] += min(share, 1.0)
                most.append(max(used.values()))
                assert len(mine) == (0 if share == 0 else max(1, round(share)))
            time.sleep(wait)
            with lock:
                for each in mine:
                    used[each] -= min(share, 1.0)

    shares = rng.choice([0.0, 0.25, 1 / 3, 0.5, 1.0, 2.0, 3.0], 60)
    threads = [threading.Thread(target=take, args=(float(share), float(rng.random() / 500))) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert len(most) == len(shares), "nobody was refused"
    assert max(most) <= 1 + 1e-6
    assert max(used.values()) == pytest.approx(0, abs=1e-9)


def test_who_asks_for_several_is_not_passed_by():
    cards, order = Cards(["a", "b"]), []

    def take(name: str, share: float) -> None:
        with cards.taken(share):
            order.append(name)

    with cards.taken(1.0):
        threads = []
        for name, share in (("two", 2.0), ("one", 1.0)):
            threads.append(threading.Thread(target=take, args=(name, share)))
            threads[-1].start()
            while len(cards._queue) < len(threads):
                time.sleep(0.001)
        assert order == []
    for thread in threads:
        thread.join(10)
    assert order == ["two", "one"]
    with pytest.raises(ValueError, match="3 of 2 GPUs"), cards.taken(3.0):
        pass


@pytest.mark.parametrize(
    ("visible", "count", "names"),
    [(None, 2, ["0", "1"]), ("3, 5", 2, ["3", "5"]), ("GPU-x", 1, ["GPU-x"]), ("", 0, []), ("7,9", 1, ["7"])],
)
def test_cards_are_called_as_cuda_calls_them(visible, count, names, monkeypatch):
    monkeypatch.delenv(VISIBLE, raising=False)
    if visible is not None:
        monkeypatch.setenv(VISIBLE, visible)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert cards_here() == names


def test_every_command_sees_its_own_card_and_no_other(tmp_path):
    engine = LocalEngine(None, ["3", "5"])
    assert engine.room == 2
    engine.submit(job(tmp_path, "one", None))
    engine.submit(job(tmp_path, "two", 1.0))
    assert engine.room == 0
    ended(engine, 2)
    assert {seen(tmp_path, "one"), seen(tmp_path, "two")} == {"3", "5"}
    engine.submit(job(tmp_path, "both", 2.0))
    engine.submit(job(tmp_path, "none", 0.0))
    ended(engine, 2)
    assert sorted(seen(tmp_path, "both").split(",")) == ["3", "5"]
    assert seen(tmp_path, "none") == ""
    with pytest.raises(InputError, match="asks for 3 GPUs, and this machine has 2"):
        engine.submit(job(tmp_path, "many", 3.0))
    engine.close()


def test_more_workers_than_cards_wait_for_one(tmp_path):
    """Two that take a card never run at once on one; two halves do."""
    engine = LocalEngine(4, ["0"])
    waits = "echo begin; i=0; while [ $i -lt 100 ] && [ ! -e {other} ]; do sleep 0.05; i=$((i+1)); done; touch {me}"
    for name, other in (("left", "right"), ("right", "left")):
        begun = f"touch {name}.begun; " + waits.format(other=f"{other}.begun", me=f"{name}.met.$i")
        engine.submit(job(tmp_path, name, 0.5, begun))
    ended(engine, 2)
    assert not list(tmp_path.glob("*.met.100")), "halves run side by side"
    for name in "abc":
        engine.submit(job(tmp_path, name, None, "mkdir only || exit 4; sleep 0.05; rmdir only"))
    ended(engine, 3)
    engine.close()


def test_a_machine_without_a_card_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(VISIBLE, "as it was")
    engine = LocalEngine(1, [])
    engine.submit(job(tmp_path, "a", 4.0))
    ended(engine, 1)
    assert seen(tmp_path, "a") == "as it was"
    engine.close()


def test_who_waits_for_a_card_ends_with_the_batch(tmp_path):
    engine = LocalEngine(2, ["0"])
    engine.submit(job(tmp_path, "long", None, "touch begun; exec sleep 100"))
    engine.submit(job(tmp_path, "waiting", None, "exec sleep 100"))
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    started = time.monotonic()
    engine.close()
    assert time.monotonic() - started < 30


def test_a_batch_gives_each_scene_one(tmp_path, monkeypatch):
    """The whole of it: a list, the schedule and the engine, with a program that says what it sees."""
    script = tmp_path / "program"
    script.write_text(
        f'#!/bin/sh\nmkdir "{tmp_path}/held-${VISIBLE}" || exit 4\nsleep 0.2\nrmdir "{tmp_path}/held-${VISIBLE}"\n'
        f'echo "{{\\"saw\\": \\"${VISIBLE}\\"}}"\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(program, "executable", str(script))
    (tmp_path / "list.yaml").write_text("scenes: [a, b, c, d]\ntrain: x\neval: y\n")
    plan = BatchPlan.read(tmp_path / "list.yaml", tmp_path / "out")
    summary = run_batch(plan, LocalEngine(None, ["0", "1"]), retries=0)
    assert not summary.failed
    saw = {(tmp_path / "out" / each / f"{stage}.log").read_text() for each in "abcd" for stage in ("train", "eval")}
    assert saw == {'{"saw": "0"}\n', '{"saw": "1"}\n'}
