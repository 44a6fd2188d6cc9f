"""The folder that a training writes to: held while it works, and left as it was found where it fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.lock import locked
from gsseg.run.layout import RunLayout


@contextmanager
def run_folder(path: Path) -> Iterator[RunLayout]:
    """Makes a RUN folder and keeps other writers out of it inside the block.

    Where the input or the disk fails, and the folder was not there before, what was made is removed again: files of the
    cache by their names, folders where they are empty, and nothing else, whoever put it there meanwhile. An interrupt
    leaves the cache, for ``--resume``. Raises `InputError` where the folder cannot be made or another process writes to
    it.
    """
    layout = RunLayout(path)
    made = _missing(layout.cache)
    try:
        layout.cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove_empty(made)
        problem = f"cannot be made ({error.strerror})"
        raise InputError(path, problem, "give another folder for the run") from error
    failed = False
    try:
        with locked(path):
            try:
                yield layout
            except (InputError, OSError):
                failed = path in made
                raise
            finally:
                if failed:
                    _remove_cache(layout)
    finally:
        if failed:
            _remove_empty(made)


def _missing(path: Path) -> list[Path]:
    """The folders on the way to ``path`` that are not there, deepest first."""
    return [folder for folder in (path, *path.parents) if not folder.exists()]


def _remove_cache(layout: RunLayout) -> None:
    """The files that training leaves in its cache, finished or not."""
    patterns = ("*.safetensors", "weights_*.bin", ".*.part")
    with suppress(OSError):
        for path in [file for pattern in patterns for file in layout.cache.glob(pattern)]:
            path.unlink(missing_ok=True)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)
