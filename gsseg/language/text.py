"""Texts as vectors, by a model that is installed or from a file that some machine with one has written.

The file is JSON, a table of texts and their vectors:

    {"red mug": [0.013, -0.021, ...], "object": [...], "things": [...], "stuff": [...], "texture": [...]}

The last four are LERF's phrases that fit everything (`gsseg.language.search.CONTRAST`); relevancies need them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import brief

_MEND = 'write {"red mug": [0.013, -0.021, ...], "object": [...], ...}, all vectors of one length'

LONGEST = 4096
"""Components of a vector; the largest CLIP has 1,280."""


@runtime_checkable
class TextModel(Protocol):
    """Whoever knows the vectors of texts; `gsseg.language.clip.ClipModel` does, and `TextVectors`."""

    @property
    def path(self) -> Path:
        """Where it comes from, for messages."""
        ...

    @property
    def dim(self) -> int:
        """Components of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Tells one model from another; empty where it is not known."""
        ...

    def encode_text(self, texts: Sequence[str]) -> Float32[ndarray, "texts dim"]:
        """One unit vector a text; `InputError` for one that it does not know."""
        ...


@dataclass(frozen=True, eq=False)
class TextVectors:
    """The vectors of some texts, as a file has them; case and spaces do not count."""

    path: Path
    """The file."""
    vectors: Mapping[str, Float32[ndarray, " dim"]]
    """Unit vectors by text, as `plain_text` writes it."""

    @classmethod
    def read(cls, path: Path | str) -> "TextVectors":
        """Reads a file; `InputError` where it is no table of vectors of one length, or one has no direction."""
        path, found = Path(path), {}
        length = 0
        for text, row in read_json_object(path, _MEND).items():
            numbers = isinstance(row, list) and all(type(each) in (int, float) for each in row)
            if not numbers or not 0 < len(row) <= LONGEST:
                raise InputError(path, f"has {brief(row)} for the text {brief(text)}, no vector", _MEND)
            if length and len(row) != length:
                problem = f"has {len(row)} components for {brief(text)}, and {length} for others"
                raise InputError(path, problem, "make all of them with one model")
            if not plain_text(text) or plain_text(text) in found:
                raise InputError(path, f"has the text {brief(text)} twice, or it is empty", "keep one of the two")
            vector, length = np.array(row, np.float64), len(row)
            with np.errstate(over="ignore", invalid="ignore"):  # infinite then, and refused
                size = float(np.linalg.norm(vector))
            if not 1e-30 < size < 1e30:
                raise InputError(path, f"its vector of {brief(text)} is zero or not finite", "make it again")
            found[plain_text(text)] = (vector / size).astype(np.float32)
        if not found:
            raise InputError(path, "holds no text", _MEND)
        return cls(path, found)

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return len(next(iter(self.vectors.values())))

    @property
    def fingerprint(self) -> str:
        """Not known."""
        return ""

    def encode_text(self, texts: Sequence[str]) -> Float32[ndarray, "texts dim"]:
        """The vectors of texts that the file has; `InputError` naming the first that it has not."""
        missing = [text for text in texts if plain_text(text) not in self.vectors]
        if missing:
            others = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
            problem = f"has no vector of {brief(missing[0])}{others}"
            raise InputError(self.path, problem, "add it, made with the same model, or give --clip MODEL")
        return np.array([self.vectors[plain_text(text)] for text in texts], np.float32).reshape(-1, self.dim)


def plain_text(text: str) -> str:
    """A text as it is compared: in small letters, with single spaces."""
    return " ".join(text.split()).casefold()
