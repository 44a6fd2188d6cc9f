"""Commands on this machine, some at a time."""

import queue
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from gsseg.batch.command import end, run_command
from gsseg.batch.engine import Job, Outcome
from gsseg.threads import thread_count


class LocalEngine:
    """Runs at most ``workers`` commands at a time, which share the processors."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
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
        """Starts a thread that waits for the command."""
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
            status, seconds = run_command(job.command, job.folder, job.log, self._threads, started)
            self._done.put(Outcome(job, status, seconds))
        except BaseException as error:  # whoever waits has to hear of it
            self._done.put(error)
        finally:
            with self._lock:
                self._running.difference_update(mine)
