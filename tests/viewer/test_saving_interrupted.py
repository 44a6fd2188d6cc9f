"""Saving that ends half-way: whenever the process dies or the disk refuses, all files are the old ones or the new."""

import errno
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gsseg_viewer.document import Document
from gsseg_viewer.edits import rename
from gsseg_viewer.saving import save
from gsseg_viewer_test_saved import add_compressed, contents, edited, newest, plain

from gsseg.errors import InputError
from gsseg.files.together import finish


class Died(BaseException):
    """What ends a process; nobody catches it."""


class Saboteur:
    """Counts what changes the file system, and from a step on (`dies`) or at one step (`refuses`) lets it fail."""

    EVENTS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "open")

    def __init__(self) -> None:
        self.folder: str | None = None
        self.step = self.at = 0
        self.dies = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple) -> None:
        if self.folder is None or event not in self.EVENTS:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        # Below rmtree names are relative to an open folder; nothing else runs here meanwhile.
        if str(arguments[0]).startswith("/") and not str(arguments[0]).startswith(self.folder):
            return
        self.step += 1
        if self.dies and self.step >= self.at:
            raise Died
        if not self.dies and self.step == self.at:
            raise OSError(errno.ENOSPC, "No space left on device")

    def run(self, job: Callable[[], object], folder: Path, at: int, dies: bool) -> tuple[BaseException | None, int]:
        """Runs a job that fails at a step; how it ended, and how many steps it took."""
        self.folder, self.step, self.at, self.dies = str(folder), 0, at, dies
        try:
            job()
            return None, self.step
        except (Died, InputError) as error:
            return error, self.step
        finally:
            self.folder = None


@pytest.fixture(scope="module")
def saboteur() -> Iterator[Saboteur]:
    """One, as audit hooks stay for ever; idle outside its `run`."""
    made = Saboteur()
    yield made
    made.folder = None


@pytest.fixture
def twice(balls) -> Path:
    """A small run with scene.gsseg that has been edited and saved before."""
    add_compressed(balls.path)
    document = Document.open(balls.path)
    document.apply("", lambda state: rename(state, 0, "first"))
    save(document)
    return balls.path


def test_a_process_that_dies_leaves_the_old_or_the_new(twice: Path, tmp_path: Path, saboteur: Saboteur) -> None:
    old = plain(Document.open(twice))
    complete = tmp_path / "complete"
    shutil.copytree(twice, complete)
    document = edited(complete)
    _, steps = saboteur.run(lambda: save(document), complete, at=10**9, dies=True)
    new, ended = plain(document), contents(complete)
    assert new != old
    assert steps > 25
    found = []
    for at in range(1, steps + 1):
        folder = tmp_path / f"died_{at}"
        shutil.copytree(twice, folder)
        document = edited(folder)
        error, _ = saboteur.run(lambda document=document: save(document), folder, at, dies=True)
        assert isinstance(error, Died) or at > steps - 3
        for name in ("segmented.ply", "objects.json", "scene.gsseg", "viewer.json"):
            assert (folder / name).is_file(), "at no moment a file is missing"
        for then in range(1, steps):  # whoever opens it next may die as well, ever later
            error, _ = saboteur.run(lambda folder=folder: finish(folder), folder, then, dies=True)
            if error is None:
                break
        assert error is None
        again = Document.open(folder)
        found.append(plain(again) == new)
        assert plain(again) in (old, new)
        assert not (folder / ".saved").exists()
        if found[-1]:
            assert contents(folder) == ended
        else:
            left = {name: data for name, data in contents(folder).items() if not name.startswith((".saving", ".lock"))}
            assert left == contents(twice)
            again.apply("", lambda state: rename(state, 1, "second"))
            save(again)
        assert not list(folder.glob(".sav*")), "the next saving clears up"
        shutil.rmtree(folder)
    assert found == sorted(found), "there is one step that decides"
    assert set(found) == {False, True}


def test_a_disk_that_refuses_changes_nothing(twice: Path, tmp_path: Path, saboteur: Saboteur) -> None:
    complete = tmp_path / "complete"
    shutil.copytree(twice, complete)
    document = edited(complete)
    _, steps = saboteur.run(lambda: save(document), complete, at=10**9, dies=False)
    before, ended, outcomes = contents(twice), contents(complete), set()
    for at in range(1, steps + 1):
        folder = tmp_path / f"refused_{at}"
        shutil.copytree(twice, folder)
        document = edited(folder)
        error, _ = saboteur.run(lambda document=document: save(document), folder, at, dies=False)
        if error is None:  # a link that could not be made was copied
            outcomes.add("saved")
        elif "not every new file could be moved" in str(error):
            outcomes.add("half")
            finish(folder)
        else:
            outcomes.add("nothing")
            assert isinstance(error, InputError)
            assert ".saving" not in str(error), "names are those that last"
            assert contents(folder) == before
            assert not list(folder.glob(".sav*"))
            assert document.unsaved
            save(document)
        assert contents(folder) == ended
        shutil.rmtree(folder)
    assert outcomes == {"saved", "half", "nothing"}


def test_many_may_end_a_saving_at_once(twice: Path) -> None:
    document = edited(twice)
    save(document)
    new = contents(twice)
    for seed in range(8):
        document.apply("", lambda state, seed=seed: rename(state, 0, f"name {seed}"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gsseg.files.together._withdraw", lambda *_: False)
            patch.setattr("gsseg.files.together._move", _refuse)
            with pytest.raises(InputError, match="not every new file"):
                save(document)
        barrier, failed = threading.Barrier(4), list[Exception]()

        def end(barrier: threading.Barrier = barrier, failed: list[Exception] = failed) -> None:
            barrier.wait()
            try:
                finish(twice)
            except InputError as error:
                failed.append(error)

        threads = [threading.Thread(target=end) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        document = Document.open(twice)
        assert document.state.objects[0].name == f"name {seed}"
        names = ("segmented.ply", "objects.json", "scene.gsseg", "viewer.json")
        assert {name: contents(newest(twice))[name] for name in names} == {name: new[name] for name in names}
        new = contents(twice)
    assert not list(twice.glob(".sav*"))


def _refuse(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")
