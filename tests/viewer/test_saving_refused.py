"""Saving that is refused: what others changed or removed meanwhile, and folders that are not as they should be."""

import json
import os
import shutil
from pathlib import Path

import pytest
from gsseg_viewer.document import Document
from gsseg_viewer.edits import rename
from gsseg_viewer.saving import save
from gsseg_viewer_test_saved import add_compressed, contents, edited, plain

from gsseg.errors import InputError
from gsseg.run import Run


def test_what_another_program_changed_is_not_overwritten(balls) -> None:
    document = edited(balls.path)
    add_compressed(balls.path)
    before = contents(balls.path)
    with pytest.raises(InputError, match="changed by another program"):
        save(document)
    assert contents(balls.path) == before
    assert document.unsaved


@pytest.mark.parametrize("edits", [0, 1])
@pytest.mark.parametrize("kind", ["folder", "scene.gsseg", "file"])
def test_what_is_gone_is_said_to_be_gone_and_may_come_back(balls, tmp_path: Path, kind: str, edits: int) -> None:
    """The folder, then the splats alone; where there is nothing to save too, lest somebody think that it was saved."""
    add_compressed(balls.path)
    (tmp_path / "alone").mkdir()
    shutil.copy(balls.path / "segmented.ply", tmp_path / "alone")
    opened = {"folder": balls.path, "scene.gsseg": balls.path / kind, "file": tmp_path / "alone" / "segmented.ply"}
    document = Document.open(opened[kind])
    for _ in range(edits):
        document.apply("", lambda state: rename(state, 0, "sapphire"))
    for lost in (document.run.path, document.run.file.path):
        away = lost.rename(lost.with_name("away"))
        with pytest.raises(InputError, match="is gone: it has been deleted or moved") as caught:
            save(document)
        assert caught.value.path == str(lost)
        assert not lost.exists(), "nothing is written"
        assert document.unsaved == bool(edits)
        away.rename(lost)
    where = save(document)
    assert not document.unsaved
    assert plain(Document.open(where)) == plain(document)


def test_marks_of_other_objects_are_left_out_and_damaged_ones_refused(balls) -> None:
    save(edited(balls.path))
    marks = (balls.path / "viewer.json").read_text()
    for name in ("segmented.ply", "objects.json"):
        shutil.copyfile(balls.path / "earlier" / "original" / name, balls.path / name)
    assert not Document.open(balls.path).state.gone.any()
    save(edited(balls.path))
    for wrong in (
        "", "[]", marks[:40], marks.replace("[", "{").replace("]", "}"), marks.replace('s": [', 's": ["x",'),
        marks.replace("gsseg viewer", "other"), marks.replace('"version": 2', '"version": 3'),
        marks.replace('""', "3"), marks.replace('""', '"!"'), marks.replace('""', '"eJwDAAAAAAE="'),
        marks.replace("hidden", "hid"), marks.replace('"version": 2', '"version": 1'),
    ):  # fmt: skip
        (balls.path / "viewer.json").write_text(wrong)
        with pytest.raises(InputError, match=r"viewer\.json: cannot be read"):
            Document.open(balls.path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_folder_that_may_not_be_written_to(balls) -> None:
    document = edited(balls.path)
    balls.path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written"):
            save(document)
    finally:
        balls.path.chmod(0o700)


def test_an_earlier_folder_that_is_none(balls) -> None:
    (balls.path / "earlier").write_text("mine")
    before = contents(balls.path)
    document = edited(balls.path)
    with pytest.raises(InputError, match="earlier: is no folder"):
        save(document)
    assert contents(balls.path) == before


@pytest.mark.parametrize("name", ["../stolen.txt", "..", "", "a/b/c", "earlier/a", "/etc/passwd"])
def test_a_list_of_files_leads_nowhere_else(balls, name: str) -> None:
    """A RUN folder may come from anybody."""
    (balls.path / ".saved").mkdir()
    (balls.path / ".saved" / "files.json").write_text(json.dumps({"files": {name: False}, "removed": [], "keep": True}))
    with pytest.raises(InputError, match="no list of files"):
        Run.open(balls.path)
    (balls.path / ".saved" / "files.json").write_text("{")
    with pytest.raises(InputError, match="is not valid JSON"):
        Run.open(balls.path)
    shutil.rmtree(balls.path / ".saved")
    assert len(Run.open(balls.path).objects) == 4
