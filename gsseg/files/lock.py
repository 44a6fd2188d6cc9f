"""One writer at a time for a folder."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gsseg.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK = ".lock"
"""The file in a folder that its writer holds: its process id and host. The lock itself is the system's, so it ends with
the process however that dies, and a file that was left behind holds nobody up."""

_PAUSE = 0.05
"""Seconds between two tries."""


@contextmanager
def locked(folder: Path, *, patience: float = 0.0, name: str = LOCK) -> Iterator[None]:
    """Nobody else who asks for it writes to the folder inside the block.

    ``name``: of the lock's file, for what is not the whole folder. Waits ``patience`` seconds for another writer and
    then raises `InputError`, which says who that is. Where the system knows no such locks (Windows, some network disks)
    or the folder is gone, nobody waits.
    """
    path = folder / name
    descriptor = _acquire(path, time.monotonic() + patience)
    try:
        yield
    finally:
        if descriptor is not None:
            try:
                path.unlink()  # while it is held: who waits for this file sees that it is gone
            except OSError:
                pass
            finally:
                os.close(descriptor)


def _acquire(path: Path, until: float) -> int | None:
    """The descriptor that holds the lock; None where there are no locks."""
    if fcntl is None:
        return None
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 200).decode("utf-8", "replace").strip()
            os.close(descriptor)
            if time.monotonic() >= until:
                problem = f"is being written to by another gsseg ({owner or 'process unknown'})"
                raise InputError(path.parent, problem, "wait for it, or name another folder") from None
            time.sleep(_PAUSE)
            continue
        except OSError:  # a disk without locks
            os.close(descriptor)
            return None
        if _is_there(path, descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
            return descriptor
        os.close(descriptor)  # the earlier holder removed the file between our two calls


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
