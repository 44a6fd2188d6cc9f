"""Objects asked by classes and texts through their vectors."""

import numpy as np
import pytest

from gsseg.evaluate import ObjectWords
from gsseg.language import Descriptors, ObjectVectorWords
from gsseg.language.clip import ClipModel
from gsseg.language.search import CONTRAST, relevancy


@pytest.fixture
def words(clip_folder) -> ObjectVectorWords:
    """Six objects of which the fourth has no vector; the first three are exactly what a text means."""
    model = ClipModel.open(clip_folder)
    texts = model.encode_text(["chair", "table", "lamp"])
    rest = np.random.default_rng(0).normal(size=(3, texts.shape[1]))
    vectors = np.concatenate([texts, rest[1:] / np.linalg.norm(rest[1:], axis=1, keepdims=True)]).astype(np.float32)
    return ObjectVectorWords(Descriptors(vectors, np.array([0, 1, 2, 4, 5]), 6), model)


def test_every_object_is_of_the_class_with_the_greatest_cosine(words: ObjectVectorWords) -> None:
    names = ["lamp", "chair", "table"]
    found = words.classify(names)
    assert found[:4].tolist() == [1, 2, 0, -1]
    for row in (4, 5):
        cosines = [float(words.described.vectors[row - 1] @ words.model.encode_text([name])[0]) for name in names]
        assert found[row] == np.argmax(cosines)
    assert isinstance(words, ObjectWords)


def test_a_text_selects_the_most_relevant_object_or_all_above_a_threshold(words: ObjectVectorWords) -> None:
    asked = words.model.encode_text(["table", *CONTRAST])
    values = np.insert(relevancy(words.described.vectors, asked[0], asked[1:]), 3, -1)
    assert words.select("table").tolist() == [int(values.argmax())]
    for least in (0.0, float(np.sort(values)[-2]), 1.0):
        some = ObjectVectorWords(words.described, words.model, least)
        assert some.select("table").tolist() == np.flatnonzero(values > least).tolist()
    nobody = ObjectVectorWords(Descriptors(words.described.vectors[:0], np.empty(0, np.int64), 6), words.model)
    assert nobody.select("table").tolist() == []
    assert nobody.classify(["table"]).tolist() == [-1] * 6


def test_an_object_is_as_good_as_the_best_of_its_sides(words: ObjectVectorWords) -> None:
    vectors = words.described.vectors[[0, 3, 1, 4]]  # a chair from one side and something else from the other; a table
    sides = ObjectVectorWords(Descriptors(vectors, np.array([0, 0, 2, 2]), 3), words.model)
    assert sides.classify(["table", "chair"]).tolist() == [1, -1, 0]
    assert sides.described.known.tolist() == [True, False, True]
    asked = words.model.encode_text(["chair", *CONTRAST])
    each = relevancy(vectors, asked[0], asked[1:])
    expected = [each[:2].max(), np.nan, each[2:].max()]
    np.testing.assert_allclose(sides.described.best(each), expected)
