"""The process behind `Server`: a line of JSON in, a fork that does it, a line of JSON out."""

import json
import os
import pkgutil
import resource
import signal
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest import mock

import jobs
import pytest
from processes import ENDED, GO, HERE

from gsseg.cli import main


def serve() -> None:
    """Until stdin is closed."""
    jobs.freeze_clock(pytest.MonkeyPatch())
    waiting = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "ends" in order:
            answer = _ended(*waiting.pop(order["ends"]), None)
        else:
            started = time.monotonic()
            pipes = os.pipe(), os.pipe()  # a file on disk would be subject to the limit on files
            child = os.fork()
            if child == 0:
                _work(order, pipes[0][1], pipes[1][1])
            if "holds" in order:
                waiting[child] = (child, pipes, started)
                answer = {"process": child}
            else:
                answer = _ended(child, pipes, started, order["after"])
        print(json.dumps(answer), flush=True)


def _ended(child: int, pipes: tuple[tuple[int, int], tuple[int, int]], started: float, after: float | None) -> dict:
    killed, status = _end(child, after)
    seconds = time.monotonic() - started
    out, err = map(_said, pipes)
    return {"status": None if killed else os.waitstatus_to_exitcode(status), "out": out, "err": err, "seconds": seconds}


def _said(pipe: tuple[int, int]) -> str:
    """What a process that has ended wrote: at most what a pipe holds, 64 KiB."""
    os.close(pipe[1])
    with os.fdopen(pipe[0], "rb") as stream:
        return stream.read().decode("utf-8", "replace")


def _end(child: int, after: float | None) -> tuple[bool, int]:
    """Waits for a process, and kills it after so many seconds; whether that was needed, and its status."""
    if after is not None:
        until = time.monotonic() + after
        while time.monotonic() < until:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return False, status
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status), status


def _work(order: dict, out: int, err: int) -> None:
    status = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
        if order["largest"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest"], resource.RLIM_INFINITY))
        if "args" in order:
            sys.argv = ["gsseg", *order["args"]]
            with _waits(order["holds"], Path(order["signs"])) if "holds" in order else nullcontext():
                status = main()
        else:
            world = jobs.World(Path(order["scene"]), Path(order["templates"]))
            status = world.jobs()[order["job"]].do(Path(order["place"]))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sys.stdout.flush()
        sys.stderr.flush()
        if "holds" in order:
            (Path(order["signs"]) / ENDED).touch()
        os._exit(status)


def _waits(function: str, signs: Path) -> AbstractContextManager:
    """Whoever calls the function inside the block waits for a sign first."""
    call = pkgutil.resolve_name(function)

    def waiting(*args, **options):
        (signs / HERE).touch()
        while not (signs / GO).exists():
            time.sleep(0.01)
        return call(*args, **options)

    return mock.patch(function, waiting)


serve()
