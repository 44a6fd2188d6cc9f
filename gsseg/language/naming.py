"""Names of objects from a vocabulary: zero-shot classification, as CLIP was made for it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.json_file import read_text
from gsseg.io.numbers import brief
from gsseg.language.descriptors import Descriptors
from gsseg.language.search import CONTRAST, relevancy
from gsseg.language.text import TextModel, plain_text

SCALE = 100.0
"""Factor on cosines before the softmax: the one that CLIP's training ends with (Radford et al. 2021, section 2.3)."""

MOST_WORDS, LONGEST = 20_000, 80
"""Of a vocabulary, and letters of one name: a name stands on buttons."""

_MEND = "write one name a line, such as 'red mug'"


@dataclass(frozen=True)
class Named:
    """What an object is called."""

    object_id: int
    """Row of the table of objects."""
    name: str
    """A word of the vocabulary."""
    confidence: float
    """0..1: its share in a softmax over the vocabulary."""
    relevancy: float
    """0..1, as LERF has it; NaN where it was not asked for."""


def read_words(path: Path) -> list[str]:
    """The vocabulary in a text file, one name a line, in its order; empty lines do not count.

    `InputError` where it is no text, holds no name, one twice, one too long, or too many.
    """
    check_readable(path)
    try:
        lines = read_text(path, MOST_WORDS * 4 * LONGEST).splitlines()
    except ValueError as error:
        raise InputError(path, f"is no text of names ({error})", _MEND) from error
    words = [" ".join(line.split()) for line in lines if line.strip()]
    if not 0 < len(words) <= MOST_WORDS:
        raise InputError(path, f"holds {len(words)} names, must be 1 to {MOST_WORDS:,}", _MEND)
    first: dict[str, str] = {}
    for word in words:
        if len(word) > LONGEST or not word.isprintable():
            raise InputError(path, f"has the name {brief(word)}, longer than {LONGEST} letters or unprintable", _MEND)
        if plain_text(word) in first:
            raise InputError(path, f"has the name {brief(word)} twice", "keep one of the two")
        first[plain_text(word)] = word
    return words


def name_objects(
    described: Descriptors, model: TextModel, words: list[str], least_relevancy: float = 0.0
) -> list[Named]:
    """The word that fits each object best, of those that have a vector and a relevancy of at least this.

    Of several descriptors every word is compared with the nearest. Only where a relevancy is asked for does the model
    have to know LERF's phrases that fit everything.
    """
    texts = model.encode_text(words)
    cosines = described.best(described.vectors @ texts.T)
    logits = SCALE * (cosines - cosines.max(axis=1, keepdims=True))
    best = np.where(described.known, np.nan_to_num(cosines, nan=-2.0).argmax(axis=1), 0)
    sure = 1 / np.exp(logits).sum(axis=1)
    fit = np.full(described.objects, np.nan)
    if least_relevancy > 0:
        contrast = model.encode_text(list(CONTRAST))
        for word in np.unique(best[described.known]):
            rows = np.flatnonzero(described.known & (best == word))
            fit[rows] = described.best(relevancy(described.vectors, texts[word], contrast))[rows]
    return [
        Named(int(row), words[best[row]], round(float(sure[row]), 4), float(fit[row]))
        for row in np.flatnonzero(described.known)
        if least_relevancy <= 0 or fit[row] >= least_relevancy
    ]
