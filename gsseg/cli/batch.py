"""``gsseg batch``: the same stages over many scenes, and one table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gsseg.batch import BatchPlan, Engine, LocalEngine, run_batch
from gsseg.cli.command import Command, at_least, parse_command
from gsseg.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Batch(Command):
    """Prepare, learn splats and masks, train and score every scene of a list, and put the scores in one table.

    A scene that fails stops no other. The same command goes on where it was: what is done is not done again, and
    changed options do their stage and those behind it again. docs/datasets.md shows how a list is written.
    """

    plan: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LIST")]
    """YAML or JSON: scenes, and the options of each stage."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of results: DIR/SCENE/scene, DIR/SCENE/run, and summary.json, .md and .csv. Without it: LIST's name
    without its ending."""
    engine: Literal["local", "ray"] = "local"
    """Where commands run: on this machine, or on those of a Ray cluster (extra ray), which see the same files."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Commands at a time on this machine, which share its processors; without it one a GPU, 1 without any, or with Ray
    all it has. A command sees only the GPU that it was given."""
    ray_address: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT")] = None
    """Address of a running Ray cluster. Without it one is started on this machine."""
    retries: int = 1
    """How often a stage is tried again that failed for another reason than its input."""

    @property
    def writes(self) -> Path:
        """The folder of results."""
        return self._out

    @property
    def resumes_with(self) -> list[str]:
        """The same command goes on by itself."""
        return []

    @property
    def _out(self) -> Path:
        return self.out or self.plan.with_suffix("")

    def execute(self) -> None:
        """Runs what is left to do, and prints the table."""
        at_least("--workers", self.workers, 1)
        at_least("--retries", self.retries, 0)
        if self.ray_address is not None and self.engine != "ray":
            raise InputError("--ray-address", "is of --engine ray", "add it")
        plan = BatchPlan.read(self.plan, self._out)
        if plan.out == self.plan.absolute():
            raise InputError(self.plan, "would be its own folder of results", "give --out DIR")
        with self.output.progress() as shown:

            def tell(scene: str, what: str, done: int, total: int) -> None:
                shown("steps", done, total, f"{scene} {what}")
                if not what.endswith("..."):
                    shown.line(f"{scene} {what}")

            summary = run_batch(plan, self._engine(), self.retries, tell)
        summary.write(plan.out)
        rows = summary.table()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
            self.output.say("  ".join([f"{row[0]:{widths[0]}}", *cells]))
        self.output.say(f"in {plan.out / 'summary.md'}, .csv and .json")
        self.output.finish({"out": str(plan.out), **summary.values()})
        if summary.failed:
            first, count = summary.failed[0], len(summary.failed)
            where = f"{first.scene} at {first.failed}: {first.error}".rstrip(".; ")
            problem = f"{count} of {len(summary.scenes)} scenes failed, {where}"
            raise InputError(plan.out, problem, "mend it and run the same again: what is done is not done again")

    def _engine(self) -> Engine:
        if self.engine == "local":
            return LocalEngine(self.workers)
        from gsseg.batch.on_ray import RayEngine

        return RayEngine(self.ray_address, self.workers)


def parse(args: list[str]) -> Batch:
    """Options of ``gsseg batch``."""
    return parse_command("batch", Batch, args)
