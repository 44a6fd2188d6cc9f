"""What a command says: words and a last line of JSON on stdout, bars on stderr."""

import json
import math
import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from gsseg.cli.stdout import flush, say


@dataclass(frozen=True)
class Output:
    """How much a command says."""

    quiet: bool = False
    """Say nothing but errors and the line of --json."""
    json: bool = False
    """Print a machine-readable summary as the last line of stdout."""

    def say(self, *lines: str) -> None:
        """Lines for a person."""
        if not self.quiet:
            say(*lines)

    def table(self, rows: list[tuple[str, str]]) -> None:
        """Label and value, one pair a line."""
        width = max((len(label) for label, _ in rows), default=0)
        self.say(*(f"{label:{width}}  {value}" for label, value in rows))

    def finish(self, summary: Any) -> None:
        """The summary as one line of strict JSON, if it was asked for."""
        if self.json:
            say(json.dumps(_strict(summary)))

    def progress(self) -> "Stages":
        """Shows the progress of stages while its block runs."""
        return Stages(self.quiet)


class Stages:
    """One bar for each stage on a terminal's stderr; elsewhere one plain line on stdout when a stage is done.

    Plain lines stay away from stderr, which holds the one line of an error and nothing else.
    """

    def __init__(self, quiet: bool) -> None:
        columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        bars = not quiet and sys.stderr.isatty()
        self._bars = Progress(*columns, console=Console(stderr=True)) if bars else None
        self._plain = not quiet and not bars
        self._tasks: dict[str, TaskID] = {}
        self._stage, self._started = "", time.perf_counter()
        self._heard = self._started

    def __enter__(self) -> "Stages":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()
        elif kind is None:
            self._end_stage(time.perf_counter())

    def __call__(self, stage: str, done: int, total: int, words: str = "") -> None:
        """The library's progress callback; ``words`` stand behind the name of the bar."""
        if self._bars:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage)
            name = f"{stage}  {words}" if words else stage
            self._bars.update(self._tasks[stage], completed=done, total=total, description=name)
            return
        if stage != self._stage:
            # A stage is heard of first when a step of it is done: it began where the one before was last heard of.
            self._end_stage(self._heard)
            self._stage = stage
        self._heard = time.perf_counter()

    def line(self, text: str) -> None:
        """A line in the middle of a stage, where no bar shows how far it is."""
        if self._plain:
            say(text)
            flush()

    def _end_stage(self, now: float) -> None:
        if self._plain and self._stage:
            say(f"{self._stage}: {now - self._started:.1f} s")
            flush()
        self._stage, self._started = "", now


def _strict(value: Any) -> Any:
    """JSON knows no NaN and no infinity; they become null."""
    if isinstance(value, dict):
        return {str(key): _strict(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
