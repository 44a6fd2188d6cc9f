"""Objects found by words: how much better a text fits an object than words that fit everything.

Kerr et al. 2023, LERF, section 3.4: the cosine of a text with a vector says little alone, because the cosines of CLIP
all lie in a narrow band. Against phrases that fit everything it does: the relevancy is the least, over those phrases,
of what a softmax over the pair gives to the text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from gsseg.compressed.language import has_vector
from gsseg.compressed.scene import CompressedScene
from gsseg.errors import InputError
from gsseg.language.clip import ClipModel
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
    """Cosine of the text's and the object's vector, -1..1. NaN: no vector is known."""

    @property
    def known(self) -> bool:
        """Whether the object has a vector, so that words can find it."""
        return not math.isnan(self.relevancy)


def relevancy(
    vectors: Float32[ndarray, "objects dim"],
    text: Float32[ndarray, " dim"],
    contrast: Float32[ndarray, "phrases dim"],
    temperature: float = TEMPERATURE,
) -> Float32[ndarray, " objects"]:
    """min_i exp(t v.q) / (exp(t v.q) + exp(t v.c_i)) of unit vectors v, the text q and the phrases c_i.

    That is the logistic function of t (v.q - max_i v.c_i). Equation (3) of Kerr et al. 2023; ``temperature`` t.
    ValueError without a phrase.
    """
    if not len(contrast):
        raise ValueError("relevancy needs at least one phrase to compare with")
    margin = vectors @ text - (vectors @ contrast.T).max(axis=1)
    return (0.5 + 0.5 * np.tanh(0.5 * temperature * margin)).astype(np.float32)


def language_of(scene: CompressedScene, model: ClipModel) -> BinaryCodes:
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
        raise InputError(model.folder, problem, other)
    if scene.language_model and scene.language_model != model.fingerprint:
        raise InputError(model.folder, "is not the model that the objects' vectors are of", other)
    return codes


def object_vectors(
    scene: CompressedScene, model: ClipModel
) -> tuple[Float32[ndarray, "objects dim"], Bool[ndarray, " objects"]]:
    """Unit vectors of a scene's objects, and which objects have one; `InputError` as `language_of`."""
    codes = language_of(scene, model)
    return _unit(BinaryQuantizer.of(codes).decode(codes)), has_vector(codes)


def find_by_text(
    scene: CompressedScene, model: ClipModel, text: str, contrast: Sequence[str] = CONTRAST
) -> list[Found]:
    """All objects, those that the text fits best first; those without a vector come last, marked by NaN.

    Raises `InputError` as `language_of`, and where the text is empty.
    """
    vectors, known = object_vectors(scene, model)
    if not text.strip():
        raise InputError("the text", "is empty", "give a few words, such as 'red mug'")
    asked = model.encode_text([text, *contrast])
    cosines = np.where(known, vectors @ asked[0], np.nan)
    values = np.where(known, relevancy(vectors, asked[0], asked[1:]), np.nan)
    order = np.lexsort((-cosines, -values))  # NaN is sorted last
    return [Found(int(row), float(values[row]), float(cosines[row])) for row in order]


def _unit(vectors: Float32[ndarray, "objects dim"]) -> Float32[ndarray, "objects dim"]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, np.float32(1))
