"""``gsseg demo``: the whole job on a room made on the spot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.command import Command, at_least, parse_command
from gsseg.cli.device import Device, on_device, renders_on
from gsseg.cli.run_folder import FINISHED, check_run_folder, tell_result
from gsseg.config import TrainConfig
from gsseg.io.scene_folder import load_scene
from gsseg.pipeline import is_finished, train
from gsseg.run import RunLayout
from gsseg.sample import holds_room, preset, write_room


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Make the sample room (splats, posed photos, imperfect masks, truth), find its objects and score them.

    The room goes to OUT/scene and is used again if it is there; the result goes to OUT/run.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("demo")
    """Folder for the room and the result."""
    seed: int = 0
    """Decides the room, its masks and every random choice of training."""
    discard_edits: bool = False
    """Make the result again even where somebody has edited its objects in the viewer."""
    device: Device = "auto"
    """Where training is done; auto = a GPU where one can be used, else the processor."""

    @property
    def writes(self) -> Path:
        """DIR."""
        return self.out

    @property
    def resumes_with(self) -> list[str]:
        """The same command line goes on by itself."""
        return []

    def execute(self) -> None:
        """Makes, trains, scores."""
        at_least("--seed", self.seed, 0)
        device = renders_on(self.device, self.output)
        scene_folder, run = self.out / "scene", self.out / "run"
        check_run_folder(run, scene_folder, discard_edits=self.discard_edits)
        room, noise = preset("room", self.seed)
        with self.output.progress() as progress:
            if not holds_room(scene_folder, room, noise):
                write_room(scene_folder, room, noise, progress)
            scene = on_device(load_scene(scene_folder, need_masks=True), device)
            config = TrainConfig(seed=self.seed)
            finished = is_finished(scene, config, run) and not RunLayout(run).edited
            train(scene, config, run, resume=True, discard_edits=self.discard_edits, progress=progress)
        if finished:
            self.output.say(FINISHED)
        export = ["gsseg", "export", "-m", str(run), "--out", str(self.out / "objects")]
        summary = tell_result(run, self.output, export)
        self.output.finish({"scene": str(scene_folder), **summary})


def parse(args: list[str]) -> Demo:
    """Options of ``gsseg demo``."""
    return parse_command("demo", Demo, args)
