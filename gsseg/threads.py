"""Two cores or sixty-four: one way to use them all from compiled code that holds no interpreter lock.

Numba's own parallel loops may not be entered from two Python threads at once (its portable threading
layer ends the process), which a viewer does; plain threads over ``nogil`` functions have no such limit.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

Result = TypeVar("Result")


def thread_count() -> int:
    """Processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_POOL = ThreadPoolExecutor(max_workers=thread_count(), thread_name_prefix="gsseg")


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
    return [future.result() for future in [_POOL.submit(job) for job in jobs]]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Inside the block torch works on one thread: its small operations gain nothing from more, and its own pool
    waiting in a spin would take the processors from the compiled products that do the work."""
    import torch  # here, so that what only reads a compressed scene needs no torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
