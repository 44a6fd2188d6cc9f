"""``gsseg query``: which object is there."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.cli.place import at_point, pixel_ray
from gsseg.errors import InputError
from gsseg.objects.select import Selection
from gsseg.objects.table import ObjectInfo
from gsseg.run import Run

SHOWN = 12
"""Numbers of a list that a person is shown; a wall has hundreds of codes."""


@dataclass(frozen=True, kw_only=True)
class Query(Command):
    """Tell which object is at a point of the world, or under a pixel of a view. "Nothing there" is an answer too."""

    run: RunPath
    """RUN folder of gsseg train, or a scene.gsseg."""
    splats: Annotated[Path | None, tyro.conf.arg(metavar="PLY")] = None
    """The splats of a scene.gsseg. Without it: those beside it."""
    point: Annotated[tuple[float, float, float] | None, tyro.conf.arg(metavar="X Y Z")] = None
    """A point, in the world units of the splats."""
    view: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """A view by its name: the photo's file name without suffix."""
    pixel: Annotated[tuple[float, float] | None, tyro.conf.arg(metavar="U V")] = None
    """Column and row in that view, from 0 at the upper left, in pixels of the undistorted photo at full size."""
    scene: Annotated[Path | None, tyro.conf.arg(aliases=["-s"], metavar="SCENE")] = None
    """Where the view's camera is. Without it: the scene that RUN was made from."""

    def execute(self) -> None:
        """Prints the object, or that there is none."""
        if (self.point is None) == (self.view is None) or (self.view is None) != (self.pixel is None):
            raise InputError("gsseg query", "needs one place", "give --point X Y Z, or --view NAME and --pixel U V")
        run = Run.open(self.run, self.splats)
        if self.view is not None and self.pixel is not None:
            hit = run.select(*pixel_ray(run, self.scene, self.view, *self.pixel))
        else:
            hit = at_point(run, np.array(self.point))
        found = None if hit is None else _answer(run.objects[hit.object_id], hit)
        if found is None:
            self.output.say("nothing there")
        else:
            self.output.table([(name.replace("_", " "), _brief(value)) for name, value in found.items()])
        self.output.finish(found)


def _answer(info: ObjectInfo, hit: Selection) -> dict[str, Any]:
    names = ("id", "name", "gaussians", "codes", "bbox_min", "bbox_max", "centroid", "agreement")
    row = asdict(info)
    seen = {"weight": round(hit.weight, 4), "gaussian": hit.gaussian, "position": hit.position.tolist()}
    return {**{name: row[name] for name in names}, **seen}


def _brief(value: Any) -> str:
    if isinstance(value, list):
        shown = value if len(value) <= SHOWN else [*value[: SHOWN - 1], f"... {value[-1]} ({len(value)} of them)"]
        return " ".join(map(_brief, shown))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def parse(args: list[str]) -> Query:
    """Options of ``gsseg query``."""
    return parse_command("query", Query, args)
