"""A batch on a local Ray of two workers, one of which is killed in the middle of a step; prints what came of it.

    python tests/batch/ray_killed.py FOLDER

A process of its own: Ray leaves threads and children behind that the process of the tests must not have.
"""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from gsseg.batch import BatchPlan, Job, run_batch
from gsseg.batch.on_ray import RayEngine

CODE = """
import json, os, sys, time
folder, name = sys.argv[1:3]
first = not os.path.exists(f"{folder}/{name}.started")
with open(f"{folder}/{name}.started", "a") as stream:
    stream.write(f"{os.getppid()} {os.getpid()}\\n")
while name == "killed" and first:
    time.sleep(0.05)
print(json.dumps({"score": 1.0, "objects": 3}))
"""

ENDS_WITHIN = 20.0
"""Seconds in which a command is gone after its worker, on a busy machine."""


class Short(RayEngine):
    """Runs a short program in place of every command."""

    def submit(self, job: Job) -> None:
        """The same with another program."""
        super().submit(replace(job, command=(sys.executable, "-S", "-c", CODE, str(job.folder), job.scene)))


def kill_first(folder: Path, killed: list[list[int]]) -> None:
    """Kills the worker that runs the scene ``killed``, once it is known."""
    file = folder / "killed.started"
    while not file.exists() or not file.read_text().endswith("\n"):
        time.sleep(0.05)
    worker, command = map(int, file.read_text().split())
    os.kill(worker, signal.SIGKILL)
    killed.append([worker, command])


def main() -> None:
    """Runs it."""
    folder, killed = Path(sys.argv[1]), []
    (folder / "list.yaml").write_text("scenes: [good, killed, other]\neval: x\n")
    plan = BatchPlan.read(folder / "list.yaml", folder / "out")
    thread = threading.Thread(target=kill_first, args=(folder, killed))
    thread.start()
    told: list[str] = []
    summary = run_batch(plan, Short(workers=2), 1, lambda scene, what, done, total: told.append(f"{scene} {what}"))
    thread.join()
    end, alive = time.monotonic() + ENDS_WITHIN, True
    while alive and time.monotonic() < end:
        try:
            os.kill(killed[0][1], 0)
            time.sleep(0.1)
        except ProcessLookupError:
            alive = False
    tries = {scene: len((folder / f"{scene}.started").read_text().splitlines()) for scene in plan.scenes}
    print(json.dumps({"tries": tries, "orphan": alive, "told": told, **summary.values()}))


if __name__ == "__main__":
    main()
