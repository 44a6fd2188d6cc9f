"""A prediction whose ids are classes already: nobody has to be asked what they are called."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from gsseg.evaluate.nyu40 import NYU40
from gsseg.evaluate.object_names import plain


@dataclass(frozen=True)
class ClassIds:
    """An `ObjectWords` of NYU40: object 5 is a chair."""

    def classify(self, names: Sequence[str]) -> Int64[ndarray, " objects"]:
        """The place of each id's name; -1 of those that are not asked for."""
        places = {plain(name): place for place, name in enumerate(names)}
        return np.array([-1, *(places.get(plain(name), -1) for name in NYU40.values())], np.int64)

    def select(self, prompt: str) -> Int64[ndarray, " selected"]:
        """The class of that name."""
        return np.array([number for number, name in NYU40.items() if plain(name) == plain(prompt)], np.int64)
