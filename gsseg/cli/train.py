"""``gsseg train``: the main job."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.advanced import Advanced
from gsseg.cli.command import Command, RunPath, ScenePath, at_least, parse_command
from gsseg.cli.device import Device, check_device, on_device
from gsseg.cli.run_folder import check_run_folder, tell_result
from gsseg.config import Preset, TrainConfig, preset
from gsseg.io.langsplat import MaskLevel
from gsseg.io.mask_formats import SEARCHED_FOLDERS
from gsseg.io.scene_folder import load_scene
from gsseg.pipeline import train


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Learn features, codes and objects of a scene from its splats and 2-D masks, and write them to RUN.

    SCENE is only read. RUN may be a new or empty folder, or an earlier run, which is replaced.
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
    """Values of the --config options. scannet, lerf: OpenGaussian's codebook sizes; opengaussian: its objective too."""
    resume: bool = False
    """Go on where an interrupted run of the same input and options was."""
    downscale: Annotated[int | None, tyro.conf.arg(aliases=["-r"], metavar="N")] = None
    """Train at 1/N of the photos' width and height."""
    max_side: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1000
    """Views are shrunk until their longer side has at most this many pixels; 0 = never."""
    memory_budget: Annotated[int, tyro.conf.arg(metavar="MB")] = TrainConfig.memory_budget_mb
    """Blending weights kept in memory, MiB; more are read from RUN/cache again and again. Changes no result."""
    pixels_per_view: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = TrainConfig.pixels_per_view
    """Pixels of each view that the codebook's loss looks at, spread over its masks; 0 = all."""
    seed: int = 0
    """Decides every random choice: the same seed on the same machine gives the same objects."""
    device: Device = "auto"
    """Where blending weights are computed; auto = cpu."""
    config: Advanced = field(default_factory=Advanced)
    """Advanced, rarely needed: single values of the stages, on top of --preset."""

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
        for option in ("memory_budget", "pixels_per_view", "seed"):
            at_least("--" + option.replace("_", "-"), getattr(self, option), int(option == "memory_budget"))
        check_run_folder(self.run, self.scene)
        check_device(self.device)
        config = replace(
            self.config.onto(preset(self.preset)),
            memory_budget_mb=self.memory_budget, pixels_per_view=self.pixels_per_view, seed=self.seed,
        )  # fmt: skip
        with self.output.progress() as progress:
            progress("read", 0, 1)
            size = (self.downscale, self.max_side or None)
            scene = load_scene(
                self.scene, self.splats, self.masks, self.mask_level, *size, need_masks=True, render=self.config.render
            )
            progress("read", 1, 1)
            train(on_device(scene, self.device), config, self.run, resume=self.resume, progress=progress)
        self.output.say(*scene.notes)
        self.output.finish(tell_result(self.run, self.output, ["gsseg", "export", "-m", str(self.run), "--out", "DIR"]))


@dataclass(frozen=True)
class _Start:
    preset: Preset = "default"


def parse(args: list[str]) -> Train:
    """The preset is read first, so that --help and all options left out show its values."""
    start, _ = tyro.cli(_Start, args=args, add_help=False, return_unknown_args=True)
    chosen = preset(start.preset)
    return parse_command("train", Train, args, config=Advanced.of(chosen), pixels_per_view=chosen.pixels_per_view)
