"""Objects found by what words mean: against vectors that are known, through edits and saving, and in the panel."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.channel import PartTold
from gsseg_viewer.document import Document
from gsseg_viewer.edits import delete, merge, rename, split
from gsseg_viewer.incoming import PartAsked
from gsseg_viewer.meaning import Meaning, fitting
from gsseg_viewer.saving import save

from gsseg.compressed import compress, read_scene, write_scene
from gsseg.compressed.language import encode_language
from gsseg.errors import InputError
from gsseg.language.clip import ClipModel
from gsseg.run import Run
from gsseg.segmentation import Segmentation

DIM = 64
WORDS = {word: row for row, word in enumerate(("blue", "red", "green", "yellow"))}


def direction(row: int) -> np.ndarray:
    """What the word ``row`` means; 9 means what fits everything."""
    vector = np.random.default_rng(row).normal(size=DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


class Dictionary(ClipModel):
    """A model that knows four words; whatever else it hears fits everything alike."""

    def encode_text(self, texts: Any) -> np.ndarray:
        return np.stack([direction(WORDS.get(text, 9)) for text in texts])

    dim = DIM
    fingerprint = "a dictionary"


@pytest.fixture
def model() -> Any:
    made = object.__new__(Dictionary)
    made.__dict__["folder"] = Path("MODEL")
    return made


@pytest.fixture
def spoken(balls: Any) -> Any:
    """The four balls with a scene.gsseg that holds vectors: that of ball k means word k; ball 3 has none."""
    vectors = np.stack([direction(k) + 0.3 * direction(20 + k) for k in range(4)])
    vectors[3] = np.nan
    run = Run.open(balls.path)
    made = Segmentation(
        object_ids=run.object_ids, code_coarse=run.code_coarse, code_fine=run.code_fine,
        discrete=run.features.numpy(), learnt=run.features.numpy(), objects=run.objects,
    )  # fmt: skip
    scene = compress(made, "segmented.ply", run.gaussians.means.numpy(), language=encode_language(vectors))
    write_scene(balls.path / "scene.gsseg", scene)
    return balls


def best(document: Document, meaning: Meaning, text: str) -> int:
    return fitting(document.state, meaning.relevancies(text))[0][0]


def test_every_word_finds_its_object(spoken: Any, model: Any):
    document = spoken.document()
    meaning = Meaning.of(document.run, model)
    for word, row in list(WORDS.items())[:3]:
        found = fitting(document.state, meaning.relevancies(word))
        assert [each for each, _ in found[:1]] == [row]
        assert found[0][1] > 0.9
        assert {each for each, _ in found} == {0, 1, 2}, "an object without a vector is no answer"
        assert all(0 <= later <= sooner <= 1 for (_, sooner), (_, later) in pairwise(found))
    nothing = fitting(document.state, meaning.relevancies("a noise"))
    assert all(value == pytest.approx(0.5, abs=1e-6) for _, value in nothing), "it fits as whatever fits everything"


def test_objects_answer_for_what_they_come_from(spoken: Any, model: Any):
    document = spoken.document()
    meaning = Meaning.of(document.run, model)
    document.apply("merged", lambda state: merge(state, state.pieces_of([0, 1])))
    (kept,) = {0, 1} & set(document.state.objects)
    assert best(document, meaning, ("blue", "red")[kept]) == kept
    document.apply("split", lambda state: split(state, state.pieces_of([2])))
    pieces = {each for each, info in document.state.objects.items() if info.source == 2}
    assert len(pieces) == 2
    assert {each for each, _ in fitting(document.state, meaning.relevancies("green"))[:2]} == pieces
    document.apply("deleted", lambda state: delete(state, state.pieces_of([kept])))
    assert kept not in {each for each, _ in fitting(document.state, meaning.relevancies("red"))}


def test_saving_numbers_anew_and_words_still_find_the_same(spoken: Any, model: Any):
    document = spoken.document()
    meaning = Meaning.of(document.run, model)
    document.apply("renamed", lambda state: rename(state, 2, "the green one"))
    document.apply("merged", lambda state: merge(state, state.pieces_of([2, 3])))
    save(document)
    found = best(document, meaning, "green")
    assert document.state.objects[found].name == "the green one"
    again = spoken.document()
    assert best(again, Meaning.of(again.run, model), "green") == found
    assert again.state.objects[found].name == "the green one"


def test_a_run_without_vectors_and_a_foreign_model_are_refused(balls: Any, spoken: Any, model: Any, open_viewer: Any):
    class Other(Dictionary):
        dim = 7

    other = object.__new__(Other)
    other.__dict__["folder"] = Path("OTHER")
    with pytest.raises(InputError, match=r"OTHER.*vectors of 7 components, those of the objects have 64"):
        open_viewer(spoken.document(), clip=other)
    scene = read_scene(spoken.path / "scene.gsseg")
    write_scene(spoken.path / "scene.gsseg", replace(scene, language_model="another one"))
    with pytest.raises(InputError, match="MODEL: is not the model that the objects' vectors are of"):
        open_viewer(spoken.document(), clip=model)
    write_scene(spoken.path / "scene.gsseg", replace(scene, language=None))
    with pytest.raises(InputError, match=r"has no language vectors.*gsseg compress"):
        open_viewer(spoken.document(), clip=model)
    (spoken.path / "scene.gsseg").unlink()
    with pytest.raises(InputError, match=r"has no scene\.gsseg with language vectors"):
        Meaning.of(spoken.document().run, model)


def test_the_list_finds_by_meaning(spoken: Any, model: Any, open_desk: Any):
    document = spoken.document()
    desk = open_desk(document, meaning=Meaning.of(document.run, model))

    def ask(words: str) -> Any:
        desk.session.enqueue(lambda: desk.session.channel.hear(PartAsked("list", "meaning", text=words)))
        desk.settle()
        told = [each.content for each in desk.connection.sent if isinstance(each, PartTold) and each.topic == "fits"]
        return told[-1] if told else None

    assert ask("  ") is None
    assert desk.told[-1] == ("Not done", "Say in a few words what is to be found")
    found = ask("red")
    assert len(found["ids"]) == 3
    assert found["ids"][0] == 1
    assert found["values"] == sorted(found["values"], reverse=True)
    document.apply("deleted", lambda state: delete(state, state.pieces_of([1])))
    assert 1 not in ask("red")["ids"]
