"""What a protocol is: a name, and scores of a segmentation against a folder of ground truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from gsseg.errors import InputError
from gsseg.evaluate.prediction import ObjectWords, Prediction
from gsseg.evaluate.scores import Scores
from gsseg.scene import Scene

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the steps done and their total."""


@runtime_checkable
class EvaluationProtocol(Protocol):
    """One way to score a segmentation. `gsseg.evaluate.protocols.PROTOCOLS` lists all of them."""

    @property
    def name(self) -> str:
        """As ``gsseg eval --protocol`` takes it."""
        ...

    @property
    def summary(self) -> str:
        """What it measures, in a few words, for the help."""
        ...

    def evaluate(self, scene: Scene | None, found: Prediction, truth: Path, progress: Progress) -> Scores:
        """Scores the object of each Gaussian against the ground truth in the folder ``truth``.

        ``scene`` is None where only ids are at hand, one a vertex of the truth. Raises `InputError` where the folder
        is not what the protocol reads, or is of another scene, and where the protocol needs what is not there.
        """
        ...


def needed_scene(scene: Scene | None, protocol: str) -> Scene:
    """The scene; `InputError` where there is none for a protocol that draws."""
    if scene is None:
        raise InputError(f"--protocol {protocol}", "draws the splats, and none are given", "give --scene SCENE")
    return scene


def needed_words(found: Prediction, protocol: str) -> ObjectWords:
    """Who knows the objects; `InputError` where nobody does."""
    if found.words is None:
        problem = "asks what the objects are, and nobody knows it"
        raise InputError(f"--protocol {protocol}", problem, "give --names FILE, or a run whose objects have names")
    return found.words
