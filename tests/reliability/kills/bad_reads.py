"""A disk on which one chosen reading fails: a file that cannot be opened, or one whose bytes do not come."""

import builtins
import errno
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LISTINGS = ("os.listdir", "os.scandir")
"""Audit events of reading a folder."""


@dataclass(frozen=True)
class BadRead:
    """Which reading fails, and how."""

    at: int
    """Number of the reading, from 1."""
    number: int = errno.EIO
    """The error."""

    def __str__(self) -> str:
        return f"reading {self.at} fails ({errno.errorcode[self.number]})"


NEVER = BadRead(sys.maxsize)


class BadDisk:
    """Counts the readings below some folders and lets one of them fail.

    A reading is an open for it, a look into a folder, or a call that takes bytes out of a file, as Python sees them:
    what native code opens by itself (safetensors) is not seen.
    """

    def __init__(self) -> None:
        self.folders: tuple[str, ...] = ()
        self.failure = NEVER
        self.step = 0
        self.failed: Path | None = None
        """The file or folder of the reading that failed."""
        self.calls: tuple[int, Callable[[], None]] | None = None
        self._lock = threading.Lock()  # scenes are read by several threads
        sys.addaudithook(self._hook)

    @contextmanager
    def at_work(
        self, *folders: Path, failure: BadRead = NEVER, calls: tuple[int, Callable[[], None]] | None = None
    ) -> Iterator[None]:
        """Readings below the folders are counted in `step` and fail as told inside the block.

        ``calls``: the number of a reading, and what happens just before it, which is not counted.
        """
        with pytest.MonkeyPatch.context() as patch:
            for module in (builtins, io):
                patch.setattr(module, "open", self._open)
            self.folders, self.failure = tuple(map(str, folders)), failure
            self.step, self.failed, self.calls = 0, None, calls
            try:
                yield
            finally:
                self.folders = ()

    def meet(self, path: object) -> None:
        """One more reading: it fails if its turn has come."""
        with self._lock:
            self.step += 1
            now = self.step == self.failure.at
            if self.calls is not None and self.step == self.calls[0]:
                folders, self.folders = self.folders, ()
                self.calls[1]()
                self.folders = folders
        if now:
            self.failed = Path(os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "")
            raise OSError(self.failure.number, os.strerror(self.failure.number))

    def watches(self, path: object) -> bool:
        """Whether a path is below one of the folders."""
        return isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(self.folders or ("\0",))

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folders or not (event == "open" or event in LISTINGS) or not self.watches(arguments[0]):
            return
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        self.meet(arguments[0])

    def _open(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
        if set(mode) & set("wax+") or not self.watches(file):
            return _OPEN(file, mode, buffering, *rest, **options)
        raw = _Raw(file, self.meet)
        if buffering == 0:
            return raw
        stream = io.BufferedReader(raw)
        return stream if "b" in mode else io.TextIOWrapper(stream, *rest, **options)


_OPEN = io.open


class _Raw(io.FileIO):
    """A file each of whose reads is a reading."""

    def __init__(self, file: Any, meet: Callable[[object], None]) -> None:
        super().__init__(file, "r")
        self._meet = meet

    def read(self, size: Any = -1) -> Any:
        self._meet(self.name)
        return super().read(size)

    def readall(self) -> bytes:
        self._meet(self.name)
        return super().readall()

    def readinto(self, buffer: Any) -> Any:
        self._meet(self.name)
        return super().readinto(buffer)
