"""What runs commands: several at a time, here or on other machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Job:
    """A command to be run once."""

    scene: str
    """Name of its scene."""
    label: str
    """As `gsseg.batch.plan.Step.label`."""
    command: tuple[str, ...]
    """Program and arguments."""
    folder: Path
    """Where it is run."""
    log: Path
    """File that its output goes to."""
    cpus: float
    """Processors that it takes."""
    gpus: float | None
    """GPUs that it takes; None: one where there is any."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    job: Job
    """Which."""
    status: int | None
    """Its exit status, negative where a signal ended it; None: who ran it died."""
    seconds: float
    """From its start to its end."""


@runtime_checkable
class Engine(Protocol):
    """Runs jobs; a job whose runner dies comes back like any other."""

    @property
    def room(self) -> int:
        """How many further jobs it should be given now; what it has no processors for yet may wait in it."""
        ...

    def submit(self, job: Job) -> None:
        """Takes a job and returns at once."""
        ...

    def wait(self) -> Sequence[Outcome]:
        """The jobs that have ended since the last call, one at least; only to be called while some are running."""
        ...

    def close(self) -> None:
        """Ends what is still running, and waits for that."""
        ...
