"""Reading: what no reader could read is refused first, and a disk that fails later is told with the file's name.

Python's own error of a failing read names no file, and its listings of folders leave out what may not be looked into.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gsseg.errors import InputError


class UnreadableError(InputError):
    """The system refuses to read a file or folder that is there.

    Who may do without a damaged file ends here all the same, because nothing is known of this one.
    """


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Inside the block a file or folder is read; where the system refuses that, `UnreadableError` names it."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(path, "does not exist", "check the path") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise UnreadableError(path, problem, "check its permissions and its disk") from error


def check_readable(path: Path) -> None:
    """Raises `InputError` unless ``path`` is a regular file with at least one byte that may be read."""
    try:
        with reading(path):
            mode = path.stat().st_mode
    except ValueError as error:  # a name with a zero byte
        raise InputError(path, "does not exist", "check the path") from error
    if stat.S_ISDIR(mode):
        raise InputError(path, "is a folder, not a file", "name the file itself")
    if not stat.S_ISREG(mode):  # opening a pipe that nobody writes to would wait for ever
        raise InputError(path, "is a pipe, a socket or a device, not a file", "copy its content to a file")
    with reading(path), path.open("rb") as stream:
        first = stream.read(1)
    if not first:
        raise InputError(path, "is empty (0 bytes)", "copy or download it again")


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted; `InputError` where it cannot be looked into."""
    with reading(folder):
        return sorted(folder / name for name in os.listdir(folder))


def all_below(folder: Path) -> list[Path]:
    """All that lies in a folder and its subfolders but these, sorted; nothing where there is no folder.

    Links to folders are not followed. `InputError` where one of the folders cannot be looked into.
    """
    if not folder.is_dir():
        return []
    found: list[Path] = []
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        with reading(inside), os.scandir(inside) as there:
            for entry in there:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(inside / entry.name)
                else:
                    found.append(inside / entry.name)
    return sorted(found)
