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
        self.working = False
        """Whether the command is at work; before, there is nothing to tidy up, and the process may just end."""
        self.ended_by: int | None = None
        """The signal that came, if one did."""

    def take(self) -> None:
        """Installs the handlers. A signal that is ignored stays so: a shell starts jobs in the background that way."""
        for number in ANSWERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._end)

    def release(self) -> None:
        """Gives the signals back to the system: what comes now ends the process without a word."""
        for number in ANSWERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Around imports: pycolmap takes SIGTERM, to print the stack of its code. What comes waits until it is ours."""
        if sys.platform == "win32":
            yield
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            yield
        finally:
            self.take()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Around what a command does. After a signal, what leaves the block is the signal, whatever became of it.

        Libraries turn what is raised inside them into errors of their own.
        """
        self.working = True
        try:
            yield
        except BaseException as error:
            if self.ended_by is None or isinstance(error, tuple(ANSWERS.values())):
                raise
            raise ANSWERS[signal.Signals(self.ended_by)] from error
        finally:
            self.working = False

    def _end(self, number: int, frame: object) -> None:
        if not self.working and self.ended_by is None:
            # Raised inside an import, the signal would be lost where one module does without another that fails.
            if number == signal.SIGINT:
                os.write(2, b"gsseg: interrupted\n")
            end_now(128 + number)
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
