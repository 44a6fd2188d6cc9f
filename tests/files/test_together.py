"""Files of a subfolder are replaced together with the others, and names may not lead out of the folder."""

import json
import os
from pathlib import Path

import pytest

from gsseg.errors import InputError
from gsseg.files import together
from gsseg.files.together import finish, replace_together


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def replaced(folder: Path, files: dict, **options) -> None:
    with replace_together(folder, **options) as out:
        for name, content in files.items():
            (out / name).parent.mkdir(exist_ok=True)
            (out / name).write_text(content)


def test_a_subfolder_comes_and_goes_with_its_files(tmp_path):
    replaced(tmp_path, {"a": "1", "pictures/x": "old", "pictures/y": "old"}, keep=False)
    assert contents(tmp_path) == {"a": "1", "pictures/x": "old", "pictures/y": "old"}
    replaced(tmp_path, {"a": "2", "pictures/z": "new"}, remove=["pictures/x", "pictures/y"], keep=False)
    assert contents(tmp_path) == {"a": "2", "pictures/z": "new"}
    (tmp_path / "pictures" / "mine").write_text("mine")
    replaced(tmp_path, {"a": "3"}, remove=["pictures/z"], keep=False)
    assert contents(tmp_path) == {"a": "3", "pictures/mine": "mine"}
    (tmp_path / "pictures" / "mine").unlink()
    replaced(tmp_path, {"pictures/x": "1"}, keep=False)
    replaced(tmp_path, {"a": "4"}, remove=["pictures/x"], keep=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_kept_keeps_its_subfolder(tmp_path):
    replaced(tmp_path, {"a": "1", "pictures/x": "old"}, keep=False)
    replaced(tmp_path, {"a": "2", "pictures/y": "new"}, remove=["pictures/x"])
    assert contents(tmp_path) == {
        "a": "2", "pictures/y": "new", "earlier/original/a": "1", "earlier/original/pictures/x": "old",
    }  # fmt: skip


def test_an_interrupted_replacement_is_ended(tmp_path, monkeypatch):
    files = {"a": "2", "pictures/x": "new", "pictures/y": "new"}
    replaced(tmp_path, {"a": "1", "pictures/x": "old"}, keep=False)
    left, move = [2], together._move

    def dies(source: Path, target: Path) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        move(source, target)

    monkeypatch.setattr(together, "_move", dies)
    with pytest.raises(KeyboardInterrupt):
        replaced(tmp_path, files, keep=False)
    monkeypatch.undo()
    finish(tmp_path)
    assert contents(tmp_path) == files


@pytest.mark.parametrize(
    "name", ["../a", "a/../b", "a/b/c", "/etc/x", "./a", "a//b", "..", "", "earlier/a", ".saved/a"]
)
def test_names_do_not_lead_out(tmp_path, name):
    saved = tmp_path / ".saved"
    saved.mkdir()
    (saved / "files.json").write_text(json.dumps({"files": {name: False}, "removed": [], "keep": False}))
    with pytest.raises(InputError, match="is no list of files"):
        finish(tmp_path)


def test_a_failing_block_changes_nothing(tmp_path):
    replaced(tmp_path, {"a": "1", "pictures/x": "old"}, keep=False)
    before = contents(tmp_path)
    with pytest.raises(TypeError):
        replaced(tmp_path, {"pictures/x": "new", "a": 3})
    assert contents(tmp_path) == before
    assert sorted(os.listdir(tmp_path)) == ["a", "pictures"]
