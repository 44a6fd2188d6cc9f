"""Objects by what words mean: a text model against the language vectors of scene.gsseg.

The vectors are those of the objects as they were opened. An object of now answers with the vector of the one it comes
from (`gsseg_viewer.state.ObjectState.source`), as it will when it is saved.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gsseg.compressed import CompressedScene
from gsseg.errors import InputError
from gsseg.language.search import CONTRAST, find_by_text, language_of
from gsseg.language.text import TextModel
from gsseg.run import Run
from gsseg_viewer.state import State

LISTED = 12
"""Objects that are offered; what fits worse is a guess."""


@dataclass(frozen=True)
class Meaning:
    """Finds objects of one run by words."""

    scene: CompressedScene
    """As it was opened; one vector an object, in the order of its table."""
    model: TextModel
    """What the words are put to."""

    @classmethod
    def of(cls, run: Run, model: TextModel) -> "Meaning":
        """`InputError` where the run has no language vectors, or has those of another model, and where the model does
        not know the phrases that every text is compared with."""
        if run.compressed is None:
            raise InputError(
                run.path, "has no scene.gsseg with language vectors", "make it: gsseg compress -m RUN --clip MODEL"
            )
        language_of(run.compressed, model)
        model.encode_text(CONTRAST)
        return cls(run.compressed, model)

    def relevancies(self, text: str) -> dict[int, float]:
        """How well a text fits (0..1) each row of the table as it was opened that has a vector; InputError for an empty
        text and for one that the model does not know."""
        return {each.object_id: each.relevancy for each in find_by_text(self.scene, self.model, text) if each.known}


def fitting(state: State, relevancies: Mapping[int, float]) -> list[tuple[int, float]]:
    """Id and relevancy of the objects of a state that a text fits best, best first; deleted ones are left out."""
    found = [
        (object_id, relevancies[info.source])
        for object_id, info in state.objects.items()
        if object_id not in state.deleted_objects and info.source is not None and info.source in relevancies
    ]
    return sorted(found, key=lambda each: (-each[1], each[0]))[:LISTED]
