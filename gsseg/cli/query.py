"""``gsseg query``: which object is there, or fits a few words."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from gsseg.cli.command import Command, RunPath, at_least, parse_command
from gsseg.cli.query_location import at_point, pixel_ray
from gsseg.cli.text_model import TextVectorsPath, open_text_model
from gsseg.errors import InputError
from gsseg.objects.select import Selection
from gsseg.run import Run
from gsseg.segmentation import ObjectInfo

SHOWN = 12
"""Numbers of a list that a person is shown; a wall has hundreds of codes."""


@dataclass(frozen=True, kw_only=True)
class Query(Command):
    """Tell which object is at a point of the world, under a pixel of a view, or fits a few words.

    "Nothing there" is an answer to a place, too.
    """

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
    text: Annotated[str | None, tyro.conf.arg(metavar="WORDS")] = None
    """A few words for an object, such as "red mug"; needs --clip or --text-vectors, and the vectors that gsseg compress
    --clip made."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="MODEL")] = None
    """Folder of the CLIP model that the vectors were made with (Hugging Face's layout)."""
    text_vectors: TextVectorsPath = None
    """Instead of MODEL: JSON of texts and their vectors, {"red mug": [0.013, ...]}, with those of "object", "things",
    "stuff" and "texture"."""
    best: int = 5
    """How many objects to name for --text."""

    def execute(self) -> None:
        """Prints the object or that there is none, or the objects that fit the words best."""
        asked = [self.point is not None, self.view is not None or self.pixel is not None, self.text is not None]
        if sum(asked) != 1 or (self.view is None) != (self.pixel is None):
            remedy = "give --point X Y Z, or --view NAME and --pixel U V, or --text WORDS"
            raise InputError("gsseg query", "needs one place, or words", remedy)
        at_least("--best", self.best, 1)
        run = Run.open(self.run, self.splats)
        with run.watched() as check_unchanged:
            if self.text is not None:
                self._find(run, self.text, check_unchanged)
                return
            if self.view is not None and self.pixel is not None:
                hit = run.select(*pixel_ray(run, self.scene, self.view, *self.pixel))
            else:
                hit = at_point(run, np.array(self.point))
            found = None if hit is None else _answer(run.objects[hit.object_id], hit)
            check_unchanged()
        if found is None:
            self.output.say("nothing there")
        else:
            self.output.table([(name.replace("_", " "), _brief(value)) for name, value in found.items()])
        self.output.finish(found)

    def _find(self, run: Run, text: str, check_unchanged: Callable[[], None]) -> None:
        """Prints the objects that fit the words best, those that are known to the words at all."""
        if run.compressed is None or run.compressed.language is None:
            remedy = f"make them: gsseg compress -m {self.run} --clip MODEL"
            raise InputError(self.run, "has no language vectors to find objects by", remedy)
        model = open_text_model(self.clip, self.text_vectors)
        if model is None:
            remedy = "give the one that the vectors were made with: --clip MODEL; or --text-vectors FILE"
            raise InputError("--text", "needs a CLIP model to understand words", remedy)
        from gsseg.language.search import find_by_text

        ranked = find_by_text(run.compressed, model, text)
        found = [each for each in ranked if each.known and run.objects[each.object_id].gaussians][: self.best]
        check_unchanged()
        rows = [(f"{'id':>5}  {'relevancy':>9}  {'cosine':>6}", "name")]
        rows += [
            (f"{one.object_id:5}  {one.relevancy:9.3f}  {one.cosine:6.3f}", run.objects[one.object_id].name)
            for one in found
        ]
        self.output.table(rows)
        self.output.finish(
            [
                {"id": one.object_id, "name": run.objects[one.object_id].name,
                 "relevancy": one.relevancy, "cosine": one.cosine}
                for one in found
            ]
        )  # fmt: skip


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
