"""A folder of results: written whole or not at all, and never over anything that is not an earlier result.

The new folder is filled beside the old one and changes places with it in one step (`gsseg.files.exchange`). Where the
system has no such step there are two, and a process that dies between them leaves the old folder under a hidden name:
`recover_folder` puts it back, and whoever writes to that place next calls it.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.exchange import exchange
from gsseg.files.lock import locked

Listed = Callable[[Path], set[str] | None]
"""The names that an earlier result in a folder consists of; None where the folder is no such result."""


def check_replaceable(path: Path, listed: Listed) -> None:
    """Raises `InputError` unless ``path`` is absent, an empty folder, or an earlier result with nothing else in it."""
    if not path.exists():
        return
    if not path.is_dir():
        raise InputError(path, "is a file, not a folder", "choose another folder")
    try:
        there = {entry.name for entry in path.iterdir()}
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "choose another folder") from error
    if not there:
        return
    own = listed(path)
    if own is None:
        raise InputError(path, "is not empty and no earlier export", "choose another folder or empty it yourself")
    foreign = sorted(there - own)
    if foreign:
        raise InputError(
            path, f"holds {foreign[0]}, which no export wrote", "move it elsewhere or choose another folder"
        )


@contextmanager
def whole_folder(path: Path, listed: Listed = lambda folder: None) -> Iterator[Path]:
    """Yields an empty folder beside ``path`` to fill; it takes the place of ``path`` when the block ends well.

    Where the block raises, ``path`` is as it was and nothing is left beside it. Raises `InputError` where ``path`` may
    not be replaced (`check_replaceable`), while another process writes to it, and where the file system refuses; it
    names files as they would have been.
    """
    check_replaceable(path, listed)
    token = secrets.token_hex(4)
    beside, before = path.with_name(f".{path.name}.{token}.part"), path.with_name(f".{path.name}.{token}.old")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent, name=f".{path.name}.lock"):
            recover_folder(path)
            check_replaceable(path, listed)
            try:
                beside.mkdir()
                yield beside
                _take_place(beside, path, before)
            finally:
                for folder in (beside, before):
                    shutil.rmtree(folder, ignore_errors=True)
    except InputError as error:
        raise InputError(error.path.replace(str(beside), str(path)), error.problem, error.remedy) from error
    except OSError as error:
        problem = error.strerror or str(error)
        raise InputError(path, f"cannot be written ({problem})", "choose a folder you may write to") from error


def recover_folder(path: Path) -> bool:
    """Puts back what a process that died had moved aside, and removes what it had begun; whether it put anything back.

    To be called by whoever holds the lock of that place, or while nobody writes there.
    """
    back = False
    for aside in sorted(path.parent.glob(f".{_literal(path.name)}.????????.old")):
        if not path.exists():
            os.rename(aside, path)
            back = True
        else:
            shutil.rmtree(aside, ignore_errors=True)
    for begun in path.parent.glob(f".{_literal(path.name)}.????????.part"):
        shutil.rmtree(begun, ignore_errors=True)
    return back


def _take_place(beside: Path, path: Path, before: Path) -> None:
    if not path.exists():
        os.rename(beside, path)
    elif not exchange(beside, path):
        os.rename(path, before)
        try:
            os.rename(beside, path)
        except OSError:
            os.rename(before, path)
            raise


def _literal(name: str) -> str:
    """A name as a pattern that only it fits."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
