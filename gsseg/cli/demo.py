"""``gsseg demo``: the whole job on a room made on the spot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from gsseg.cli.command import Command, at_least, parse_command
from gsseg.cli.device import Device, on_device, renders_on
from gsseg.cli.output import Stages
from gsseg.cli.run_folder import FINISHED, check_run_folder, tell_result
from gsseg.cli.splats import SplatOptions, Splats
from gsseg.config import TrainConfig
from gsseg.io.scene_folder import load_scene
from gsseg.pipeline import is_finished, train
from gsseg.prepare.room_truth import write_shown_instances
from gsseg.run import RunLayout
from gsseg.sample import RoomConfig, holds_room, preset, write_room
from gsseg.scene import Scene
from gsseg.splats.score import score_views

STEPS, GAUSSIANS = 4000, 60_000
"""Of learning splats from the photos of the room: a few minutes on two cores."""


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Make the sample room (splats, posed photos, imperfect masks, truth), find its objects and score them.

    The room goes to OUT/scene and is used again if it is there; the result goes to OUT/run. With --from-photos the room
    comes without splats, which are learnt from its photos first: OUT/photos and OUT/photos_run.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("demo")
    """Folder for the room and the result."""
    from_photos: bool = False
    """Learn the splats from the photos, some minutes, in place of ready-made ones."""
    seed: int = 0
    """Decides the room, its masks and every random choice of training."""
    discard_edits: bool = False
    """Make the result again even where it was changed since it was trained (gsseg view, name or update)."""
    device: Device = "auto"
    """Where training is done and splats are learnt; auto = a GPU where one can be used, else the processor."""

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
        names = ("photos", "photos_run") if self.from_photos else ("scene", "run")
        scene_folder, run = (self.out / name for name in names)
        check_run_folder(run, scene_folder, discard_edits=self.discard_edits)
        room, noise = preset("room", self.seed)
        with self.output.progress() as progress:
            if not holds_room(scene_folder, room, noise):
                write_room(scene_folder, room, noise, progress, splats=not self.from_photos)
            if self.from_photos:
                self._learn_splats(scene_folder, room, progress)
            scene = on_device(load_scene(scene_folder, need_masks=True), device)
            config = TrainConfig(seed=self.seed)
            finished = is_finished(scene, config, run) and not RunLayout(run).edited
            train(scene, config, run, resume=True, discard_edits=self.discard_edits, progress=progress)
        if finished:
            self.output.say(FINISHED)
        more = self._tell_splats(scene) if self.from_photos else {}
        export = ["gsseg", "export", "-m", str(run), "--out", str(self.out / "objects")]
        summary = tell_result(run, self.output, export)
        self.output.finish({"scene": str(scene_folder), **more, **summary})

    def _learn_splats(self, scene: Path, room: RoomConfig, progress: Stages) -> None:
        """Splats from the photos, and whose each of them is. Those that are there already are taken."""
        apart = scene / "gt" / "test_views.json"
        config = SplatOptions(iterations=STEPS, max_gaussians=GAUSSIANS, seed=self.seed)
        splats = Splats(
            output=self.output, scene=scene, resume=True, test_views=apart, config=config, device=self.device
        )
        if splats.target.exists() and not splats.checkpoint.exists():
            return
        learnt = splats.learn(progress)
        views = [*learnt.scene.train, *learnt.scene.test]
        write_shown_instances(
            scene, room, learnt.trainer.gaussians, views, lambda done, total: progress("truth", done, total)
        )
        splats.leave(learnt)  # takes the checkpoint away: only now are the splats done

    def _tell_splats(self, scene: Scene) -> dict[str, Any]:
        """Says how near the splats come to the photos that they were not learnt from, which have no masks either."""
        apart = [view for view in scene.views if view.labels is None]
        scores = score_views(scene.gaussians.to("cpu"), apart)
        means = {name: float(np.mean([getattr(each, name) for each in scores])) for name in ("psnr", "ssim")}
        self.output.table(
            [("splats", f"{len(scene.gaussians)}, {means['psnr']:.2f} dB on {len(apart)} photos kept apart")]
        )
        return {"photos": means}


def parse(args: list[str]) -> Demo:
    """Options of ``gsseg demo``."""
    return parse_command("demo", Demo, args)
