"""A folder of results: written whole or not at all, and never over anything that is not an earlier result."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gsseg.errors import InputError
from gsseg.export.manifest import listed_files


def check_replaceable(path: Path) -> None:
    """Raises `InputError` unless ``path`` is absent, an empty folder, or an export with nothing else in it."""
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
    listed = listed_files(path)
    if listed is None:
        raise InputError(path, "is not empty and no earlier export", "choose another folder or empty it yourself")
    foreign = sorted(there - listed)
    if foreign:
        raise InputError(
            path, f"holds {foreign[0]}, which no export wrote", "move it elsewhere or choose another folder"
        )


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside ``path`` to fill; it takes the place of ``path`` when the block ends well.

    Where the block raises, ``path`` is as it was and nothing is left beside it. Raises `InputError` where ``path`` may
    not be replaced (`check_replaceable`) and where the file system refuses; it names files as they would have been.
    """
    check_replaceable(path)
    token = secrets.token_hex(4)
    beside, before = path.with_name(f".{path.name}.{token}.part"), path.with_name(f".{path.name}.{token}.old")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        yield beside
        if path.exists():
            os.replace(path, before)
        try:
            os.replace(beside, path)
        except OSError:
            if before.exists():
                os.replace(before, path)
            raise
    except InputError as error:
        raise _renamed(error, beside, path) from error
    except OSError as error:
        problem = error.strerror or str(error)
        raise InputError(path, f"cannot be written ({problem})", "choose a folder you may write to") from error
    finally:
        for folder in (beside, before):
            shutil.rmtree(folder, ignore_errors=True)


def _renamed(error: InputError, beside: Path, path: Path) -> InputError:
    """The error with the lasting name of the file in place of the passing one."""
    mended = InputError(error.path.replace(str(beside), str(path)), "")
    mended.args = (str(error).replace(str(beside), str(path)),)
    return mended
