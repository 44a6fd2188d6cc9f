"""The vectors of objects as words are put to them: one an object, or several where it looks different from sides."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64
from numpy import ndarray


@dataclass(frozen=True, eq=False)
class Descriptors:
    """Unit vectors, each of one object; an object without any is not known."""

    vectors: Float32[ndarray, "descriptors dim"]
    """Of length 1."""
    owners: Int64[ndarray, " descriptors"]
    """Object of each."""
    objects: int
    """How many objects there are, known or not."""

    @property
    def known(self) -> Bool[ndarray, " objects"]:
        """Which objects have a vector."""
        return np.bincount(self.owners, minlength=self.objects) > 0

    def best(self, values: Float[ndarray, "_ ..."]) -> Float[ndarray, "_ ..."]:
        """The greatest value of each object's descriptors; NaN: it has none."""
        found = np.full((self.objects, *values.shape[1:]), -np.inf)
        np.maximum.at(found, self.owners, values)
        found[~self.known] = np.nan
        return found
