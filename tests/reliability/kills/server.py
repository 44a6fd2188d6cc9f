"""The process behind `Server`: a line of JSON in, a fork that does it, a line of JSON out."""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import jobs
import pytest

from gsseg.cli import main


def serve() -> None:
    """Until stdin is closed."""
    jobs.freeze_clock(pytest.MonkeyPatch())
    for line in sys.stdin:
        order = json.loads(line)
        out, err = os.pipe(), os.pipe()  # a file on disk would be subject to the limit on files
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _work(order, out[1], err[1])
        killed, status = _end(child, order["after"])
        answer = {"status": None if killed else os.waitstatus_to_exitcode(status), "out": _said(out), "err": _said(err)}
        print(json.dumps({**answer, "seconds": time.monotonic() - started}), flush=True)


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
        os._exit(status)


serve()
