"""``gsseg splats``: photos and poses to splats."""

import shlex
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from gsseg.cli.command import Command, ScenePath, at_least, parse_command
from gsseg.cli.device import Device, renders_on
from gsseg.cli.output import Stages
from gsseg.cli.process import Terminated
from gsseg.errors import InputError
from gsseg.files.remove import remove_file
from gsseg.io.ply import write_splats
from gsseg.io.splat_format import inria_columns
from gsseg.memory import peak_memory_mb
from gsseg.splats import SplatConfig, SplatTrainer
from gsseg.splats.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from gsseg.splats.photos import PhotoCache
from gsseg.splats.report import write_preview, write_splat_report
from gsseg.splats.scene import SplatScene, load_splat_scene
from gsseg.splats.score import HeldOut, score_views

SAVE_SECONDS = 60.0
"""Between two checkpoints."""
SAID = 10
"""Lines that a training says where it has no bar to show."""
MOST_SCORED = 8
"""Training photos that are scored where none is kept apart."""


@dataclass(frozen=True)
class SplatOptions(SplatConfig):
    """`SplatConfig` as options: ``--config.VALUE``, but for these, which have short names."""

    iterations: Annotated[int, tyro.conf.arg(prefix_name=False, metavar="STEPS")] = SplatConfig.iterations
    """Steps of training, one photo each; resolution, growth and rates follow the share of them that is done."""
    max_gaussians: Annotated[int, tyro.conf.arg(prefix_name=False, metavar="N")] = SplatConfig.max_gaussians
    """Gaussians are added up to this many. More are sharper, slower and larger."""
    sh_degree: Annotated[int, tyro.conf.arg(prefix_name=False)] = SplatConfig.sh_degree
    """How much colours may change with the direction of view: 0 (not at all) to 3."""
    freeze_points: Annotated[bool, tyro.conf.arg(prefix_name=False)] = SplatConfig.freeze_points
    """One Gaussian a point, in the points' order; positions stay, and none is added or removed."""
    seed: Annotated[int, tyro.conf.arg(prefix_name=False)] = SplatConfig.seed
    """Decides every random choice: the same seed gives the same splats, to the bit, without --time-budget."""


