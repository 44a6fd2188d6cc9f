"""Objects asked by classes and texts through their vectors."""

import numpy as np
import pytest

from gsseg.evaluate import ObjectWords
from gsseg.language import ObjectVectorWords
from gsseg.language.clip import ClipModel
from gsseg.language.search import CONTRAST, relevancy


@pytest.fixture
def words(clip_folder) -> ObjectVectorWords:
    """Six objects of which the fourth has no vector; the first three are exactly what a text means."""
    model = ClipModel.open(clip_folder)
    texts = model.encode_text(["chair", "table", "lamp"])
    rest = np.random.default_rng(0).normal(size=(3, texts.shape[1]))
    vectors = np.concatenate([texts, rest / np.linalg.norm(rest, axis=1, keepdims=True)]).astype(np.float32)
    return ObjectVectorWords(vectors, np.array([True, True, True, False, True, True]), model)


def test_every_object_is_of_the_class_with_the_greatest_cosine(words: ObjectVectorWords) -> None:
    names = ["lamp", "chair", "table"]
    found = words.classify(names)
    assert found[:4].tolist() == [1, 2, 0, -1]
    for row in (4, 5):
        cosines = [float(words.vectors[row] @ words.model.encode_text([name])[0]) for name in names]
        assert found[row] == np.argmax(cosines)
    assert isinstance(words, ObjectWords)


def test_a_text_selects_the_most_relevant_object_or_all_above_a_threshold(words: ObjectVectorWords) -> None:
    asked = words.model.encode_text(["table", *CONTRAST])
    values = np.where(words.known, relevancy(words.vectors, asked[0], asked[1:]), -1)
    assert words.select("table").tolist() == [int(values.argmax())]
    for least in (0.0, float(np.sort(values)[-2]), 1.0):
        some = ObjectVectorWords(words.vectors, words.known, words.model, least)
        assert some.select("table").tolist() == np.flatnonzero(values > least).tolist()
    nobody = ObjectVectorWords(words.vectors, np.zeros(6, bool), words.model)
    assert nobody.select("table").tolist() == []
    assert nobody.classify(["table"]).tolist() == [-1] * 6
