"""The newest of many jobs, on a thread of its own."""

import threading
from collections.abc import Callable


class Latest:
    """Does the newest of the jobs it is given, one at a time, on a thread that lives as long as there are any."""

    def __init__(self) -> None:
        """Idle."""
        self._lock = threading.Lock()
        self._next: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None

    def do(self, job: Callable[[], None]) -> None:
        """Soon, unless another one comes before it has begun."""
        with self._lock:
            self._next = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="drawing", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Until everything is done."""
        with self._lock:  # else it may be there and not have started
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                job, self._next = self._next, None
                if job is None:
                    self._thread = None
                    return
            try:
                job()
            except BaseException:
                with self._lock:
                    self._thread = None
                raise
