"""Objects asked by words through their language vectors: which class each is, and which a text means."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from gsseg.language.descriptors import Descriptors
from gsseg.language.search import CONTRAST, relevancy
from gsseg.language.text import TextModel


@dataclass(frozen=True, eq=False)
class ObjectVectorWords:
    """What `gsseg.evaluate.ObjectWords` asks for, answered by vectors of objects and of texts."""

    described: Descriptors
    """What the objects look like."""
    model: TextModel
    """Who knows the texts' vectors, in the same space."""
    least_relevancy: float | None = None
    """A text means every object that is more relevant; None: the one that is most."""

    def classify(self, names: Sequence[str]) -> Int64[ndarray, " objects"]:
        """The name whose vector has the greatest cosine with one of the object's; -1 for objects without a vector."""
        cosines = self.described.best(self.described.vectors @ self.model.encode_text(list(names)).T)
        return np.where(self.described.known, cosines.argmax(axis=1), -1).astype(np.int64)

    def select(self, prompt: str) -> Int64[ndarray, " selected"]:
        """The most relevant object, or all above the threshold, by LERF's rule (`gsseg.language.search.relevancy`)."""
        asked, described = self.model.encode_text([prompt, *CONTRAST]), self.described
        values = np.nan_to_num(described.best(relevancy(described.vectors, asked[0], asked[1:])), nan=-1.0)
        if self.least_relevancy is not None:
            return np.flatnonzero(values > self.least_relevancy)
        # The relevancy saturates in float32, and then the cosine tells objects apart.
        cosines = np.nan_to_num(described.best(described.vectors @ asked[0]), nan=-2.0)
        best = np.lexsort((cosines, values))[-1:] if described.known.any() else np.empty(0, np.int64)
        return best.astype(np.int64)
