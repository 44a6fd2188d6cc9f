"""A folder of results: written whole or not at all, and never over anything that is not an earlier result.

    .NAME.TOKEN.part/   the new folder while it is filled; nobody reads it
    .NAME.TOKEN.old/    the folder that was replaced, until it is removed

The new folder is filled beside the old one and changes places with it in one step (`gsseg.files.exchange`). Where the
system has no such step there are two, and a process that dies between them leaves the old folder under a hidden name:
`recover_folder` puts it back, and whoever writes to that place next calls it.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.exchange import exchange
from gsseg.files.lock import locked_beside
from gsseg.files.reading import all_below, entries
from gsseg.files.remove import left_beside, remove_empty, remove_file, remove_folder

Listed = Callable[[Path], set[str] | None]
"""The files that an earlier result in a folder consists of, as paths inside it with ``/``; None where the folder is no
such result, `InputError` where the disk refuses to tell."""


def check_replaceable(path: Path, listed: Listed) -> None:
    """Raises `InputError` unless ``path`` is absent, an empty folder, or an earlier result with nothing else in it."""
    if not path.exists():
        return
    if not path.is_dir():
        raise InputError(path, "is a file, not a folder", "choose another folder")
    if not entries(path):
        return
    own = listed(path)
    if own is None:
        raise InputError(path, "is not empty and no earlier export", "choose another folder or empty it yourself")
    foreign = sorted(_held(path) - own)
    if foreign:
        raise InputError(
            path, f"holds {foreign[0]}, which no export wrote", "move it elsewhere or choose another folder"
        )


def _held(folder: Path) -> set[str]:
    """All files in a folder and below it, and what of its folders is empty, as paths inside it."""
    files = {path.relative_to(folder).as_posix() for path in all_below(folder)}
    parents = {parent.as_posix() for file in files for parent in Path(file).parents}
    return files | {name for name in _folders(folder) if name not in parents}


def _folders(folder: Path) -> list[str]:
    """The folders below a folder, the deepest first; links are none."""
    found = [Path(top, name) for top, names, _ in os.walk(folder) for name in names]
    inside = [path.relative_to(folder) for path in found if not path.is_symlink()]
    return [path.as_posix() for path in sorted(inside, key=lambda path: (-len(path.parts), path))]


@contextmanager
def whole_folder(path: Path, listed: Listed = lambda folder: None) -> Iterator[Path]:
    """Yields an empty folder beside ``path`` to fill; it takes the place of ``path`` when the block ends well.

    Where the block raises, ``path`` is as it was and nothing is left beside it, but folders that it needs above it and
    that somebody else has used meanwhile. Raises `InputError` where ``path`` may not be replaced (`check_replaceable`),
    while another process writes to it, and where the file system refuses; it names files as they would have been.
    Should it refuse to remove what was replaced, the new folder is there, and the error says where the other is.
    """
    check_replaceable(path, listed)
    token = secrets.token_hex(4)
    beside, before = path.with_name(f".{path.name}.{token}.part"), path.with_name(f".{path.name}.{token}.old")
    made = [folder for folder in path.parents if not folder.exists()]
    done = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked_beside(path):
            recover_folder(path, listed)
            check_replaceable(path, listed)
            try:
                beside.mkdir()
                yield beside
                check_replaceable(path, listed)
                _take_place(beside, path, before)
                done = True
            finally:
                removed = _tidy(beside, path, before, listed, done)
        if not all(removed):
            problem = "is written, but what it replaced could not be removed"
            raise InputError(path, problem, f"delete {(before, beside)[removed.index(False)]}")
    except InputError as error:
        raise InputError(error.path.replace(str(beside), str(path)), error.problem, error.remedy) from error
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        if before.exists() and not path.exists():
            problem += f", and what it was is now {before.name} beside it"
            raise InputError(path, problem, "give the same command again, which puts it back") from error
        raise InputError(path, problem, "choose a folder you may write to") from error
    finally:
        if not done:
            for folder in made:
                remove_empty(folder)


def recover_folder(path: Path, listed: Listed = lambda folder: None) -> bool:
    """Puts back what a process that died had moved aside, and removes what it had begun; whether it put anything back.

    To be called by whoever holds the lock of that place, or while nobody writes there. Raises OSError where the file
    system refuses to put it back.
    """
    back = False
    for aside in left_beside(path.parent, path.name, "old"):
        if not path.exists():
            os.rename(aside, path)
            back = True
        else:
            _remove_replaced(aside, path, listed)
    for begun in left_beside(path.parent, path.name, "part"):
        _remove_replaced(begun, path, listed)  # after an exchange this is the name of the earlier result
    return back


def _take_place(beside: Path, path: Path, before: Path) -> None:
    if not path.exists():
        os.rename(beside, path)
    elif not exchange(beside, path):
        os.rename(path, before)
        os.rename(beside, path)


def _tidy(beside: Path, path: Path, before: Path, listed: Listed, done: bool) -> tuple[bool, bool]:
    """Removes what is not needed any more, whatever happened; whether it is gone."""
    if before.exists() and not path.exists():
        with suppress(OSError):
            os.rename(before, path)
    removed = not before.exists() or (path.exists() and _remove_replaced(before, path, listed))
    return removed, _remove_replaced(beside, path, listed) if done else remove_folder(beside)


def _remove_replaced(folder: Path, path: Path, listed: Listed) -> bool:
    """Removes an earlier result; what somebody has put into it meanwhile goes to ``path`` first.

    Whether the folder is gone. One without its list is what is left of such a removal, whose process died.
    """
    if not folder.exists():
        return True
    try:
        own = listed(folder)
        if own is None:
            return remove_folder(folder)
        for name in sorted(_held(folder) - own):
            if os.path.lexists(path / name):
                return False
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            os.rename(folder / name, path / name)
        ours = [name for name in sorted(own) if os.path.lexists(folder / name)]
    except (OSError, InputError):
        return False
    for name in ours:
        remove_file(folder / name)
    for name in _folders(folder):
        remove_empty(folder / name)
    return remove_empty(folder)
