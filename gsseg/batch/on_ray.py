"""Commands on the machines of a Ray cluster, each where its processors and GPUs are free.

https://docs.ray.io. All machines have to see the same files under the same paths. The extra ``ray`` brings it.
"""

import time
from collections.abc import Sequence
from typing import Any

from gsseg.batch.command import run_command
from gsseg.batch.engine import Job, Outcome
from gsseg.errors import InputError

ADDRESS_HELP = "give the address that ray start --head prints, or none for a Ray of this machine alone"


class RayEngine:
    """Gives every command to Ray as a task of its own process, whose death is told and harms no other."""

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        """Connects to ``address``; None starts a Ray of this machine, of ``workers`` processors where that is given.

        `InputError` without Ray, and where nobody answers.
        """
        try:
            import ray  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            remedy = "install it: pip install 'gsseg[ray]'; or leave it out: --engine local"
            raise InputError("--engine ray", f"needs the library Ray ({error})", remedy) from error
        self._ray: Any = ray
        try:
            quiet = {"log_to_driver": False, "logging_level": "ERROR"}
            if address is None:
                ray.init(num_cpus=workers, include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise InputError(address or "Ray", f"cannot be reached ({error})", ADDRESS_HELP) from error
        # Of a task whose worker dies the schedule decides, which counts tries: Ray itself must not run it again.
        self._task: Any = ray.remote(max_retries=0, max_calls=1)(run_command)
        self._jobs: dict[Any, tuple[Job, float]] = {}

    @property
    def room(self) -> int:
        """Without end: Ray keeps what it has no place for, and that may change when machines join."""
        return 1 << 30

    def submit(self, job: Job) -> None:
        """`InputError` where no machine of the cluster could ever run it."""
        there = self._ray.cluster_resources()
        # Where the cluster has no GPU, what takes one if there is any does without.
        gpus = min(1.0, there.get("GPU", 0)) if job.gpus is None else job.gpus
        if gpus > there.get("GPU", 0) or job.cpus > there.get("CPU", 0):
            has = f"{there.get('CPU', 0):g} processors and {there.get('GPU', 0):g} GPUs"
            problem = f"asks for {job.cpus:g} processors and {gpus:g} GPUs, and the cluster has {has}"
            raise InputError(job.label, problem, "ask for less under cpus and gpus, or add machines")
        threads = max(1, int(job.cpus))
        task = self._task.options(num_cpus=job.cpus, num_gpus=gpus, name=f"{job.scene} {job.label}")
        # Ray tells a task which cards are its own; one that has none must see none, which not every Ray arranges.
        hidden = {"cards": []} if gpus == 0 else {}
        self._jobs[task.remote(job.command, job.folder, job.log, threads, **hidden)] = job, time.monotonic()

    def wait(self) -> Sequence[Outcome]:
        """As `Engine`; a task whose worker or machine died has no status."""
        done, _ = self._ray.wait(list(self._jobs), num_returns=1)
        outcomes = []
        for reference in done:
            job, begun = self._jobs.pop(reference)
            try:
                status, seconds = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError:
                raise
            except self._ray.exceptions.RayError:
                status, seconds = None, time.monotonic() - begun
            outcomes.append(Outcome(job, status, seconds))
        return outcomes

    def close(self) -> None:
        """Ends running tasks, and the Ray that was started here."""
        for reference in self._jobs:
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()
