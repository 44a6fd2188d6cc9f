"""Objects ranked by words, and the codes that their vectors are kept in."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsseg.compressed import CompressedScene, compress
from gsseg.compressed.language import encode_language, has_vector, read_language
from gsseg.errors import InputError
from gsseg.language.clip import ClipModel
from gsseg.language.search import CONTRAST, Found, find_by_text, relevancy
from gsseg.quantize import BinaryQuantizer
from gsseg.quantize.binary.codes import WIDTHS, BinaryCodes
from gsseg.segmentation import Segmentation
from gsseg.segmentation.describe import default_colors, describe_objects


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def draw(seed: int, rows: int, dim: int = 40) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(rows, dim)) + 1)


def plain_relevancy(vector, text, contrast, temperature):
    """Equation (3) of LERF, word for word."""
    own = math.exp(temperature * float(vector @ text))
    return min(own / (own + math.exp(temperature * float(vector @ phrase))) for phrase in contrast)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6), st.floats(0.1, 100))
def test_relevancy_is_the_equation(seed, phrases, temperature):
    vectors, text, contrast = draw(seed, 5), draw(seed + 1, 1)[0], draw(seed + 2, phrases)
    found = relevancy(vectors, text, contrast, temperature)
    expected = [plain_relevancy(vector, text, contrast, temperature) for vector in vectors]
    assert np.abs(found - expected).max() < 1e-4
    more = relevancy(vectors, text, np.concatenate([contrast, draw(seed + 3, 1)]), temperature)
    assert (more <= found + 1e-4).all()  # a further phrase can only lower it, but for the rounding of float32


def test_relevancy_of_the_phrase_itself_is_a_half_and_huge_temperatures_do_not_overflow():
    vectors, contrast = draw(0, 5), draw(1, 1)
    assert np.allclose(relevancy(vectors, contrast[0], contrast), 0.5)
    values = relevancy(vectors, draw(2, 1)[0], contrast, 1e6)
    assert np.isin(values, (0, 1)).all()
    with pytest.raises(ValueError, match="at least one phrase"):
        relevancy(vectors, contrast[0], contrast[:0])


@pytest.mark.parametrize("bits", WIDTHS)
def test_more_bits_come_nearer_and_every_width_marks_what_has_no_vector(bits):
    vectors = draw(0, 30, 200)
    vectors[[4, 17]] = np.nan
    codes = encode_language(vectors, bits)
    assert codes.bits == bits
    known = has_vector(codes)
    assert np.array_equal(known, ~np.isnan(vectors[:, 0]))
    decoded = BinaryQuantizer.of(codes).decode(codes)
    assert np.abs(decoded[~known] - codes.centroid).max() < 1e-6
    assert np.abs(codes.centroid - vectors[known].mean(0)).max() < 1e-5
    cosine = (unit(decoded[known]) * vectors[known]).sum(1)
    assert cosine.min() > {1: 0.8, 2: 0.93, 4: 0.99, 7: 0.9999, 8: 0.9999}[bits]
    alone = encode_language(vectors[known], bits)  # an object without a vector changes nothing for the others
    assert np.array_equal(alone.packed, codes.packed[known])
    assert np.array_equal(alone.centroid, codes.centroid)


@pytest.mark.parametrize("rows", [1, 3])
def test_vectors_that_are_all_alike_are_told_from_none(rows):
    vectors = np.repeat(draw(0, 1), rows + 1, axis=0)
    vectors[-1] = np.nan
    codes = encode_language(vectors)
    assert has_vector(codes).tolist() == [True] * rows + [False]
    assert (unit(BinaryQuantizer.of(codes).decode(codes)[:rows]) * vectors[:rows]).sum(1).min() > 0.999


def test_vectors_that_cannot_be_encoded():
    with pytest.raises(ValueError, match="no object has a vector"):
        encode_language(np.full((3, 8), np.nan, np.float32))
    for wrong in (0.0, [np.nan, *[1.0] * 7]):
        vectors = draw(0, 3, 8)
        vectors[1] = wrong
        with pytest.raises(ValueError, match="rows 1"):
            encode_language(vectors)


def test_a_file_may_leave_objects_out(tmp_path):
    vectors = draw(0, 3, 8)
    vectors[1] = np.nan
    np.save(tmp_path / "some.npy", vectors)
    assert np.array_equal(read_language(tmp_path / "some.npy", 3), vectors, equal_nan=True)
    np.save(tmp_path / "none.npy", np.full((3, 8), np.nan))
    with pytest.raises(InputError, match="holds no vector"):
        read_language(tmp_path / "none.npy", 3)


def scene_of(codes: BinaryCodes | None, language_model: str = "") -> CompressedScene:
    """As many objects as codes, of one Gaussian each."""
    count = 1 if codes is None else len(codes)
    ids, ones = np.arange(count, dtype=np.int32), np.ones((count, 6), np.float32)
    names = [f"object {k}" for k in range(count)]
    table = describe_objects(ids, ids, ones[:, :3], names, default_colors(count), [0] * count, [0.0] * count)
    made = Segmentation(object_ids=ids, code_coarse=ids, code_fine=ids, discrete=ones, learnt=ones, objects=table)
    return compress(made, "splats.ply", ones[:, :3], levels=0, language=codes, language_model=language_model)


@pytest.fixture(scope="module")
def model(clip_folder) -> ClipModel:
    return ClipModel.open(clip_folder)


def test_objects_are_ranked_by_relevancy_and_the_words_own_vector_is_the_nearest(model):
    words = ["red mug", "chair", "table lamp", "lamp"]
    texts = model.encode_text(words)
    vectors = np.concatenate([texts, np.full((2, model.dim), np.nan, np.float32)])[[4, 0, 1, 5, 2, 3]]
    codes = encode_language(vectors)
    for word, row in zip(words, (1, 2, 4, 5), strict=True):
        found = find_by_text(scene_of(codes), model, word)
        own = max(found[:4], key=lambda each: each.cosine)
        assert own.object_id == row
        assert own.cosine > 0.999
        assert sorted(each.object_id for each in found) == list(range(6))
        assert [each.known for each in found] == [True] * 4 + [False] * 2
        assert [each.object_id for each in found[4:]] == [0, 3]
        values = [each.relevancy for each in found[:4]]
        assert values == sorted(values, reverse=True)
    plain = relevancy(texts, model.encode_text(["red"])[0], model.encode_text(list(CONTRAST)))
    ranked = {each.object_id: each.relevancy for each in find_by_text(scene_of(codes), model, "red")}
    assert np.abs(plain - [ranked[row] for row in (1, 2, 4, 5)]).max() < 0.01


def test_codes_of_one_bit_from_before_are_still_searched(model):
    texts = model.encode_text(["red mug", "chair", "table lamp"])
    found = find_by_text(scene_of(encode_language(texts, bits=1)), model, "chair")
    assert max(found, key=lambda each: each.cosine).object_id == 1
    assert all(each.known for each in found)


def test_another_model_and_no_words(model):
    codes = encode_language(draw(0, 4, model.dim + 1))
    with pytest.raises(InputError, match=r"24 components, those of the objects have 25; they were made with another"):
        find_by_text(scene_of(codes), model, "mug")
    codes = encode_language(draw(0, 4, model.dim))
    assert len(find_by_text(scene_of(codes, model.fingerprint), model, "mug")) == 4
    with pytest.raises(InputError, match="is not the model that the objects' vectors are of; they were made"):
        find_by_text(scene_of(codes, "0123456789abcdef"), model, "mug")
    with pytest.raises(InputError, match="has no language vectors"):
        find_by_text(scene_of(None), model, "mug")
    with pytest.raises(InputError, match="the text: is empty"):
        find_by_text(scene_of(encode_language(draw(0, 4, model.dim))), model, "  ")


def test_found_says_whether_it_is_known():
    assert Found(1, 0.4, 0.2).known
    assert not Found(1, math.nan, math.nan).known
