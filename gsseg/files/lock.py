"""One writer at a time for a folder, and for the hidden file that becomes another."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.remove import remove_file

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
def locked(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Nobody else who asks for it writes to the folder inside the block.

    Waits ``patience`` seconds for another writer and then raises `InputError`, which says who that is. Where the system
    knows no such locks (Windows, some network disks) or the folder is gone, nobody waits.
    """
    with _locked(folder / LOCK, folder, patience):
        yield


@contextmanager
def locked_beside(path: Path) -> Iterator[None]:
    """As `locked`, for a file or folder that is replaced as a whole: its lock lies beside it, named after it."""
    with _locked(path.with_name(f".{path.name}{LOCK}"), path, 0.0):
        yield


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Makes a file and holds it inside the block, so that others can tell it from one whose writer died.

    OSError where it cannot be made.
    """
    descriptor = _make(path)
    try:
        yield
    finally:
        os.close(descriptor)


def is_abandoned(path: Path) -> bool:
    """Whether a file that was made by `held` has no process any more; False where the system cannot tell."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def _locked(path: Path, subject: Path, patience: float) -> Iterator[None]:
    descriptor = _acquire(path, subject, time.monotonic() + patience)
    try:
        yield
    finally:
        if descriptor is not None:
            try:
                remove_file(path)  # while it is held: who waits for this file sees that it is gone
            finally:
                os.close(descriptor)


def _acquire(path: Path, subject: Path, until: float) -> int | None:
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
                raise InputError(subject, problem, "wait for it, or name another folder") from None
            time.sleep(_PAUSE)
            continue
        except OSError:  # a disk without locks
            os.close(descriptor)
            return None
        if _is_there(path, descriptor):
            _name_owner(descriptor)
            return descriptor
        os.close(descriptor)  # the earlier holder removed the file between our two calls


def _name_owner(descriptor: int) -> None:
    """Writes who holds a lock into its file; on a full disk it holds without a name."""
    try:
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    except BaseException:  # an interrupt here would leave a lock that nobody knows of
        os.close(descriptor)
        raise


def _make(path: Path) -> int:
    """The descriptor that holds a new file, as far as the system knows locks."""
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_there(path, descriptor):
            return descriptor
        os.close(descriptor)  # somebody took it for abandoned between our two calls


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
