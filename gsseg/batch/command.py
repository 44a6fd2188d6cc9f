"""One command as a process of its own: its memory is given back, and its crash is its own."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gsseg.batch.cards import VISIBLE

GRACE = 20.0
"""Seconds that a command gets to leave things resumable when it is asked to end."""

_PR_SET_PDEATHSIG = 1


def run_command(
    command: tuple[str, ...],
    folder: Path,
    log: Path,
    threads: int | None = None,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda process: None,
    cards: Sequence[str] | None = None,
) -> tuple[int, float]:
    """Exit status and seconds of a command whose output goes to ``log``, with at most ``threads`` threads.

    ``cards``: the GPUs that it sees, of those that CUDA names; None: all that this process sees.

    Where the thread that called this dies, so does the command (on Linux): left alone it would hold its folders.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
            environment.setdefault(name, str(threads))
    begun = time.monotonic()
    if cards is not None:
        environment[VISIBLE] = ",".join(cards)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
        started(process)
        try:
            status = process.wait()
        except BaseException:
            end(process)
            raise
    return status, time.monotonic() - begun


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks a command to end, and makes it where it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    if _LIBC is not None:  # loaded before the fork: a child of a process with threads must not import
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # at once: another try may be on its way
