"""``gsseg eval``: scores against ground truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gsseg.cli.command import Command, at_least, parse_command
from gsseg.cli.device import Device, on_device, renders_on
from gsseg.cli.eval_prediction import Scored, from_file, from_run
from gsseg.cli.text_model import TextVectorsPath, open_text_model
from gsseg.errors import InputError
from gsseg.evaluate import PROTOCOLS, Prediction, evaluate, write_query_pictures
from gsseg.evaluate.protocols import CLICK

if TYPE_CHECKING:
    ProtocolName = str
else:
    ProtocolName = tyro.extras.literal_type_from_choices(list(PROTOCOLS))

_MEANINGS = "; ".join(f"{name}: {protocol.summary}" for name, protocol in PROTOCOLS.items()) + "."


@dataclass(frozen=True, kw_only=True)
class Eval(Command):
    """Score a run, or any tool's ids, against ground truth."""

    run: Annotated[Path | None, tyro.conf.arg(aliases=["-m"], metavar="RUN")] = None
    """RUN folder of gsseg train."""
    gt: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder of truth, SCENE/gt: which files are read depends on the protocol."""
    scene: Annotated[Path | None, tyro.conf.arg(aliases=["-s"], metavar="SCENE")] = None
    """Where the cameras are. Without it: the scene that RUN was made from."""
    protocol: Annotated[ProtocolName, tyro.conf.arg(help=_MEANINGS)] = CLICK.name
    """Name of a way to score, of `gsseg.evaluate.PROTOCOLS`."""
    prediction: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """In place of RUN: the id of each Gaussian or vertex, as .npy, one a line of text, or a column of a PLY."""
    column: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The PLY's column of ids. Without it: object_id, instance_id, instance or label."""
    none_id: Annotated[int, tyro.conf.arg(metavar="ID")] = -1
    """The id in FILE that means no object; negative ones always do."""
    splats: Annotated[Path | None, tyro.conf.arg(metavar="PLY")] = None
    """The splats that the ids of FILE are of. Without it: those of SCENE."""
    names: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """What objects are: JSON of texts and their objects, {"chair": [3, 7]}, or of objects and their names."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="MODEL")] = None
    """Tell what objects are by their language vectors: folder of the CLIP model that these were made with."""
    text_vectors: TextVectorsPath = None
    """Instead of MODEL: JSON of texts and their vectors, {"red mug": [0.013, ...]}."""
    relevancy: Annotated[float | None, tyro.conf.arg(metavar="LEAST")] = None
    """With --clip or --text-vectors: a text selects every object more relevant than this, in 0..1, and not the most
    relevant alone."""
    pictures: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """With --protocol lerf: a new folder for pictures of the texts that were understood worst."""
    max_side: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1000
    """Longer side at which views are drawn to weigh Gaussians by their visibility; 0 = full size."""
    device: Device = "auto"
    """Where views are drawn; auto = a GPU where one can be used, else the processor."""

    def execute(self) -> None:
        """Prints a table of scores, worst instances first."""
        at_least("--max-side", self.max_side, 0)
        if (self.run is None) == (self.prediction is None):
            raise InputError("gsseg eval", "scores a run or a file of ids", "give -m RUN or --prediction FILE")
        if self.names is not None and (self.clip is not None or self.text_vectors is not None):
            raise InputError("--names", "and vectors of words both say what objects are", "give one of them")
        if self.pictures is not None and self.protocol != "lerf":
            raise InputError("--pictures", f"shows texts, and {self.protocol} asks none", "leave it out")
        device = renders_on(self.device, self.output)
        with self.output.progress() as progress:
            found = self._scored()
            protocol = PROTOCOLS[self.protocol]
            drawn = None if found.scene is None else on_device(found.scene, device)
            scores = evaluate(drawn, found.object_ids, self.gt, protocol, progress, found.words)
            if self.pictures is not None and found.scene is not None:
                prediction = Prediction(found.object_ids)
                write_query_pictures(self.pictures, found.scene, prediction, self.gt, scores)
        self.output.table(scores.rows())
        scored = {"run": str(self.run)} if self.prediction is None else {"prediction": str(self.prediction)}
        self.output.finish({**scored, "protocol": self.protocol, **scores.summary()})

    def _scored(self) -> Scored:
        side = self.max_side or None
        if self.run is not None:
            model = open_text_model(self.clip, self.text_vectors)
            return from_run(self.run, self.scene, self.names, model, self.relevancy, side)
        assert self.prediction is not None
        if self.clip is not None or self.text_vectors is not None:
            problem = "need a run, whose objects have language vectors"
            raise InputError("--clip and --text-vectors", problem, "give --names FILE")
        is_class = self.protocol == "scannet"
        return from_file(
            self.prediction, self.column, self.none_id, self.scene, self.splats, self.names, is_class, side
        )


def parse(args: list[str]) -> Eval:
    """Options of ``gsseg eval``."""
    return parse_command("eval", Eval, args)
