"""What objects are called, by hand: in a run's table, or in a file that goes with somebody's result.

{"chair": [3, 7], "red mug": [12]}      a text and the objects that it means
{"3": "chair", "7": "chair"}            an object and its name
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import brief, whole_number

_MEND = 'write {"chair": [3, 7]} or {"3": "chair"}'
_ID = re.compile(r"[0-9]{1,9}")
_LARGEST = 2**31 - 1


def plain(text: str) -> str:
    """A name as it is compared: NYU's ``showercurtain`` is a ``Shower curtain``."""
    return re.sub(r"[\s_-]+", "", text.casefold())


@dataclass(frozen=True)
class ObjectNames:
    """Texts and the objects that they mean; an `ObjectWords`."""

    where: str
    """The file or run that they come from, for messages."""
    objects: int
    """One more than the largest object that there may be."""
    meaning: dict[str, tuple[int, ...]]
    """`plain` text -> objects."""

    @classmethod
    def of(cls, where: Path | str, names: Iterable[tuple[int, str]], objects: int) -> "ObjectNames":
        """The names of objects, each (object, name)."""
        meaning: dict[str, tuple[int, ...]] = {}
        for row, name in names:
            meaning[plain(name)] = (*meaning.get(plain(name), ()), row)
        return cls(str(where), objects, meaning)

    @classmethod
    def read(cls, path: Path, objects: int) -> "ObjectNames":
        """Reads a file of either form; `InputError` where it is neither or names an object that is not there."""
        found: list[tuple[int, str]] = []
        for key, value in read_json_object(path, _MEND).items():
            if isinstance(value, list):
                found += [
                    (whole_number(path, f"an object of {brief(key)}", each, _MEND, least=0, most=_LARGEST), key)
                    for each in value
                ]
            elif isinstance(value, str) and _ID.fullmatch(key):
                found.append((int(key), value))
            else:
                raise InputError(path, f"holds {brief(key)}: {brief(value)}", _MEND)
        beyond = [row for row, _ in found if row >= objects]
        if beyond:
            raise InputError(path, f"names object {beyond[0]}, the largest is {objects - 1}", "number objects from 0")
        return cls.of(path, found, objects)

    def classify(self, names: Sequence[str]) -> Int64[ndarray, " objects"]:
        """The class whose name an object has; `InputError` where an object has two of them, or none has any."""
        # Other tools number objects with holes, and up to billions: the answer ends with the last that has a name.
        named = max((row for rows in self.meaning.values() for row in rows), default=-1)
        classes = np.full(named + 1, -1, np.int64)
        for place, name in enumerate(names):
            for row in self.meaning.get(plain(name), ()):
                if classes[row] >= 0:
                    problem = f"calls object {row} both {names[classes[row]]!r} and {name!r}"
                    raise InputError(self.where, problem, "give every object one class")
                classes[row] = place
        if not (classes >= 0).any():
            problem = f"has no object that is called as a class ({', '.join(names[:4])}, ...)"
            raise InputError(self.where, problem, "name objects in the viewer, or give --names FILE or --clip MODEL")
        return classes

    def select(self, prompt: str) -> Int64[ndarray, " selected"]:
        """The objects of that name."""
        return np.array(sorted(set(self.meaning.get(plain(prompt), ()))), np.int64)
