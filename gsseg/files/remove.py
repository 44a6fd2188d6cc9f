"""Removing what a writer of ours had begun or replaced, where a disk may refuse that too."""

import os
import re
import shutil
from pathlib import Path

_TRIES = 2
"""A network disk may refuse once what it allows a moment later."""


def remove_file(path: Path) -> bool:
    """Removes a file; whether there is none any more. Raises nothing."""
    for _ in range(_TRIES):
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue
        return True
    return False


def remove_folder(path: Path) -> bool:
    """Removes a folder that we made, with all in it; whether there is none any more. Raises nothing."""
    for _ in range(_TRIES):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return True
    return False


def remove_empty(path: Path) -> bool:
    """Removes a folder if it is empty; whether there is none any more. Raises nothing."""
    for _ in range(_TRIES):
        try:
            os.rmdir(path)
        except OSError:
            continue
        break
    return not os.path.lexists(path)


def left_beside(folder: Path, name: str, ending: str) -> list[Path]:
    """What is in a folder under the hidden names that our writers of ``name`` use: ``.NAME.TOKEN.ENDING``.

    The token is eight hexadecimal digits. Whether its writer is at work is for the caller to know. Empty where the
    folder cannot be read.
    """
    pattern = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{8}}\.{re.escape(ending)}")
    try:
        return [folder / each for each in sorted(os.listdir(folder)) if pattern.fullmatch(each)]
    except OSError:
        return []
