"""Two cores or sixty-four: one way to use them all from compiled code that holds no interpreter lock.

Numba's own parallel loops may not be entered from two Python threads at once (its portable threading
layer ends the process), which a viewer does; plain threads over ``nogil`` functions have no such limit.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

Result = TypeVar("Result")


def thread_count() -> int:
    """Processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _new_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=thread_count(), thread_name_prefix="gsseg")


_pool = _new_pool()


def _after_fork() -> None:
    """A forked process has none of its parent's threads: jobs given to the old pool would wait for ever."""
    global _pool, _torch
    _pool, _torch = _new_pool(), _TorchThreads()


def spans(length: int, parts: int | None = None) -> list[tuple[int, int]]:
    """Cuts ``range(length)`` into at most ``parts`` (default: one a thread) runs of nearly equal length."""
    parts = max(1, min(parts or thread_count(), length))
    edges = [length * i // parts for i in range(parts + 1)]
    return list(pairwise(edges))


def run_all(jobs: Iterable[Callable[[], Result]]) -> list[Result]:
    """Runs the jobs on the shared threads and returns their results in order; an exception is raised here.

    A job must not call `run_all` itself: it would wait for a thread that it occupies.
    """
    jobs = list(jobs)
    if len(jobs) == 1:
        return [jobs[0]()]
    futures = [_pool.submit(job) for job in jobs]
    try:
        return [future.result() for future in futures]
    except BaseException:
        # Nobody waits for the others any more. Those at work end before the caller tidies up behind them.
        wait([future for future in futures if not future.cancel()])
        raise


class _TorchThreads:
    """How many blocks want torch on one thread, and what it had before the first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocks = 0
        self.before = 1


_torch = _TorchThreads()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Inside the block torch works on one thread: its small operations gain nothing from more, and its own pool
    waiting in a spin would take the processors from the compiled products that do the work. Blocks may overlap on
    several threads: the last one out restores what the first one found."""
    import torch  # here, so that what only reads a compressed scene needs no torch

    with _torch.lock:
        if _torch.blocks == 0:
            _torch.before = torch.get_num_threads()
            torch.set_num_threads(1)
        _torch.blocks += 1
    try:
        yield
    finally:
        with _torch.lock:
            _torch.blocks -= 1
            if _torch.blocks == 0:
                torch.set_num_threads(_torch.before)
