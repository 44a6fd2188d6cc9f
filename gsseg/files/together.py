"""Several files of a folder replaced as one, whenever the process dies; earlier versions may be kept.

    FOLDER/.saving.TOKEN.part/   the new files while they are written; nobody reads it
    FOLDER/.saved/               the new files, complete; under earlier/ what they replace; the list of both
    FOLDER/earlier/original/     what the first replacement replaced, where it was to be kept
    FOLDER/earlier/N/            what the N-th replaced; of these the last few

Names may have one folder before them, ``thumbnails/a.jpg``; such a folder goes when it is empty.

Renaming the first folder to the second is the one step that decides: before it nothing has changed, after it files only
have to be moved and removed. `finish` does so, goes on where it was interrupted, and is called by whoever opens FOLDER.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.files.reading import all_below
from gsseg.files.remove import left_beside, remove_empty, remove_folder

EARLIER, SAVED = "earlier", ".saved"
_LIST = "files.json"
_ORIGINAL = "original"

KEPT = 3
"""Versions that are kept beside the original."""


@dataclass(frozen=True)
class _Replacement:
    """What is to be done to a folder; written into `SAVED` as JSON."""

    files: dict[str, bool]
    """Name of each new file -> whether it replaces one, which then lies in `EARLIER` below."""
    removed: list[str] = field(default_factory=list)
    """Names of files that are no part of the new version."""
    version: str = ""
    """Folder below the folder's `EARLIER` that takes what is replaced and removed; empty: nothing is kept, and what is
    there of these files goes."""


@contextmanager
def replace_together(folder: Path, *, remove: Iterable[str] = (), keep: bool = True) -> Iterator[Path]:
    """Yields an empty folder to write files to; all of them take their places in ``folder`` when the block ends well.

    ``remove``: names of files that vanish at the same moment, unless they are written anew. ``keep``: what is replaced
    or removed goes to a subfolder of `EARLIER`, where the original and the last `KEPT` versions stay; otherwise what is
    there of these files vanishes too. Files of other names stay as they are. Where the block raises, or the file system
    refuses (`InputError`), nothing has changed. Should it refuse in the middle of the moves, the error says so and the
    next `finish` ends them. One process at a time: hold the folder's lock (`gsseg.files.lock`).
    """
    finish(folder)
    remove_unfinished(folder)
    beside = folder / f".saving.{secrets.token_hex(4)}.part"
    try:
        beside.mkdir()
        yield beside
        _complete(beside, folder, remove, keep)
        os.rename(beside, folder / SAVED)
        with suppress(OSError):  # it is decided; only whether the disk lost its power now is not
            _to_disk(folder)
    except InputError as error:
        raise InputError(error.path.replace(str(beside), str(folder)), error.problem, error.remedy) from error
    except OSError as error:
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else folder
        raise _refused(folder / named.name if named.parent == beside else folder, error) from error
    finally:
        remove_folder(beside)
    try:
        finish(folder)
    except InputError:
        if _withdraw(folder, beside):
            raise
        problem = "was saved, but not every new file could be moved to its place"
        raise InputError(folder, problem, "make it writable and open it again, which ends that") from None


def remove_unfinished(folder: Path) -> None:
    """Removes new files of processes that died before they were complete; to be called by who holds the lock."""
    for left in left_beside(folder, "saving", "part"):
        remove_folder(left)


def is_unfinished(folder: Path) -> bool:
    """Whether a replacement in the folder is decided and not ended: its files are then of two versions."""
    return (folder / SAVED / _LIST).is_file()


def finish(folder: Path) -> None:
    """Ends a replacement that was interrupted; nothing happens where there is none. `InputError` where it cannot.

    Several processes may do so at once: each step is left out if it has been done.
    """
    saved = folder / SAVED
    if not saved.is_dir():
        return
    todo = _listed(saved)
    try:
        if todo is not None:
            for name in todo.files:
                _move(saved / name, folder / name)
            for name in todo.removed:
                _remove(folder, name)
            if todo.version:
                _keep_earlier(todo, saved, folder)
            else:
                _drop_earlier(todo, folder)
        (saved / _LIST).unlink(missing_ok=True)
        remove_folder(saved)
    except OSError as error:
        raise _refused(folder, error) from error


def _keep_earlier(todo: _Replacement, saved: Path, folder: Path) -> None:
    gone = [*(name for name, replaces in todo.files.items() if replaces), *todo.removed]
    for name in gone:
        kept = folder / EARLIER / todo.version / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        _move(saved / EARLIER / name, kept)
    for number in _numbered(folder)[:-KEPT]:
        remove_folder(folder / EARLIER / str(number))


def _drop_earlier(todo: _Replacement, folder: Path) -> None:
    """Removes what earlier replacements kept of these files; what somebody else has put there stays."""
    for name in (*todo.files, *todo.removed):
        for place in _places(folder):
            _remove(folder / EARLIER / place, name)
    for place in _places(folder)[1:]:
        remove_empty(folder / EARLIER / place)
    remove_empty(folder / EARLIER)


def kept_versions(folder: Path, name: str) -> list[Path]:
    """Every earlier version of a file that is kept in the folder, one by a gsseg that kept a single one too."""
    return [path for place in _places(folder) if (path := folder / EARLIER / place / name).is_file()]


def _places(folder: Path) -> list[str]:
    """Where below `EARLIER` versions may be; first where a gsseg that kept a single one put it."""
    return ["", _ORIGINAL, *map(str, _numbered(folder))]


def _numbered(folder: Path) -> list[int]:
    """Numbers of the versions that are kept beside the original, ascending."""
    earlier = folder / EARLIER
    if not earlier.is_dir():
        return []
    names = (each.name for each in earlier.iterdir() if each.is_dir())
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal() and name == str(int(name)))


def _next_version(folder: Path) -> str:
    """Where what is replaced now is to be kept."""
    earlier, numbers = folder / EARLIER, _numbered(folder)
    if numbers:
        return str(numbers[-1] + 1)
    return "2" if earlier.is_dir() and any(earlier.iterdir()) else _ORIGINAL


def _complete(beside: Path, folder: Path, remove: Iterable[str], keep: bool) -> None:
    """Adds what is replaced and the list, and sees all of it to the disk."""
    if (folder / EARLIER).exists() and not ((folder / EARLIER).is_dir() and os.access(folder / EARLIER, os.W_OK)):
        raise InputError(folder / EARLIER, "is no folder that may be written to", "move it away")
    names = sorted(path.relative_to(beside).as_posix() for path in all_below(beside))
    for name in names:
        _to_disk(beside / name)
    files = {name: (folder / name).is_file() for name in names}
    removed = sorted(name for name in set(remove) - set(names) if _there(folder, name, keep))
    (beside / EARLIER).mkdir()
    if keep:
        for name in [*(name for name in names if files[name]), *removed]:
            (beside / EARLIER / name).parent.mkdir(exist_ok=True)
            _copy((folder / name).resolve(), beside / EARLIER / name)
    todo = _Replacement(files, removed, _next_version(folder) if keep else "")
    (beside / _LIST).write_text(json.dumps(asdict(todo)), encoding="utf-8")
    folders = {beside, beside / EARLIER, *(path.parent for path in all_below(beside))}
    for path in (beside / _LIST, *sorted(folders, reverse=True)):  # what lies in a folder before the folder
        _to_disk(path)


def _there(folder: Path, name: str, keep: bool) -> bool:
    """Whether there is something to remove: a file, or where nothing is kept one that was kept before."""
    return (folder / name).is_file() or (not keep and bool(kept_versions(folder, name)))


def _copy(source: Path, target: Path) -> None:
    """A second name for the same file, which costs nothing; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _listed(saved: Path) -> _Replacement | None:
    """What is left to do; None where everything but the removal of the folder itself is done."""
    try:
        content = read_json_object(saved / _LIST, f"delete {saved}", odd_paths=True)
        if "keep" in content:  # of a gsseg that kept one version
            content["version"] = "1" if content.pop("keep") else ""
        todo = _Replacement(**content)
    except TypeError as error:
        raise InputError(saved / _LIST, f"cannot be read ({error})", f"delete {saved}") from error
    except InputError:
        if not (saved / _LIST).exists():  # another process may just have ended it
            return None
        raise
    # The names are followed on disk, so they may not lead out of the folder, whoever wrote them.
    sound = isinstance(todo.files, dict) and isinstance(todo.removed, list)
    if not sound or not all(map(_is_plain, [*todo.files, *todo.removed, todo.version or _ORIGINAL])):
        raise InputError(saved / _LIST, "is no list of files", f"delete {saved}")
    return todo


def _is_plain(name: object) -> bool:
    if not isinstance(name, str) or name != Path(name).as_posix():
        return False
    *folder, last = name.split("/")
    sound = len(folder) <= 1 and all(_is_name(part) and part not in (EARLIER, SAVED) for part in folder)
    return sound and _is_name(last)


def _is_name(name: str) -> bool:
    return name == Path(name).name and name not in ("", "..")


def _remove(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    if "/" in name:
        remove_empty((folder / name).parent)


def _move(source: Path, target: Path) -> None:
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, target)
    except FileNotFoundError:
        if source.exists():
            raise


def _withdraw(folder: Path, beside: Path) -> bool:
    """Takes a replacement back of which no file has been moved; says whether that was so."""
    saved = folder / SAVED
    todo = _listed(saved) if saved.is_dir() else None
    if todo is None or not all((saved / name).exists() for name in todo.files):
        return False
    try:
        os.rename(saved, beside)
    except OSError:
        return False
    remove_folder(beside)
    return True


def _refused(path: Path, error: OSError) -> InputError:
    problem = error.strerror or str(error)
    return InputError(path, f"cannot be written ({problem})", "free its disk, or make it a folder you may write to")
