"""What a protocol is: a name, and scores of a segmentation against a folder of ground truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from jaxtyping import Int32
from numpy import ndarray

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

    def evaluate(
        self, scene: Scene, object_ids: Int32[ndarray, " gaussians"], truth: Path, progress: Progress
    ) -> Scores:
        """Scores the object of each Gaussian (-1 = none) against the ground truth in the folder ``truth``.

        Raises `InputError` where the folder is not what the protocol reads, or is of another scene.
        """
        ...
