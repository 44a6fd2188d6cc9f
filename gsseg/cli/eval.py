"""``gsseg eval``: scores against ground truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gsseg.cli.command import Command, RunPath, at_least, parse_command
from gsseg.cli.run_folder import read_settings
from gsseg.errors import InputError
from gsseg.evaluate import PROTOCOLS, evaluate
from gsseg.evaluate.protocols import CLICK
from gsseg.io.scene_folder import load_scene
from gsseg.render import RenderConfig
from gsseg.run import Run

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
        run, settings = Run.open(self.run), read_settings(self.run)
        splats = Path(settings["splats"])
        # segmented.ply holds the same rows; it stands in where the original has been moved.
        where = splats if splats.is_file() else self.run / "segmented.ply"
        render = self._render(settings)
        with self.output.progress() as progress:
            scene = load_scene(
                self.scene or Path(settings["scene"]), where, max_side=self.max_side or None, render=render
            )
            scores = evaluate(scene, run.object_ids, self.gt, PROTOCOLS[self.protocol], progress)
        self.output.table(scores.rows())
        self.output.finish({"run": str(self.run), "protocol": self.protocol, **scores.summary()})

    def _render(self, settings: dict[str, Any]) -> RenderConfig:
        """Constants of the rasterizer that the run was made with."""
        try:
            return RenderConfig(**settings.get("render", {}))
        except (TypeError, ValueError) as error:
            problem = f"does not say how splats are rendered ({error})"
            raise InputError(self.run / "config.yaml", problem, "run gsseg train again") from error


def parse(args: list[str]) -> Eval:
    """Options of ``gsseg eval``."""
    return parse_command("eval", Eval, args)
