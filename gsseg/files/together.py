"""Several files of a folder replaced as one, whenever the process dies; the version before is kept.

    FOLDER/.saving.TOKEN.part/   the new files while they are written; nobody reads it
    FOLDER/.saved/               the new files, complete; under earlier/ what they replace; the list of both
    FOLDER/earlier/              what the last replacement replaced

Renaming the first folder to the second is the one step that decides: before it nothing has changed, after it files only
have to be moved. `finish` moves them, goes on where it was interrupted, and is called by whoever opens FOLDER.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gsseg.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

EARLIER, SAVED = "earlier", ".saved"
_LIST = "files.json"
"""In `SAVED`: name of each new file -> whether it replaces one, which then lies in `EARLIER`."""


@contextmanager
def replace_together(folder: Path) -> Iterator[Path]:
    """Yields an empty folder to write files to; all of them take their places in ``folder`` when the block ends well.

    Files of other names stay as they are. Where the block raises, or the file system refuses (`InputError`), nothing
    has changed. Should it refuse in the middle of the moves, the error says so and the next `finish` ends them.
    """
    finish(folder)
    for left in folder.glob(".saving.*.part"):  # by a process that died
        shutil.rmtree(left, ignore_errors=True)
    beside = folder / f".saving.{secrets.token_hex(4)}.part"
    try:
        beside.mkdir()
        yield beside
        _complete(beside, folder)
        os.rename(beside, folder / SAVED)
    except InputError as error:
        raise InputError(error.path.replace(str(beside), str(folder)), error.problem, error.remedy) from error
    except OSError as error:
        raise _refused(folder, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    try:
        finish(folder)
    except InputError:
        if _withdraw(folder, beside):
            raise
        problem = "was saved, but not every new file could be moved to its place"
        raise InputError(folder, problem, "make it writable and open it again, which ends that") from None


def finish(folder: Path) -> None:
    """Ends a replacement that was interrupted; nothing happens where there is none. `InputError` where it cannot.

    Several processes may do so at once: each step is left out if it has been done.
    """
    saved = folder / SAVED
    if not saved.is_dir():
        return
    files = _listed(saved)
    try:
        for name in files:
            _move(saved / name, folder / name)
        if any(files.values()):
            (folder / EARLIER).mkdir(exist_ok=True)
        for name, replaces in files.items():
            if replaces:
                _move(saved / EARLIER / name, folder / EARLIER / name)
            else:
                (folder / EARLIER / name).unlink(missing_ok=True)
        (saved / _LIST).unlink(missing_ok=True)
        shutil.rmtree(saved, ignore_errors=True)
    except OSError as error:
        raise _refused(folder, error) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One program at a time in the block for a folder: it waits for the others.

    For who looks whether a folder is as it was and then replaces files in it. Where the system knows no such locks
    (Windows, some network disks, a folder that is gone) nobody waits.
    """
    with ExitStack() as held:
        if fcntl is not None:
            try:
                descriptor = os.open(folder, os.O_RDONLY)
                held.callback(os.close, descriptor)  # which lets go of the lock, as the end of the process does
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError:
                pass
        yield


def forget(folder: Path) -> None:
    """Removes the earlier version and whatever an interrupted replacement left: they belong to files that are gone."""
    for left in (folder / SAVED, folder / EARLIER, *folder.glob(".saving.*.part")):
        shutil.rmtree(left, ignore_errors=True)


def _complete(beside: Path, folder: Path) -> None:
    """Adds what is replaced and the list, and sees all of it to the disk."""
    if (folder / EARLIER).exists() and not ((folder / EARLIER).is_dir() and os.access(folder / EARLIER, os.W_OK)):
        raise InputError(folder / EARLIER, "is no folder that may be written to", "move it away")
    names = sorted(path.name for path in beside.iterdir())
    for name in names:
        _to_disk(beside / name)
    (beside / EARLIER).mkdir()
    replaces = {name: (folder / name).is_file() for name in names}
    for name in names:
        if replaces[name]:
            _copy((folder / name).resolve(), beside / EARLIER / name)
    (beside / _LIST).write_text(json.dumps(replaces), encoding="utf-8")
    for path in (beside / _LIST, beside / EARLIER, beside):
        _to_disk(path)


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


def _listed(saved: Path) -> dict[str, bool]:
    """The list of a replacement; empty where everything but the folder itself is done."""
    try:
        files = json.loads((saved / _LIST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(saved / _LIST, f"cannot be read ({error})", f"delete {saved}") from error
    # The names are followed on disk, so they may not lead out of the folder, whoever wrote them.
    plain = isinstance(files, dict) and all(
        name == Path(name).name and name not in ("", "..") and isinstance(replaces, bool)
        for name, replaces in files.items()
    )
    if not plain:
        raise InputError(saved / _LIST, "is no list of files", f"delete {saved}")
    return files


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except FileNotFoundError:
        if source.exists():
            raise


def _withdraw(folder: Path, beside: Path) -> bool:
    """Takes a replacement back of which no file has been moved; says whether that was so."""
    saved = folder / SAVED
    if not all((saved / name).exists() for name in _listed(saved) or [_LIST]):
        return False
    os.rename(saved, beside)
    shutil.rmtree(beside, ignore_errors=True)
    return True


def _refused(folder: Path, error: OSError) -> InputError:
    problem = error.strerror or str(error)
    return InputError(folder, f"cannot be written ({problem})", "free its disk, or make it a folder you may write to")
