"""What is scored: the object of each Gaussian, and what the objects have to do with words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int32, Int64
from numpy import ndarray


@runtime_checkable
class ObjectWords(Protocol):
    """Who knows what objects are called, or which objects a text means."""

    def classify(self, names: Sequence[str]) -> Int64[ndarray, " objects"]:
        """Which of the names of classes fits each object: its place in ``names``, -1 = none of them.

        Objects beyond the end of the answer are none of them either.
        """
        ...

    def select(self, prompt: str) -> Int64[ndarray, " selected"]:
        """The objects that a text means; empty where it means none."""
        ...


@dataclass(frozen=True, eq=False)
class Prediction:
    """A segmentation as the protocols see it."""

    object_ids: Int32[ndarray, " gaussians"]
    """Object of each Gaussian, or of each vertex where every Gaussian is one; -1 = none."""
    words: ObjectWords | None = None
    """None: nobody knows what the objects are."""

    @property
    def objects(self) -> int:
        """How many objects hold a Gaussian."""
        return len(np.unique(self.object_ids[self.object_ids >= 0]))