SHORT = {f"config.{name}": "--" + name.replace("_", "-") for name in
         ("iterations", "max_gaussians", "sh_degree", "freeze_points", "seed")}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Splats(Command):
    """Learn Gaussian splats from the photos and cameras of a scene and write them as a PLY.

    SCENE needs cameras (transforms.json or COLMAP's sparse/0) and their photos; sparse points are where splats start
    from, and are found in the photos where there are none. The splats lie in the world of the cameras. Beside them come
    a report (.html), a preview (.png) and, until training is done, a checkpoint.
    """

    scene: ScenePath
    """Folder with cameras, photos and sparse points; data/README.md shows the layouts that are read."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="PLY")] = None
    """File for the splats. Without it: SCENE/splats.ply."""
    overwrite: bool = False
    """Replace splats that are there."""
    resume: bool = False
    """Go on where an interrupted training of the same input and options was."""
    time_budget: Annotated[float | None, tyro.conf.arg(metavar="MINUTES")] = None
    """End after so many minutes, with all phases of training shortened to fit."""
    test_every: Annotated[int, tyro.conf.arg(metavar="N")] = 8
    """Keep every N-th photo by name apart, to score with; 0 = train on all."""
    test_views: Annotated[Path | None, tyro.conf.arg(metavar="JSON")] = None
    """Keep the photos apart that this JSON list names."""
    downscale: Annotated[int | None, tyro.conf.arg(aliases=["-r"], metavar="N")] = None
    """Train at 1/N of the photos' width and height."""
    max_side: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1000
    """Photos are shrunk until their longer side has at most this many pixels; 0 = never."""
    device: Device = "auto"
    """Where splats are learnt; auto = a GPU where gsplat can use one, else the processor."""
    config: SplatOptions = field(default_factory=SplatOptions)
    """Advanced, rarely needed: rates and schedules."""

    @property
    def target(self) -> Path:
        """The PLY."""
        return self.scene / "splats.ply" if self.out is None else self.out

    @property
    def writes(self) -> Path:
        """The PLY."""
        return self.target

    @property
    def resumes_with(self) -> list[str]:
        """The same command line and this."""
        return ["--resume"]

    @property
    def checkpoint(self) -> Path:
        """What an interrupted training left; gone when it is done."""
        return self.target.with_suffix(".checkpoint.safetensors")

    def execute(self) -> None:
        """Reads, trains, scores, and says what came out."""
        self._check()
        with self.output.progress() as progress:
            learnt = self.learn(progress)
        self.leave(learnt)
        self._tell(learnt)

    def learn(self, progress: Stages) -> "Learnt":
        """Reads, trains and scores; writes the PLY, which an interrupt leaves too, and a checkpoint beside it."""
        device: Literal["cpu", "cuda"] = "cuda" if renders_on(self.device, self.output).type == "cuda" else "cpu"
        size = (self.downscale, self.max_side or None)
        kept_apart = (self.test_every, self.test_views)
        denser = not self.config.freeze_points
        scene = load_splat_scene(self.scene, self.target, *size, *kept_apart, self.config.seed, progress, denser=denser)
        trainer = SplatTrainer(self.config, scene.train, scene.points, device)
        _read_all(scene, trainer, progress)
        key = fingerprint(trainer, scene.points)
        if self.resume and self.checkpoint.exists():
            load_checkpoint(self.checkpoint, trainer, key)
        self.output.say(*scene.notes)
        save_checkpoint(self.checkpoint, trainer, key)
        try:
            trainer.run(_Watch(self, scene, key, progress), self._seconds)
        except (KeyboardInterrupt, Terminated):
            self._write(trainer)
            self.output.say(f"stopped after {trainer.steps} steps; {self.target} holds what was learnt so far")
            raise
        self._write(trainer)
        return Learnt(scene, trainer, score_views(trainer.gaussians, scene.test or scene.train[:MOST_SCORED]))

    def leave(self, learnt: "Learnt") -> None:
        """Writes report and preview, and takes the checkpoint away; `InputError` where the disk refuses that."""
        name = self.scene.resolve().name or "scene"
        scene, trainer, scores = learnt.scene, learnt.trainer, learnt.scores
        write_splat_report(self._report, name, trainer, scores, scene.notes, bool(scene.test))
        write_preview(self.target.with_suffix(".png"), scores[0])
        if not remove_file(self.checkpoint):
            problem = "could not be removed, though the splats are done"
            raise InputError(self.checkpoint, problem, "delete it, or give the same command and --resume")

    @property
    def _report(self) -> Path:
        return self.target.with_suffix(".html")

    @property
    def _seconds(self) -> float | None:
        return None if self.time_budget is None else 60.0 * self.time_budget

    def _check(self) -> None:
        for option, value, least in (("-r", self.downscale, 1), ("--max-side", self.max_side, 0),
                                     ("--test-every", self.test_every, 0)):  # fmt: skip
            at_least(option, value, least)
        if self.time_budget is not None and not 0 < self.time_budget < float("inf"):
            raise InputError("--time-budget", f"is {self.time_budget}, must be above 0", "give minutes")
        if self.target.suffix.lower() != ".ply":
            raise InputError(self.target, "does not end in .ply", "give the name of a PLY")
        if self.target.exists() and not self.overwrite and not self.resume:
            problem = "is there already"
            raise InputError(self.target, problem, "give --overwrite to replace it, or another place with --out")

    def _write(self, trainer: SplatTrainer) -> None:
        write_splats(self.target, inria_columns(trainer.gaussians), comments=["made by gsseg splats"])

    def _tell(self, learnt: "Learnt") -> None:
        scene, trainer, scores = learnt.scene, learnt.trainer, learnt.scores
        means = {key: float(np.mean([getattr(s, key) for s in scores])) for key in ("psnr", "fitted_psnr", "ssim")}
        kind = f"{len(scores)} photos " + ("kept apart" if scene.test else "trained on")
        self.output.table(
            [
                ("splats", f"{self.target}: {len(trainer)} Gaussians"),
                ("quality", f"{means['psnr']:.2f} dB, SSIM {means['ssim']:.3f} on {kind}"),
                ("", f"{means['fitted_psnr']:.2f} dB with each photo's exposure fitted"),
                ("cost", f"{trainer.steps} steps in {trainer.seconds:.0f} s, {peak_memory_mb():.0f} MB at most"),
                ("processors", f"{time.process_time():.0f} s of this process on all of them together"),
                ("report", str(self._report)),
                ("next", shlex.join(["gsseg", "train", "-s", str(self.scene), "-m", "RUN"])),
            ]
        )
        self.output.finish(
            {
                "splats": str(self.target), "report": str(self._report), "gaussians": len(trainer),
                "steps": trainer.steps, "seconds": trainer.seconds, "processor_seconds": time.process_time(),
                "peak_rss_mb": peak_memory_mb(),
                "photos": {"train": len(scene.train), "test": len(scene.test)}, "scores": means,
                "views": {s.name: {"psnr": s.psnr, "ssim": s.ssim} for s in scores},
                "config": asdict(self.config),
            }
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Learnt:
    """A training that has ended."""

    scene: SplatScene
    """What it was given."""
    trainer: SplatTrainer
    """The splats, and how they came about."""
    scores: list[HeldOut]
    """Of the photos kept apart; of some of those trained on where there are none."""


class _Watch:
    """Called after every step: the bar, a line now and then, checkpoint and preview."""

    def __init__(self, command: Splats, scene: SplatScene, key: str, progress: Stages) -> None:
        self.command, self.scene, self.key, self.progress = command, scene, key, progress
        self.saved = time.monotonic()
        self.said = 0

    def __call__(self, trainer: SplatTrainer) -> None:
        share = trainer.share(self.command._seconds)
        left = trainer.seconds * (1.0 / share - 1.0)
        words = f"{trainer.psnr:.1f} dB, {len(trainer)} Gaussians, {left:.0f} s left"
        total = trainer.config.iterations
        self.progress("splats", round(total * share), total, words)
        if int(SAID * share) > self.said:
            self.said = int(SAID * share)
            self.progress.line(f"step {trainer.steps}: {words}")
        if time.monotonic() - self.saved > SAVE_SECONDS:
            save_checkpoint(self.command.checkpoint, trainer, self.key)
            view = (self.scene.test or self.scene.train)[:1]
            write_preview(self.command.target.with_suffix(".png"), score_views(trainer.gaussians, view)[0])
            self.saved = time.monotonic()


def _read_all(scene: SplatScene, trainer: SplatTrainer, progress: Stages) -> None:
    """Every photo once: what cannot be read is said before training, not in the middle of it."""
    for index in range(len(scene.train)):
        trainer.photos.read(index, trainer.shrink(0.0))
        progress("photos", index + 1, len(scene.train))
    apart = PhotoCache(scene.test, 1)
    for index in range(len(scene.test)):
        apart.read(index, 1)


def parse(args: list[str]) -> Splats:
    """Options of ``gsseg splats``."""
    return parse_command("splats", Splats, args, SHORT)
