"""Processes to be killed, or to wait where they are told to: forks of one that has imported everything."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
HERE, GO, ENDED = "here", "go", "ended"
"""Signs of a process that waits: it has come to the place; it may go on; it has ended."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int | None
    """Exit status; None where it was killed."""
    seconds: float
    """How long it lived."""
    out: str
    """What it said on stdout."""
    err: str
    """What it said on stderr."""


class Server:
    """A process that has imported gsseg and forks for each job."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER / "server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def job(self, world, number: int, place: Path, after: float | None = None, largest: int | None = None) -> Ended:
        """Runs a job of a world; it is killed ``after`` seconds, and no file may grow beyond ``largest`` bytes."""
        where = {"scene": str(world.scene), "templates": str(world.templates), "job": number, "place": str(place)}
        return self._run({**where, "after": after, "largest": largest})

    def command(self, *args: object, largest: int | None = None) -> Ended:
        """Runs gsseg as from a shell."""
        return self._run({"args": [str(each) for each in args], "after": None, "largest": largest})

    @contextmanager
    def holding(self, function: str, folder: Path, *args: object) -> Iterator["Held"]:
        """gsseg with these arguments, as it waits before it calls a function; killed in the end, if it is there.

        ``folder``: empty, for their signs to each other.
        """
        order = {"args": [str(each) for each in args], "holds": function, "signs": str(folder), "largest": None}
        held = Held(self, self._ask(order)["process"], folder)
        try:
            while not (folder / HERE).exists():
                if (folder / ENDED).exists():
                    raise AssertionError(held.end())
                time.sleep(0.01)
            yield held
        finally:
            if not held.ended:
                os.kill(held.process, signal.SIGKILL)
                held.end()

    def _run(self, order: dict[str, Any]) -> Ended:
        return Ended(**self._ask(order))

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Held:
    """A process that waits."""

    def __init__(self, server: Server, process: int, folder: Path) -> None:
        self.process = process
        self.ended = False
        self._server, self._folder = server, folder

    def end(self, *, go_on: bool = True) -> Ended:
        """Lets it go on, unless a signal ends it where it is, and tells how it ended."""
        if go_on:
            (self._folder / GO).touch()
        self.ended = True
        return Ended(**self._server._ask({"ends": self.process}))
