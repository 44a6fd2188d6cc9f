"""Cases run one after the other in a few child processes, bounded in memory, in time and in what they may say.

A child is forked from a process that has imported everything and started nothing, so a new one costs milliseconds.
What a case may do is: be accepted, or be refused by an `InputError` of one line. All else is a finding, the death of
the child included.
"""

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Literal

from gsseg.errors import InputError

MEMORY = 2 << 30
"""Bytes of address space that a case may take beyond what its process had."""
SECONDS = 10.0
"""Of processor time that a case may take: the machine may be busy with other things."""
PATIENCE = 90.0
"""Seconds on the clock after which a case that uses no processor is one that hangs."""

Outcome = Literal["accepted", "refused", "finding"]


@dataclass(frozen=True)
class Case:
    """One damaged input; the same three values make the same one."""

    reader: str
    """Name of the reader."""
    seed: int
    """Of the whole run."""
    number: int
    """Of the case within its reader."""


@dataclass(frozen=True)
class Result:
    """What became of a case."""

    case: Case
    outcome: Outcome
    detail: str
    """The line of the refusal, or what went wrong."""
    place: str = ""
    """Where it went wrong: tells one kind of finding from another."""


Run = Callable[[Case, Path], None]
"""Makes the damaged input in a folder and reads it."""


class _Child:
    """A process that works off the cases it is sent."""

    def __init__(self, run: Run, memory: int) -> None:
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(run, theirs, self.connection, memory), daemon=True)
        self.process.start()
        theirs.close()
        self.case: Case | None = None
        self.started = 0.0

    def send(self, case: Case) -> None:
        """Gives it a case."""
        self.case, self.started = case, time.monotonic()
        self.connection.send(case)

    def end(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def run_cases(
    run: Run, cases: Sequence[Case], children: int, *, report: Callable[[Result], None], memory: int = MEMORY
) -> None:
    """Runs the cases, in any order, and reports each result."""
    waiting = list(reversed(cases))
    pool = [_Child(run, memory) for _ in range(min(children, len(cases)))]
    try:
        for child in pool:
            child.send(waiting.pop())
        while any(child.case for child in pool):
            busy = [child for child in pool if child.case]
            ready = wait([child.connection for child in busy], timeout=1.0)
            for child in busy:
                result = _result(child, child.connection in ready)
                if result is None:
                    continue
                report(result)
                child.case = None
                if result.place in (_DIED, _HUNG):
                    child.end()
                    pool[pool.index(child)] = child = _Child(run, memory)
                if waiting:
                    child.send(waiting.pop())
    finally:
        for child in pool:
            child.end()


_DIED, _HUNG = "died", "hung"


def _result(child: _Child, ready: bool) -> Result | None:
    """The result of the case that a child is at; None while there is none."""
    assert child.case is not None
    if not ready:
        if time.monotonic() - child.started < PATIENCE:
            return None
        return Result(child.case, "finding", f"hangs: more than {PATIENCE:g} s without an end", _HUNG)
    try:
        return child.connection.recv()
    except (EOFError, OSError):
        child.process.join()
        code = child.process.exitcode or 0
        why = f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
        if -code == signal.SIGPROF:
            why = f"it took more than {SECONDS:g} s of processor time"
        return Result(child.case, "finding", f"the process died: {why}", _DIED)


def _work(run: Run, connection: Connection, parents: Connection, memory: int) -> None:
    parents.close()
    said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
    os.dup2(said.fileno(), 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _bound_memory(memory)
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        os.ftruncate(said.fileno(), 0)
        os.lseek(said.fileno(), 0, os.SEEK_SET)
        with tempfile.TemporaryDirectory(prefix="fuzz_") as folder:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)  # whose signal ends a process, in native code too
            result = _judged(run, case, Path(folder))
            signal.setitimer(signal.ITIMER_PROF, 0)
        spoken = os.pread(said.fileno(), 2000, 0).decode("utf-8", "replace")
        if spoken and result.outcome != "finding":
            result = Result(case, "finding", f"on stderr: {spoken.strip()[:300]}", f"stderr {spoken[:40]}")
        connection.send(result)


def _judged(run: Run, case: Case, folder: Path) -> Result:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            run(case, folder)
            result = Result(case, "accepted", "")
        except InputError as error:
            line = str(error)
            sound = "\n" not in line and len(line) < 1500 and line.isprintable()
            result = Result(case, "refused", line.replace(str(folder), "")) if sound else _odd_line(case, line)
        except BaseException as error:
            last = [frame for frame in traceback.extract_tb(error.__traceback__) if "gsseg/" in frame.filename]
            place = f"{last[-1].filename.split('gsseg/')[-1]}:{last[-1].lineno}" if last else "?"
            detail = f"{type(error).__name__}: {str(error)[:200]} at {place}"
            result = Result(case, "finding", detail, f"{type(error).__name__} {place}")
    if warned and result.outcome != "finding":
        first = warned[0]
        place = f"{Path(first.filename).name}:{first.lineno}"
        detail = f"warns: {first.category.__name__}: {str(first.message)[:200]} at {place}"
        return Result(case, "finding", detail, f"warning {place}")
    return result


def _odd_line(case: Case, line: str) -> Result:
    return Result(case, "finding", f"its message is no plain line: {line[:200]!r}", f"message {len(line) > 1500}")


def _bound_memory(memory: int) -> None:
    """Bounds the address space to what the process has now and ``memory`` more, where the system tells what it has."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
