"""``gsseg eval``: scores against ground truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gsseg.cli.command import Command, RunPath, at_least, parse_command
from gsseg.evaluate import evaluate, read_ground_truth
from gsseg.io.scene_folder import load_scene
from gsseg.run import Run, RunLayout
from gsseg.run.settings import read_settings


@dataclass(frozen=True, kw_only=True)
class Eval(Command):
    """Score a run against ground truth: object IoU over Gaussians, view IoU over the pixels of held-out views."""

    run: RunPath
    """RUN folder of gsseg train."""
    gt: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder with gaussian_instance.npy and/or ids/*.png, test_views.json."""
    scene: Annotated[Path | None, tyro.conf.arg(aliases=["-s"], metavar="SCENE")] = None
    """Where the cameras are. Without it: the scene that RUN was made from."""
    protocol: Literal["click"] = "click"
    """click: what a click selects, in space and in held-out views."""
    max_side: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1000
    """Longer side at which views are drawn to weigh Gaussians by their visibility; 0 = full size."""

    def execute(self) -> None:
        """Prints a table of scores, worst instances first."""
        at_least("--max-side", self.max_side, 0)
        run, settings = Run.open(self.run), read_settings(RunLayout(self.run).settings)
        truth = read_ground_truth(self.gt, len(run.object_ids))
        splats = settings.splats
        # segmented.ply holds the same rows; it stands in where the original has been moved.
        where = splats if splats.is_file() else run.file.path
        with self.output.progress() as progress:
            scene = load_scene(self.scene or settings.scene, where, max_side=self.max_side or None, render=run.render)
            scores = evaluate(scene, run.object_ids, truth, progress=progress)
        self.output.table(scores.rows())
        self.output.finish({"run": str(self.run), "protocol": self.protocol, **scores.summary()})


def parse(args: list[str]) -> Eval:
    """Options of ``gsseg eval``."""
    return parse_command("eval", Eval, args)
