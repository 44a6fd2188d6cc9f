"""The process that a command has to itself: its streams, its signals, and what libraries would say besides."""

import io
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Terminated(BaseException):
    """SIGTERM, raised where the command is, so that it is undone like an interrupt."""


ANSWERS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}
"""What each signal raises."""


class Signals:
    """SIGINT and SIGTERM end the command once; those that follow do not disturb its tidying up."""

    def __init__(self) -> None:
        self.ended_by: int | None = None
        """The signal that came, if one did."""

    def take(self) -> None:
        """Installs the handlers; once more after an import, because some libraries take the signals for themselves.

        A signal that is ignored stays so: a shell starts jobs in the background that way.
        """
        for number in ANSWERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._end)

    def release(self) -> None:
        """Gives the signals back to the system: what comes now ends the process without a word."""
        for number in ANSWERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)

    def _end(self, number: int, frame: object) -> None:
        if self.ended_by is None:
            self.ended_by = number
            raise ANSWERS[signal.Signals(number)]

    def lost(self, thrown: Any) -> None:
        """For `sys.unraisablehook`: Python drops what is raised inside a destructor or a callback of a weak reference.

        A signal that met such a place is sent again, once the place is left. Others are reported as ever.
        """
        if self.ended_by is None or not isinstance(thrown.exc_value, tuple(ANSWERS.values())):
            sys.__unraisablehook__(thrown)
            return
        number, self.ended_by = self.ended_by, None
        threading.Timer(0.02, os.kill, (os.getpid(), number)).start()


@contextmanager
def own_process() -> Iterator[Signals]:
    """Inside the block standard streams exist, libraries neither warn nor log, and signals end the command in order."""
    _open_missing_streams()
    if not sys.warnoptions:  # else the user has asked for warnings: python -W
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    signals = Signals()
    sys.unraisablehook = signals.lost
    signals.take()
    try:
        yield signals
    finally:
        signals.release()


def end_now(status: int) -> None:
    """Ends the process without waiting for threads, whose results nobody wants any more."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)


def _open_missing_streams() -> None:
    """Opens the null device in place of streams that the process was started without (``>&-``).

    Else the first file that a library opens would get the number of standard output, and be written to by what prints.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
