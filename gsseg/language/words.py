"""Objects asked by words through their language vectors: which class each is, and which a text means."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from gsseg.language.clip import ClipModel
from gsseg.language.search import CONTRAST, relevancy


@dataclass(frozen=True, eq=False)
class ObjectVectorWords:
    """What `gsseg.evaluate.ObjectWords` asks for, answered by a CLIP model."""

    vectors: Float32[ndarray, "objects dim"]
    """Unit vectors."""
    known: Bool[ndarray, " objects"]
    """Whether an object has one."""
    model: ClipModel
    """The model that they are of."""
    least_relevancy: float | None = None
    """A text means every object that is more relevant; None: the one that is most."""

    def classify(self, names: Sequence[str]) -> Int64[ndarray, " objects"]:
        """The name whose vector has the greatest cosine with the object's; -1 for objects without a vector."""
        cosines = self.vectors @ self.model.encode_text(list(names)).T
        return np.where(self.known, cosines.argmax(axis=1), -1).astype(np.int64)

    def select(self, prompt: str) -> Int64[ndarray, " selected"]:
        """The most relevant object, or all above the threshold, by LERF's rule (`gsseg.language.search.relevancy`)."""
        asked = self.model.encode_text([prompt, *CONTRAST])
        values = np.where(self.known, relevancy(self.vectors, asked[0], asked[1:]), -1.0)
        if self.least_relevancy is not None:
            return np.flatnonzero(values > self.least_relevancy)
        # The relevancy saturates in float32, and then the cosine tells objects apart.
        best = np.lexsort((self.vectors @ asked[0], values))[-1:] if self.known.any() else np.empty(0, np.int64)
        return best.astype(np.int64)
