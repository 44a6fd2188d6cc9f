"""``gsseg eval``: scores against ground truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gsseg.cli.command import Command, RunPath, at_least, parse_command
from gsseg.evaluate import PROTOCOLS, evaluate
from gsseg.evaluate.protocols import CLICK
from gsseg.io.scene_folder import load_scene
from gsseg.run import Run, RunLayout
from gsseg.run.settings import read_settings

if TYPE_CHECKING:
    ProtocolName = str
else:
    ProtocolName = tyro.extras.literal_type_from_choices(list(PROTOCOLS))

_MEANINGS = "; ".join(f"{name}: {protocol.summary}" for name, protocol in PROTOCOLS.items()) + "."


@dataclass(frozen=True, kw_only=True)
class Eval(Command):
    """Score a run against ground truth."""

    run: RunPath
    """RUN folder of gsseg train."""
    gt: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder with gaussian_instance.npy and/or ids/*.png, test_views.json."""
    scene: Annotated[Path | None, tyro.conf.arg(aliases=["-s"], metavar="SCENE")] = None
    """Where the cameras are. Without it: the scene that RUN was made from."""
    protocol: Annotated[ProtocolName, tyro.conf.arg(help=_MEANINGS)] = CLICK.name
    """Name of a way to score, of `gsseg.evaluate.PROTOCOLS`."""
    max_side: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1000
    """Longer side at which views are drawn to weigh Gaussians by their visibility; 0 = full size."""

    def execute(self) -> None:
        """Prints a table of scores, worst instances first."""
        at_least("--max-side", self.max_side, 0)
        run = Run.open(self.run)
        with run.watched() as check_unchanged:
            settings, object_ids, render = read_settings(RunLayout(self.run).settings), run.object_ids, run.render
            check_unchanged()
        # segmented.ply holds the same rows; it stands in where the original has been moved.
        splats = settings.splats if settings.splats.is_file() else run.file.path
        with self.output.progress() as progress:
            folder, side = self.scene or settings.scene, self.max_side or None
            scene = load_scene(folder, splats, max_side=side, render=render)
            scores = evaluate(scene, object_ids, self.gt, PROTOCOLS[self.protocol], progress)
        self.output.table(scores.rows())
        self.output.finish({"run": str(self.run), "protocol": self.protocol, **scores.summary()})


def parse(args: list[str]) -> Eval:
    """Options of ``gsseg eval``."""
    return parse_command("eval", Eval, args)
