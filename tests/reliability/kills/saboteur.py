"""A file system that fails at a chosen step: the process dies there, or an operation is refused."""

import builtins
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

EVENTS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate", "open")
"""Audit events of operations that change the file system; ``os.rename`` is also that of ``os.replace``."""

EXCHANGES = ("renameat2", "renamex_np")
"""The system's exchange of two folders, which is called through ctypes: its look-up is seen, the call itself is not."""


Kind = Literal["dies", "refused once", "refused from there on"]
"""The process ends there; the operation fails; it fails and so do all that follow."""


class Died(BaseException):
    """What ends a process; nobody catches it."""


@dataclass(frozen=True)
class Failure:
    """What happens, and from which operation on."""

    at: int
    """Number of the operation, from 1."""
    kind: Kind
    number: int = errno.EIO
    """The error of a refusal."""

    def __str__(self) -> str:
        return f"{self.kind} at operation {self.at} ({'kill' if self.kind == 'dies' else errno.errorcode[self.number]})"


NEVER = Failure(sys.maxsize, "dies")


class Saboteur:
    """Counts the operations below a folder and lets one of them fail, or that and all that follow."""

    def __init__(self) -> None:
        self.folder = ""
        self.failure = NEVER
        self.step = 0
        sys.addaudithook(self._hook)

    @contextmanager
    def at_work(self, folder: Path, failure: Failure = NEVER) -> Iterator[None]:
        """Operations below ``folder`` are counted in `step` and fail as told inside the block."""
        real = {name: getattr(os, name) for name in ("fsync", "pwrite")}
        with pytest.MonkeyPatch.context() as patch:
            for module in (builtins, io):
                patch.setattr(module, "open", self._open)
            for name, call in real.items():
                patch.setattr(os, name, self._counted(call))
            patch.setattr("shutil._USE_CP_SENDFILE", False)  # else the kernel copies, where nobody can look
            self.folder, self.failure, self.step = str(folder), failure, 0
            try:
                yield
            finally:
                self.folder = ""

    def meet(self, before: Callable[[], object] = lambda: None) -> None:
        """One more operation: it fails if its turn has come, after what it has done ``before``."""
        self.step += 1
        failure = self.failure
        if self.step == failure.at or (self.step > failure.at and failure.kind != "refused once"):
            if self.step == failure.at:
                before()
            if failure.kind == "dies":
                raise Died
            raise OSError(failure.number, os.strerror(failure.number))

    def watches(self, path: object) -> bool:
        """Whether a path is below the folder. Below rmtree names are relative; nothing else runs here meanwhile."""
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        return bool(self.folder) and bool(text) and (text.startswith(self.folder) or not text.startswith("/"))

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder:
            return
        if event == "ctypes.dlsym" and self.failure.kind == "dies" and arguments[1] in EXCHANGES:
            self.meet()
        if event not in EVENTS or not self.watches(arguments[0]):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        self.meet()

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.meet()
            return call(*arguments)

        return counted

    def _open(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
        if buffering != -1 or not set(mode) & set("wax") or "+" in mode or not self.watches(file):
            return _OPEN(file, mode, buffering, *rest, **options)
        stream = io.BufferedWriter(_Raw(file, mode.strip("bt"), self))
        return stream if "b" in mode else io.TextIOWrapper(stream, *rest, **options)


_OPEN = io.open


class _Raw(io.FileIO):
    """A file each of whose writes is an operation; one that fails has written half."""

    def __init__(self, file: Any, mode: str, saboteur: Saboteur) -> None:
        super().__init__(file, mode)
        self._saboteur = saboteur

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._saboteur.meet(lambda: super(_Raw, self).write(view[: len(view) // 2]))
        return super().write(view)
