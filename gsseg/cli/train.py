"""``gsseg train``: the main job."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.command import Command, RunPath, ScenePath, at_least, parse_command, parse_known
from gsseg.cli.device import Device, on_device, renders_on
from gsseg.cli.run_folder import FINISHED, check_run_folder, tell_result
from gsseg.config import Preset, TrainConfig, preset
from gsseg.io.langsplat import MaskLevel
from gsseg.io.mask_formats import SEARCHED_FOLDERS
from gsseg.io.scene_folder import load_scene
from gsseg.pipeline import is_finished, train
from gsseg.render_config import RenderConfig
from gsseg.run import RunLayout


@dataclass(frozen=True)
class TrainOptions(TrainConfig):
    """`TrainConfig` as options: ``--config.STAGE.VALUE``, but for these three, which have short names."""

    pixels_per_view: Annotated[int, tyro.conf.arg(prefix_name=False, metavar="PIXELS")] = TrainConfig.pixels_per_view
    """Pixels of each view that the codebook's loss looks at, spread over its masks; 0 = all."""
    memory_budget_mb: Annotated[int, tyro.conf.arg(prefix_name=False, name="memory-budget", metavar="MB")] = (
        TrainConfig.memory_budget_mb
    )
    """Blending weights kept in memory, MiB; the rest is read from RUN/cache again and again. Changes no result."""
    seed: Annotated[int, tyro.conf.arg(prefix_name=False)] = TrainConfig.seed
    """Decides every random choice: the same seed on the same machine gives the same objects."""


SHORT = {
    "config.pixels_per_view": "--pixels-per-view",
    "config.memory_budget_mb": "--memory-budget",
    "config.seed": "--seed",
}
"""The options whose name is not that of their place in the configuration."""


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Learn features, codes and objects of a scene from its splats and 2-D masks, and write them to RUN.

    SCENE is only read. RUN may be a new or empty folder, or an earlier run, which is replaced when all is done.
    """

    scene: ScenePath
    """Folder with cameras, splats and masks; data/README.md shows the layouts that are read."""
    run: RunPath
    """Folder for the result; it is not left behind where the input turns out to be wrong."""
    splats: Annotated[Path | None, tyro.conf.arg(metavar="PLY")] = None
    """Splats elsewhere than in SCENE. Without it: splats.ply (or .spz, ...), else the last point_cloud/iteration_*."""
    masks: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help=f"Masks elsewhere than in SCENE. Without it: {SEARCHED_FOLDERS}."),
    ] = None
    mask_level: MaskLevel = "default"
    """Which of LangSplat's four sizes of masks."""
    preset: Preset = "default"
    """Where the --config options start from; use default unless you compare with the OpenGaussian paper.
    scannet and lerf only set the paper's codebook sizes, 64 x 5 and 64 x 10 codes, which make worse objects.
    opengaussian sets 64 x 10 codes and the paper's objective."""
    resume: bool = False
    """Go on where an interrupted run of the same input and options was; a finished one is left as it is."""
    discard_edits: bool = False
    """Replace RUN even where it was changed since it was trained (gsseg view, name or update)."""
    downscale: Annotated[int | None, tyro.conf.arg(aliases=["-r"], metavar="N")] = None
    """Train at 1/N of the photos' width and height."""
    max_side: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1000
    """Views are shrunk until their longer side has at most this many pixels; 0 = never."""
    device: Device = "auto"
    """Where training is done; auto = a GPU where one can be used, else the processor."""
    config: TrainOptions = field(default_factory=TrainOptions)
    """Advanced, rarely needed: single values of the stages, on top of --preset."""
    render: Annotated[RenderConfig, tyro.conf.arg(name="config.render")] = field(default_factory=RenderConfig)
    """Settings of the rasterizer that the splats were trained with."""

    @property
    def writes(self) -> Path:
        """RUN."""
        return self.run

    @property
    def resumes_with(self) -> list[str]:
        """The same command line and this."""
        return ["--resume"]

    def execute(self) -> None:
        """Reads the scene, trains, and says what came out."""
        for option, value, least in (("-r", self.downscale, 1), ("--max-side", self.max_side, 0)):
            at_least(option, value, least)
        check_run_folder(self.run, self.scene, discard_edits=self.discard_edits or self.resume)
        device = renders_on(self.device, self.output)
        with self.output.progress() as progress:
            progress("read", 0, 1)
            size = (self.downscale, self.max_side or None)
            scene = load_scene(
                self.scene, self.splats, self.masks, self.mask_level, *size, need_masks=True, render=self.render
            )
            progress("read", 1, 1)
            again = self.discard_edits and RunLayout(self.run).edited
            finished = self.resume and not again and is_finished(scene, self.config, self.run)
            train(
                on_device(scene, device), self.config, self.run, resume=self.resume,
                discard_edits=self.discard_edits, progress=progress,
            )  # fmt: skip
        self.output.say(*scene.notes, *([FINISHED] if finished else []))
        self.output.finish(tell_result(self.run, self.output, ["gsseg", "export", "-m", str(self.run), "--out", "DIR"]))


@dataclass(frozen=True)
class _Start:
    preset: Preset = "default"


def parse(args: list[str]) -> Train:
    """The preset is read first, so that --help and all options left out show its values."""
    chosen = preset(parse_known("train", _Start, args).preset)
    start = TrainOptions(**{each.name: getattr(chosen, each.name) for each in fields(chosen)})
    return parse_command("train", Train, args, SHORT, config=start)
