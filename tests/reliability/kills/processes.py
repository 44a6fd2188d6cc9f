"""Processes to be killed: forks of one that has imported everything, and commands that wait where they are told to."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent

HOLDING = """
import pkgutil, sys
from unittest import mock
from gsseg.cli import main

def waits(call):
    def waiting(*args, **options):
        print("here", flush=True)
        sys.stdin.readline()
        return call(*args, **options)
    return waiting

place = sys.argv.pop(1)
with mock.patch(place, waits(pkgutil.resolve_name(place))):
    sys.exit(main())
"""
"""gsseg, which waits for a line before it calls the function that its first argument names."""


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
        return self._ask({**where, "after": after, "largest": largest})

    def command(self, *args: object, largest: int | None = None) -> Ended:
        """Runs gsseg as from a shell."""
        return self._ask({"args": [str(each) for each in args], "after": None, "largest": largest})

    def _ask(self, order: dict) -> Ended:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


@contextmanager
def holding(place: str, *args: object) -> Iterator[subprocess.Popen]:
    """gsseg with these arguments, as it waits before it calls the function at ``place``; killed in the end."""
    command = [sys.executable, "-c", HOLDING, place, *map(str, args)]
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            for line in process.stdout:
                if line == "here\n":
                    break
            else:
                raise AssertionError(process.stderr.read())
            yield process
        finally:
            process.kill()
