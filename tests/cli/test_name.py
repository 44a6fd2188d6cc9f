"""``gsseg name``: objects called after what they look like, in all files of a run, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gsseg.language.clip import ClipModel
from gsseg.run import Edits, Run
from gsseg.segmentation.table import table_from_json, table_json


@pytest.fixture
def vocabulary(tmp_path):
    """Three words, a model's vectors of them in a file, and the two objects' own in another."""
    (tmp_path / "words.txt").write_text("lamp\nred mug\ntable\n")
    return tmp_path / "words.txt"


@pytest.fixture
def described(run, clip_folder, tmp_path, answer):
    """The run, with the first object a red mug and the second a lamp."""
    vectors = ClipModel.open(clip_folder).encode_text(["red mug", "lamp"])
    np.save(tmp_path / "objects.npy", vectors)
    answer("compress", "-m", run, "--language", tmp_path / "objects.npy")
    return run


def test_objects_are_named_and_everything_says_so(described, vocabulary, clip_folder, answer):
    before = Run.open(described)
    ids, thumbnails = before.object_ids.copy(), [row.thumbnail for row in before.objects]
    said = answer("name", "-m", described, "--words", vocabulary, "--clip", clip_folder)
    assert (said["named"], said["objects"]) == (2, 2)
    assert [row["name"] for row in said["names"]] == ["red mug", "lamp"]
    run = Run.open(described)
    assert [row.name for row in run.objects] == ["red mug", "lamp"]
    assert [row.name_confidence for row in run.objects] == [row["confidence"] for row in said["names"]]
    assert [row.thumbnail for row in run.objects] == thumbnails
    assert np.array_equal(run.object_ids, ids)
    assert [row.name for row in run.compressed.objects] == ["red mug", "lamp"]
    assert [row["name"] for row in json.loads((described / "objects.json").read_text())] == ["red mug", "lamp"]
    found = answer("query", "-m", described, "--text", "lamp", "--clip", clip_folder)
    assert {each["id"]: each["name"] for each in found} == {0: "red mug", 1: "lamp"}
    assert (described / "earlier").is_dir()


def test_names_are_not_discarded_unasked(described, vocabulary, clip_folder, two_things, few_steps, answer, refusal):
    train = ["train", "-s", two_things, "-m", described, *few_steps, "--seed", 1]
    answer("name", "-m", described, "--words", vocabulary, "--clip", clip_folder)
    assert "has been changed since it was trained (gsseg view, name or update)" in refusal(*train)
    assert [row.name for row in Run.open(described).objects] == ["red mug", "lamp"]
    answer(*train, "--discard-edits")
    assert all(row.name_confidence is None for row in Run.open(described).objects)


def test_a_persons_names_stay_and_those_of_the_vocabulary_are_renewed(described, vocabulary, clip_folder, answer):
    ask = ["name", "-m", described, "--words", vocabulary, "--clip", clip_folder]
    answer(*ask)
    table = table_from_json((described / "objects.json").read_text())
    run = Run.open(described)
    table = [replace(table[0], name="my mug", name_confidence=None), table[1]]
    run.save(Edits(object_ids=run.object_ids, objects=table, marks=run.marks, came_from=[0, 1]))
    vocabulary.write_text("chair\nmug\ntable\n")
    assert answer(*ask)["named"] == 1
    assert Run.open(described).objects[0].name == "my mug"
    assert Run.open(described).objects[1].name != "lamp"
    assert answer(*ask, "--all")["named"] == 2
    assert Run.open(described).objects[0].name_confidence is not None


def test_vectors_of_a_file_name_and_find_without_a_model(described, vocabulary, clip_folder, tmp_path, answer, refusal):
    texts = ["lamp", "red mug", "table"]
    rows = ClipModel.open(clip_folder).encode_text([*texts, "object", "things", "stuff", "texture"]).tolist()
    few = tmp_path / "few.json"
    few.write_text(json.dumps(dict(zip(texts, rows, strict=False))))
    said = answer("name", "-m", described, "--words", vocabulary, "--text-vectors", few)
    assert [row["name"] for row in said["names"]] == ["red mug", "lamp"]
    ask = ["query", "-m", described, "--text", "Lamp", "--text-vectors"]
    assert "few.json: has no vector of 'object' and 3 others" in refusal(*ask, few)
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(dict(zip([*texts, "object", "things", "stuff", "texture"], rows, strict=True))))
    found = answer(*ask, whole)
    assert max(found, key=lambda each: each["cosine"])["name"] == "lamp"
    assert found == answer("query", "-m", described, "--text", "lamp", "--clip", clip_folder)


def test_what_is_refused_changes_nothing(described, vocabulary, clip_folder, tmp_path, refusal, answer):
    before = (described / "objects.json").read_bytes()
    ask = ["name", "-m", described, "--words"]
    assert "none.txt: does not exist" in refusal(*ask, tmp_path / "none.txt", "--clip", clip_folder)
    assert "needs to know what words look like" in refusal(*ask, vocabulary)
    both = refusal(*ask, vocabulary, "--clip", clip_folder, "--text-vectors", vocabulary)
    assert "both say what texts look like" in both
    assert "--relevancy 2: is out of range" in refusal(*ask, vocabulary, "--clip", clip_folder, "--relevancy", 2)
    (tmp_path / "other.json").write_text('{"lamp": [1, 2], "red mug": [2, 1], "table": [0, 1]}')
    said = refusal(*ask, vocabulary, "--text-vectors", tmp_path / "other.json")
    assert "gives vectors of 2 components, those of the objects have 24" in said
    (described / "scene.gsseg").unlink()
    assert "has no language vectors to name objects by; make them" in refusal(*ask, vocabulary, "--clip", clip_folder)
    assert (described / "objects.json").read_bytes() == before
    assert not (described / "earlier").exists()


def test_a_table_tells_how_sure_a_name_is_or_nothing(described):
    table = Run.open(described).objects
    assert "name_confidence" not in table_json(table)
    sure = [replace(row, name_confidence=0.25) for row in table]
    assert table_from_json(table_json(sure)) == sure
    for wrong in ("1.5", '"much"', "true", "NaN"):
        with pytest.raises(ValueError, match="has name_confidence"):
            table_from_json(table_json(sure).replace('"name_confidence": 0.25', f'"name_confidence": {wrong}'))
