"""Warnings of libraries about a file that is being read: they say what a user cannot act on, and on stderr."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Filters:
    """Python's filters belong to the whole process: the first thread that reads sets them aside, the last puts them
    back, and threads do not wait for each other."""

    def __init__(self) -> None:
        self._lock, self._inside, self._saved = threading.Lock(), 0, warnings.catch_warnings()

    def enter(self) -> None:
        """One more thread wants no warnings."""
        with self._lock:
            if not self._inside:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def leave(self) -> None:
        """One thread less."""
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._saved.__exit__(None, None, None)


_filters = _Filters()


@contextmanager
def no_warnings() -> Iterator[None]:
    """Inside the block, as long as it lasts, nobody is warned of anything."""
    _filters.enter()
    try:
        yield
    finally:
        _filters.leave()
