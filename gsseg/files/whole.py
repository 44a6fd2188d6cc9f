"""One file, written whole or not at all; and files refused that no reader could read."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.lock import held, is_abandoned
from gsseg.files.remove import left_beside, remove_file


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yields an empty file beside ``path`` to write to; it takes ``path``'s place when the block ends well.

    Where the block raises, ``path`` is as it was and nothing is left beside it. The folder is made if need be. What
    writers of the same file left that died is removed: their locks tell them from those at work.
    Raises `InputError` where the file system refuses (no permission, disk full).
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in left_beside(path.parent, path.name, "part"):
            if is_abandoned(left):
                remove_file(left)
        with held(beside):
            try:
                yield beside
                os.replace(beside, path)
            except BaseException:
                remove_file(beside)
                raise
    except OSError as error:
        problem = error.strerror or str(error)
        raise InputError(path, f"cannot be written ({problem})", "choose a folder you may write to") from error


def check_readable(path: Path) -> None:
    """Raises `InputError` unless ``path`` is a regular file with at least one byte that may be read."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # the last for a name with a zero byte
        raise InputError(path, "does not exist", "check the path") from error
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check its permissions") from error
    if stat.S_ISDIR(mode):
        raise InputError(path, "is a folder, not a file", "name the file itself")
    if not stat.S_ISREG(mode):  # opening a pipe that nobody writes to would wait for ever
        raise InputError(path, "is a pipe, a socket or a device, not a file", "copy its content to a file")
    try:
        with path.open("rb") as stream:
            first = stream.read(1)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check its permissions") from error
    if not first:
        raise InputError(path, "is empty (0 bytes)", "copy or download it again")
