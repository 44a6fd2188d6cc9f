"""Standard output, whose reader may leave at any time without undoing the work."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gsseg.errors import InputError


def say(*lines: str) -> None:
    """Prints lines; nothing where nobody reads them any more. `InputError` where the disk they go to is full."""
    with _reader_may_leave():
        print(*lines, sep="\n")


def flush() -> None:
    """Hands on what was printed; otherwise as `say`."""
    with _reader_may_leave():
        sys.stdout.flush()


def let_go() -> None:
    """From now on what is printed goes nowhere, and so does what was kept back for the last flush."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        let_go()
        if not isinstance(error, BrokenPipeError):
            problem = f"cannot be written ({error.strerror})"
            raise InputError("standard output", problem, "send it to another place") from error
