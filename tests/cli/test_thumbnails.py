"""Thumbnails of a run: there after training, right after edits, gone with the training that made them."""

import json
from pathlib import Path

import numpy as np
import pytest
from gsseg_viewer.document import Document
from gsseg_viewer.edits import merge, rename
from gsseg_viewer.saving import save
from PIL import Image

from gsseg.cli import main
from gsseg.files.digest import sha256
from gsseg.run import Run, RunLayout
from gsseg.segmentation.table import table_from_json


def pictures(run: Path) -> dict[int, np.ndarray]:
    """Object -> its thumbnail, as anybody reads them; every name is that of the content."""
    found = {}
    for row in json.loads((run / "objects.json").read_text()):
        if row["thumbnail"] is not None:
            path = run / row["thumbnail"]
            assert path.stem == sha256(path.read_bytes())[:16]
            found[row["id"]] = np.asarray(Image.open(path))
    return found


def test_training_leaves_one_of_each_object(run):
    found = pictures(run)
    assert found.keys() == set(range(len(Run.open(run).objects))) != set()
    assert {f"thumbnails/{path.name}" for path in RunLayout(run).thumbnails.iterdir()} == {
        row.thumbnail for row in Run.open(run).objects
    }
    tones = [picture[picture.shape[0] // 2, picture.shape[1] // 2].mean() for picture in found.values()]
    assert {round(tone, -2) for tone in tones} == {100.0, 200.0}, "the photos show the balls in grey of 100 and 200"


def test_a_training_again_leaves_none_of_the_earlier(run, two_things, few_steps):
    stale = RunLayout(run).thumbnails / "0123456789abcdef.jpg"
    stale.write_bytes(b"of an earlier training")
    mine = RunLayout(run).thumbnails / "mine.jpg"
    mine.write_bytes(b"mine")
    assert main(["train", "-s", str(two_things), "-m", str(run), "--seed", "3", "--quiet", *few_steps]) == 0
    assert not stale.exists()
    assert mine.read_bytes() == b"mine"
    assert pictures(run)


@pytest.mark.parametrize("compressed", [False, True])
def test_edits_never_show_a_wrong_picture(run, compressed):
    if compressed:
        assert main(["compress", "-m", str(run), "--quiet"]) == 0
    before = pictures(run)
    document = Document.open(run)
    document.apply("", lambda state: rename(state, 0, "mine"))
    save(document)
    renamed = pictures(run)
    assert renamed.keys() == before.keys()
    assert all(np.array_equal(renamed[each], before[each]) for each in before)
    document.apply("", lambda state: merge(state, state.pieces_of(list(state.objects)[:2])))
    save(document)
    table = Run.open(run).objects
    assert 0 not in pictures(run), "it is another thing now"
    for row in [row for row in table[1:] if row.gaussians]:
        assert row.thumbnail in {f"thumbnails/{path.name}" for path in RunLayout(run).thumbnails.iterdir()}
    document.undo()
    save(document)
    again = pictures(run)
    assert all(np.array_equal(again[each], before[each]) for each in before)


@pytest.mark.parametrize("name", ["../x.jpg", "thumbnails/x.jpg", "/thumbnails/0123456789abcdef.jpg", 3, ""])
def test_a_name_that_is_none_of_ours_is_refused(run, name):
    rows = json.loads((run / "objects.json").read_text())
    rows[0]["thumbnail"] = name
    with pytest.raises(ValueError, match="object 0 has thumbnail"):
        table_from_json(json.dumps(rows))


def test_a_table_of_an_earlier_gsseg_has_none(run):
    rows = json.loads((run / "objects.json").read_text())
    for row in rows:
        del row["thumbnail"]
    assert [row.thumbnail for row in table_from_json(json.dumps(rows))] == [None] * len(rows)
