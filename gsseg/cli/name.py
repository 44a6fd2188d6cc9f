"""``gsseg name``: the objects of a run are named after what they look like, out of a vocabulary."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.cli.text_model import TextVectorsPath, open_text_model
from gsseg.errors import InputError
from gsseg.language.naming import Named, name_objects, read_words
from gsseg.language.search import object_descriptors
from gsseg.run import Edits, Run, RunLayout
from gsseg.run.folder import held_run
from gsseg.segmentation import ObjectInfo
from gsseg.segmentation.describe import default_name

SHOWN = 20
"""Names that a person is shown."""


@dataclass(frozen=True, kw_only=True)
class Name(Command):
    """Name the objects of a run after the words that fit their language vectors best.

    Names and how sure each is go to RUN/objects.json, where queries, exports and the viewer's search find them; what
    was there is kept in RUN/earlier. Names that a person gave stay. RUN needs the vectors of gsseg compress --clip or
    --language.
    """

    run: RunPath
    """RUN folder of gsseg train."""
    words: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The vocabulary, one name a line."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="MODEL")] = None
    """Folder of the CLIP model that the vectors were made with (Hugging Face's layout)."""
    text_vectors: TextVectorsPath = None
    """Instead of MODEL: JSON of texts and their vectors, {"red mug": [0.013, ...]}."""
    relevancy: Annotated[float, tyro.conf.arg(metavar="LEAST")] = 0.0
    """Name only what a word fits better than "object", "things", "stuff" and "texture" do: 0.5 is as well, 1 is most.
    """
    all: bool = False
    """Names that a person gave are replaced, too."""

    @property
    def writes(self) -> Path:
        """RUN."""
        return self.run

    def execute(self) -> None:
        """Names them, and says how."""
        if not 0 <= self.relevancy <= 1:
            raise InputError(f"--relevancy {self.relevancy:g}", "is out of range", "give 0 to 1")
        words = read_words(self.words)
        model = open_text_model(self.clip, self.text_vectors)
        if model is None:
            remedy = "give --clip MODEL, or --text-vectors FILE where no model is installed"
            raise InputError("gsseg name", "needs to know what words look like", remedy)
        Run.open(self.run)  # is there one, before a lock is made for it
        with held_run(RunLayout(self.run)):
            run = Run.open(self.run)
            if run.path != self.run or run.compressed is None or run.compressed.language is None:
                remedy = f"make them: gsseg compress -m {self.run} --clip MODEL"
                raise InputError(self.run, "has no language vectors to name objects by", remedy)
            found = name_objects(object_descriptors(run.compressed, model), model, words, self.relevancy)
            found = [each for each in found if self._may_name(run.objects[each.object_id])]
            if found:
                run.save(_named(run, found))
        self._tell(run, found)

    def _may_name(self, row: ObjectInfo) -> bool:
        given = row.name != default_name(row.id) and row.name_confidence is None
        return row.gaussians > 0 and (self.all or not given)

    def _tell(self, run: Run, found: list[Named]) -> None:
        objects = sum(row.gaussians > 0 for row in run.objects)
        rows = [(f"{'id':>5}  {'sure':>5}", "name")]
        rows += [(f"{each.object_id:5}  {each.confidence:5.2f}", each.name) for each in found[:SHOWN]]
        if len(found) > SHOWN:
            rows.append(("", f"and {len(found) - SHOWN} more"))
        self.output.table(rows)
        self.output.say(f"{len(found)} of {objects} objects named: {RunLayout(self.run).objects}")
        names = [{"id": each.object_id, "name": each.name, "confidence": each.confidence} for each in found]
        self.output.finish({"named": len(found), "objects": objects, "names": names})


def _named(run: Run, found: list[Named]) -> Edits:
    names = {each.object_id: each for each in found}
    table = [
        replace(row, name=names[row.id].name, name_confidence=names[row.id].confidence) if row.id in names else row
        for row in run.objects
    ]
    return Edits(
        object_ids=run.object_ids.astype(np.int32), objects=table, marks=run.marks, came_from=[*range(len(table))]
    )


def parse(args: list[str]) -> Name:
    """Options of ``gsseg name``."""
    return parse_command("name", Name, args)
