"""Objects found by words: how much better a text fits an object than words that fit everything.

Kerr et al. 2023, LERF, section 3.4: the cosine of a text with a vector says little alone, because the cosines of CLIP
all lie in a narrow band. Against phrases that fit everything it does: the relevancy is the least, over those phrases,
of what a softmax over the pair gives to the text. An object of several descriptors is as relevant as the best of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.compressed.language import has_vector
from gsseg.compressed.scene import CompressedScene
from gsseg.errors import InputError
from gsseg.language.descriptors import Descriptors
from gsseg.language.text import TextModel
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.binary.quantizer import BinaryQuantizer

CONTRAST = ("object", "things", "stuff", "texture")
"""LERF's phrases that fit everything."""

TEMPERATURE = 10.0
"""Factor on cosines before the softmax, as in LERF and LangSplat. It spreads the values and never changes their order.
"""


@dataclass(frozen=True)
class Found:
    """How well a text fits one object."""

    object_id: int
    """Row of the table of objects."""
    relevancy: float
    """In 0..1; above 0.5 the text fits better than any phrase that fits everything. NaN: no vector is known."""
    cosine: float
    """Greatest cosine of the text's and a descriptor's vector, -1..1. NaN: no vector is known."""

    @property
    def known(self) -> bool:
        """Whether the object has a vector, so that words can find it."""
        return not math.isnan(self.relevancy)


def relevancy(
    vectors: Float32[ndarray, "vectors dim"],
    text: Float32[ndarray, " dim"],
    contrast: Float32[ndarray, "phrases dim"],
    temperature: float = TEMPERATURE,
) -> Float32[ndarray, " vectors"]:
    """min_i exp(t v.q) / (exp(t v.q) + exp(t v.c_i)) of unit vectors v, the text q and the phrases c_i.

    That is the logistic function of t (v.q - max_i v.c_i). Equation (3) of Kerr et al. 2023; ``temperature`` t.
    ValueError without a phrase.
    """
    if not len(contrast):
        raise ValueError("relevancy needs at least one phrase to compare with")
    margin = vectors @ text - (vectors @ contrast.T).max(axis=1)
    return (0.5 + 0.5 * np.tanh(0.5 * temperature * margin)).astype(np.float32)


def language_of(scene: CompressedScene, model: TextModel) -> BinaryCodes:
    """The language vectors of a scene, for words put to a model.

    Raises `InputError` where there are none, and where they were made with another model, as far as that is known.
    """
    codes, other = scene.language, "they were made with another model: name that one"
    if codes is None:
        raise InputError(
            "scene.gsseg", "has no language vectors to find objects by", "make some: gsseg compress -m RUN --clip MODEL"
        )
    if model.dim != codes.dimension:
        problem = f"gives vectors of {model.dim} components, those of the objects have {codes.dimension}"
        raise InputError(model.path, problem, other)
    if scene.language_model and model.fingerprint and scene.language_model != model.fingerprint:
        raise InputError(model.path, "is not the model that the objects' vectors are of", other)
    return codes


def object_descriptors(scene: CompressedScene, model: TextModel) -> Descriptors:
    """What a scene's objects look like; `InputError` as `language_of`."""
    codes = language_of(scene, model)
    known = np.flatnonzero(has_vector(codes))
    vectors = BinaryQuantizer.of(codes).decode(codes)[known]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, np.float32(1))
    return Descriptors(vectors, scene.language_owners[known].astype(np.int64), len(scene.objects))


def find_by_text(
    scene: CompressedScene, model: TextModel, text: str, contrast: Sequence[str] = CONTRAST
) -> list[Found]:
    """All objects, those that the text fits best first; those without a vector come last, marked by NaN.

    Raises `InputError` as `language_of`, and where the text is empty or the model does not know it.
    """
    described = object_descriptors(scene, model)
    if not text.strip():
        raise InputError("the text", "is empty", "give a few words, such as 'red mug'")
    asked = model.encode_text([text, *contrast])
    cosines = described.best(described.vectors @ asked[0])
    values = described.best(relevancy(described.vectors, asked[0], asked[1:]))
    order = np.lexsort((-cosines, -values))  # NaN is sorted last
    return [Found(int(row), float(values[row]), float(cosines[row])) for row in order]
