"""Files and folders that appear whole: what is removed is provably ours, and what others put there stays."""

import os
from pathlib import Path

import pytest

from gsseg.errors import InputError
from gsseg.files import folder as folders
from gsseg.files import whole_file
from gsseg.files.folder import whole_folder
from gsseg.files.lock import held, is_abandoned, locked, locked_beside
from gsseg.files.together import replace_together

LIST = "list.txt"


def listed(folder: Path) -> set[str] | None:
    path = folder / LIST
    return {LIST, *path.read_text().split()} if path.is_file() else None


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name).write_text(content)
    (folder / LIST).write_text(" ".join(files))


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A result of two files."""
    with whole_folder(tmp_path / "out", listed) as beside:
        write(beside, a="1", b="2")
    return tmp_path / "out"


@pytest.fixture(params=[True, False], ids=["exchange", "two renames"])
def exchanging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the system exchanges folders."""
    if not request.param:
        monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    return request.param


def test_a_file_of_a_dead_writer_goes_and_others_stay(tmp_path):
    kept = {".a.bin.part": "1", ".a.bin.0123456g.part": "2", ".b.bin.01234567.part": "3", "a.bin.01234567.part": "4"}
    for name, content in kept.items():
        (tmp_path / name).write_text(content)
    (tmp_path / ".a.bin.01234567.part").write_text("of a dead one")
    at_work = tmp_path / ".a.bin.89abcdef.part"
    with held(at_work):
        with whole_file(tmp_path / "a.bin") as beside:
            beside.write_text("whole")
        assert contents(tmp_path) == {**kept, "a.bin": "whole", at_work.name: ""}
    assert is_abandoned(at_work)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_that_was_not_finished_leaves_the_earlier_one(tmp_path, error):
    (tmp_path / "a").write_text("earlier")

    def fails() -> None:
        with whole_file(tmp_path / "a") as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(error):
        fails()
    assert contents(tmp_path) == {"a": "earlier"}


def test_a_folder_takes_the_place_of_the_earlier_one(earlier, exchanging):
    with whole_folder(earlier, listed) as beside:
        write(beside, b="3")
        assert contents(earlier)["a"] == "1"
    assert contents(earlier.parent) == {"out/b": "3", f"out/{LIST}": "b"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_that_was_not_finished_leaves_the_earlier_one(earlier, exchanging, error):
    before = contents(earlier.parent)

    def fails() -> None:
        with whole_folder(earlier, listed) as beside:
            write(beside, b="3")
            raise error

    with pytest.raises(error):
        fails()
    assert contents(earlier.parent) == before


def test_an_interrupt_between_two_renames_puts_the_earlier_one_back(earlier, monkeypatch):
    before, rename = contents(earlier.parent), os.rename

    def interrupted(source: Path, target: Path) -> None:
        if target == earlier and str(source).endswith(".part"):
            raise KeyboardInterrupt
        rename(source, target)

    def replaces() -> None:
        with whole_folder(earlier, listed) as beside:
            write(beside, b="3")

    with monkeypatch.context() as patch:
        patch.setattr(folders, "exchange", lambda one, other: False)
        patch.setattr(os, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            replaces()
    assert contents(earlier.parent) == before


def test_a_file_put_there_meanwhile_is_refused(earlier, exchanging):
    def replaces() -> None:
        with whole_folder(earlier, listed) as beside:
            write(beside, b="3")
            (earlier / "mine").write_text("mine")

    with pytest.raises(InputError, match="holds mine, which no export wrote"):
        replaces()
    assert contents(earlier.parent) == {"out/a": "1", "out/b": "2", f"out/{LIST}": "a b", "out/mine": "mine"}


def test_a_file_put_there_at_the_last_moment_moves_along(earlier, exchanging, monkeypatch):
    take_place = folders._take_place

    def put_and_take(*paths: Path) -> None:
        (earlier / "mine").write_text("mine")
        take_place(*paths)

    monkeypatch.setattr(folders, "_take_place", put_and_take)
    with whole_folder(earlier, listed) as beside:
        write(beside, b="3")
    assert contents(earlier.parent) == {"out/b": "3", f"out/{LIST}": "b", "out/mine": "mine"}


@pytest.mark.parametrize("there", [True, False])
def test_what_a_dead_writer_moved_aside_is_put_back_or_removed(earlier, there):
    aside = earlier.with_name(".out.01234567.old")
    earlier.rename(aside)
    if there:
        earlier.mkdir()
        write(earlier, c="4")
    begun = earlier.with_name(".out.89abcdef.part")
    begun.mkdir()
    (begun / "half").write_text("half")
    (earlier.parent / ".out.mine.old").mkdir()

    def fails() -> None:
        with whole_folder(earlier, listed):
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fails()
    expected = {"c": "4", LIST: "c"} if there else {"a": "1", "b": "2", LIST: "a b"}
    assert contents(earlier) == expected
    assert {path.name for path in earlier.parent.iterdir()} == {"out", ".out.mine.old"}


def test_folders_made_on_the_way_go_again_unless_somebody_uses_them(tmp_path):
    def fails(name: str) -> None:
        with whole_folder(tmp_path / "new" / name / "out"):
            if name == "used":
                (tmp_path / "new" / "precious").write_text("precious")
            raise ValueError

    for name in ("unused", "used"):
        with pytest.raises(ValueError):  # noqa: PT011
            fails(name)
    assert contents(tmp_path) == {"new/precious": "precious"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["precious"]


def test_one_writer_at_a_time_who_is_named(tmp_path):
    with locked(tmp_path), pytest.raises(InputError, match=rf"process {os.getpid()} on "), locked(tmp_path):
        pass
    with locked_beside(tmp_path / "out"):
        with pytest.raises(InputError, match="out: is being written to"), locked_beside(tmp_path / "out"):
            pass
        with locked_beside(tmp_path / "other"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_kept_goes_by_name(tmp_path):
    (tmp_path / "earlier").mkdir()
    for name in ("a", "earlier/a", "earlier/mine"):
        (tmp_path / name).write_text(name)
    with replace_together(tmp_path, keep=False) as beside:
        (beside / "a").write_text("new")
    assert contents(tmp_path) == {"a": "new", "earlier/mine": "earlier/mine"}
