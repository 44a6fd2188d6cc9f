"""Commands on this machine, some at a time, each with a GPU of its own where it takes one."""

import queue
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from gsseg.batch.cards import Cards, cards_here
from gsseg.batch.command import end, run_command
from gsseg.batch.engine import Job, Outcome
from gsseg.errors import InputError
from gsseg.threads import thread_count


class LocalEngine:
    """Runs at most ``workers`` commands at a time, which share the processors; None: as many as there are GPUs.

    ``cards``: names of the GPUs; None: those that PyTorch finds. A command sees only the one that it holds.
    """

    def __init__(self, workers: int | None = 1, cards: Sequence[str] | None = None) -> None:
        self._cards = Cards(cards_here() if cards is None else cards)
        self._workers = workers = workers or max(1, len(self._cards.names))
        self._threads = None if workers == 1 else max(1, thread_count() // workers)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batch")
        self._done: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._count, self._closed = 0, False

    @property
    def room(self) -> int:
        """As many as there are idle workers."""
        return self._workers - self._count

    def submit(self, job: Job) -> None:
        """Starts a thread that waits for the command; `InputError` where it asks for more GPUs than a machine with some
        has. One without any leaves it to the command to do without."""
        there = len(self._cards.names)
        if there and (job.gpus or 0) > there:
            problem = f"asks for {job.gpus:g} GPUs, and this machine has {there}"
            raise InputError(job.label, problem, "ask for less under gpus")
        self._count += 1
        self._pool.submit(self._run, job)

    def wait(self) -> Sequence[Outcome]:
        """As `Engine`; an error of starting a command is raised here."""
        found = [self._done.get()]
        while not self._done.empty():
            found.append(self._done.get())
        self._count -= len(found)
        outcomes = []
        for each in found:
            if isinstance(each, BaseException):
                raise each
            outcomes.append(each)
        return outcomes

    def close(self) -> None:
        """Asks every running command to end."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        self._cards.close()
        for process in running:
            end(process)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: Job) -> None:
        mine: list[subprocess.Popen[bytes]] = []

        def started(process: subprocess.Popen[bytes]) -> None:
            mine.append(process)
            with self._lock:
                self._running.add(process)
                late = self._closed
            if late:
                end(process)

        try:
            wanted = 1.0 if job.gpus is None else job.gpus
            with self._cards.taken(wanted if self._cards.names else 0.0) as mine_alone:
                cards = mine_alone if self._cards.names else None
                status, seconds = run_command(job.command, job.folder, job.log, self._threads, started, cards)
            self._done.put(Outcome(job, status, seconds))
        except BaseException as error:  # whoever waits has to hear of it
            self._done.put(error)
        finally:
            with self._lock:
                self._running.difference_update(mine)
