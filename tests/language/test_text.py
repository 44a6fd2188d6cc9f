"""Vectors of texts from a file, and names of objects from a vocabulary."""

import json

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.language import Descriptors, TextModel, TextVectors, name_objects
from gsseg.language.clip import ClipModel
from gsseg.language.naming import SCALE, read_words
from gsseg.language.search import CONTRAST


def written(path, vectors):
    path.write_text(json.dumps({text: [float(part) for part in row] for text, row in vectors.items()}))
    return path


def test_a_file_of_a_models_vectors_is_as_good_as_the_model(clip_folder, tmp_path):
    model, texts = ClipModel.open(clip_folder), ["red mug", "chair", *CONTRAST]
    rows = dict(zip(texts, 3 * model.encode_text(texts), strict=True))
    known = TextVectors.read(written(tmp_path / "texts.json", rows))
    assert known.dim == model.dim
    np.testing.assert_allclose(known.encode_text(texts), model.encode_text(texts), atol=1e-6)
    np.testing.assert_array_equal(known.encode_text([" Red  MUG"]), known.encode_text(["red mug"]))
    assert known.encode_text([]).shape == (0, model.dim)
    assert isinstance(known, TextModel)
    assert isinstance(model, TextModel)
    with pytest.raises(InputError, match=r"texts\.json: has no vector of 'lamp' and 1 others; add it"):
        known.encode_text(["chair", "lamp", "spoon"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not valid JSON"),
        ("[]", "no object in braces"),
        ("{}", "holds no text"),
        ('{"mug": 3}', "has 3 for the text 'mug', no vector"),
        ('{"mug": []}', "no vector"),
        ('{"mug": [true]}', "no vector"),
        ('{"mug": ["1"]}', "no vector"),
        ('{"mug": [1, 2], "cup": [1]}', "has 1 components for 'cup', and 2 for others"),
        ('{"mug": [1], "Mug ": [1]}', "twice"),
        ('{" ": [1]}', "or it is empty"),
        ('{"mug": [0, 0]}', "is zero or not finite"),
        ('{"mug": [NaN, 0]}', "is zero or not finite"),
        (f'{{"mug": {[1] * 5000}}}', "no vector"),
    ],
)
def test_files_of_vectors_that_are_none(tmp_path, text, problem):
    (tmp_path / "texts.json").write_text(text)
    with pytest.raises(InputError, match=problem):
        TextVectors.read(tmp_path / "texts.json")


def test_words_are_read_one_a_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeffred  mug\r\n\r\n  Stuhl \nécran\n".encode())
    assert read_words(path) == ["red mug", "Stuhl", "écran"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n\n", "holds 0 names"),
        (b"mug\nchair\nMug", "has the name 'Mug' twice"),
        (b"x" * 81, "longer than 80 letters"),
        (b"a\x07b", "unprintable"),
        (b"\xff\xfe", "is no text of names"),
        (b"\n".join(b"%d" % k for k in range(20_001)), "holds 20001 names"),
    ],
)
def test_vocabularies_that_are_none(tmp_path, content, problem):
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(InputError, match=problem):
        read_words(tmp_path / "words.txt")


def test_names_are_those_of_a_plain_softmax(tmp_path):
    rng = np.random.default_rng(0)
    texts = {word: rng.normal(size=8) for word in ("mug", "chair", "lamp", *CONTRAST)}
    known = TextVectors.read(written(tmp_path / "texts.json", texts))
    vectors = rng.normal(size=(6, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = np.array([0, 1, 1, 3, 4, 4])  # the third object has no vector
    found = name_objects(Descriptors(vectors, owners, 5), known, ["mug", "chair", "lamp"])
    assert [each.object_id for each in found] == [0, 1, 3, 4]
    for each in found:
        own = vectors[owners == each.object_id].astype(np.float64)
        unit = {word: row / np.linalg.norm(row) for word, row in texts.items()}
        powers = {word: np.exp(SCALE * max(float(v @ unit[word]) for v in own)) for word in ("mug", "chair", "lamp")}
        assert each.name == max(powers, key=lambda word: powers[word])
        assert each.confidence == pytest.approx(powers[each.name] / sum(powers.values()), abs=1e-3)
    strict = name_objects(Descriptors(vectors, owners, 5), known, ["mug", "chair", "lamp"], 0.5)
    for each in found:  # half of all relevancies means: nearer to the name than to any phrase
        own = vectors[owners == each.object_id].astype(np.float64)
        margin = max(min(float(v @ unit[each.name]) - float(v @ unit[phrase]) for phrase in CONTRAST) for v in own)
        assert (each.object_id in [one.object_id for one in strict]) == (margin >= 0)
    assert 0 < len(strict) < len(found)
