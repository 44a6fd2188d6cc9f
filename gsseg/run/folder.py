"""The folder that a training writes to: held while it works, and left as it was found where it fails."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.lock import is_abandoned, locked
from gsseg.files.remove import left_beside, remove_empty, remove_file
from gsseg.files.together import finish, remove_unfinished
from gsseg.run.layout import RunLayout

_STAGE = r"(evidence|features|codes)\.safetensors|weights_[0-9a-f]{16}\.bin"
_CACHED = re.compile(_STAGE)
"""Files of the cache."""
_UNFINISHED = re.compile(rf"\.({_STAGE})\.[0-9a-f]{{8}}\.part")
"""The same while they are written."""


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
        try:
            layout.cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"cannot be made ({error.strerror})"
            raise InputError(path, problem, "give another folder for the run") from error
        with held_run(layout):
            try:
                yield layout
            except (InputError, OSError):
                if path in made:
                    _remove_cache(layout, _CACHED)
                raise
    except (InputError, OSError):
        for folder in made:
            remove_empty(folder)
        raise


@contextmanager
def held_run(layout: RunLayout) -> Iterator[None]:
    """Keeps other writers out of a RUN folder that is there, and first ends or removes what dead ones left in it.

    Raises `InputError` where another process writes to it.
    """
    with locked(layout.path):
        finish(layout.path)
        remove_unfinished(layout.path)
        _remove_cache(layout, _UNFINISHED)
        for left in left_beside(layout.path, layout.compressed.name, "part"):
            if is_abandoned(left):
                remove_file(left)
        yield


def check_unedited(layout: RunLayout) -> None:
    """`InputError` where a run was changed after its training, in the viewer or by a command: it would be discarded."""
    if layout.edited:
        problem = "has been changed since it was trained (gsseg view, name or update), and training would discard that"
        raise InputError(layout.path, problem, "name another folder, or add --discard-edits")


def _missing(path: Path) -> list[Path]:
    """The folders on the way to ``path`` that are not there, deepest first."""
    return [folder for folder in (path, *path.parents) if not folder.exists()]


def _remove_cache(layout: RunLayout, names: re.Pattern[str]) -> None:
    """Removes the files that training leaves in its cache, and whatever of them was not finished."""
    with suppress(OSError):
        for name in sorted(os.listdir(layout.cache)):
            if names.fullmatch(name) or _UNFINISHED.fullmatch(name):
                remove_file(layout.cache / name)
