"""Objects found by what words mean: against vectors that are known, through edits and saving, and in the panel."""

import json
from collections.abc import Callable
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
from gsseg.language.search import CONTRAST
from gsseg.language.text import TextVectors
from gsseg.run import Edits, Run
from gsseg.segmentation import Segmentation

DIM = 64
WORDS = {word: row for row, word in enumerate(("blue", "red", "green", "yellow"))}


def direction(row: int) -> np.ndarray:
    """What the word ``row`` means; 9 means what fits everything."""
    vector = np.random.default_rng(row).normal(size=DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


class Dictionary:
    """A model that knows four words; whatever else it hears fits everything alike."""

    def encode_text(self, texts: Any) -> np.ndarray:
        return np.stack([direction(WORDS.get(text, 9)) for text in texts])

    path = Path("MODEL")
    dim = DIM
    fingerprint = "a dictionary"


@pytest.fixture
def model() -> Any:
    return Dictionary()


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
        dim, path = 7, Path("OTHER")

    other = Other()
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


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """A file with what three words and LERF's phrases mean."""
    rows = {**{word: direction(k) for word, k in list(WORDS.items())[:3]}, **{each: direction(9) for each in CONTRAST}}
    (tmp_path / "texts.json").write_text(json.dumps({text: row.tolist() for text, row in rows.items()}))
    return tmp_path / "texts.json"


def test_texts_of_a_file_find_and_others_are_told(spoken: Any, vectors: Path, open_desk: Any):
    document = spoken.document()
    meaning = Meaning.of(document.run, TextVectors.read(vectors))
    assert best(document, meaning, " Green") == 2
    desk = open_desk(document, meaning=meaning)
    desk.session.enqueue(lambda: desk.session.channel.hear(PartAsked("list", "meaning", text="a mug")))
    desk.settle()
    assert desk.told[-1][0] == "That failed"
    assert "texts.json: has no vector of 'a mug'" in desk.told[-1][1]
    few = {text: row for text, row in json.loads(vectors.read_text()).items() if text != "stuff"}
    vectors.write_text(json.dumps(few))
    with pytest.raises(InputError, match=r"texts\.json: has no vector of 'stuff'"):
        Meaning.of(document.run, TextVectors.read(vectors))


def test_words_of_a_file_and_names_of_a_vocabulary_in_a_browser(
    spoken: Any, vectors: Path, open_viewer: Callable, open_tab: Callable, poll: Callable
):
    """The search as a person does it, and how sure each name is, until the person gives another."""
    run = Run.open(spoken.path)
    table = [replace(row, name=word, name_confidence=0.42) for row, word in zip(run.objects, WORDS, strict=True)]
    table[3] = run.objects[3]
    run.save(Edits(object_ids=run.object_ids, objects=table, marks=run.marks, came_from=[*range(4)]))
    document = spoken.document()
    tab = open_tab(open_viewer(document, clip=TextVectors.read(vectors)), width=1300)
    rows = tab.page.locator("gsseg-list .row")
    poll("four rows", lambda: rows.count() == 4)
    guesses = tab.page.locator("gsseg-list .row .guess")
    assert [each.strip(" ·") for each in guesses.all_text_contents()] == ["42% sure"] * 3
    tab.press("/")
    tab.page.keyboard.type("Green")
    tab.page.locator("gsseg-list .meaning").click()
    poll("the three that have vectors", lambda: rows.count() == 3)
    assert rows.first.get_attribute("data-id") == "2"
    rows.first.click()
    tab.wait_for_text("id 2, 42% sure of the name")
    document.apply("renamed", lambda state: rename(state, 2, "my mug"))
    poll("nobody's guess", lambda: guesses.count() == 2)
    document.undo()
    poll("as before", lambda: guesses.count() == 3)
