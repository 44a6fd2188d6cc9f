"""A SCENE folder that is made: whole or not at all, and never over anything."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.folder import whole_folder

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Prepared:
    """What a scene was made of."""

    path: Path
    """The SCENE folder."""
    counts: Counts
    """How many of what: frames, vertices, instances."""
    notes: tuple[str, ...] = ()
    """What was left out or is missing, one plain sentence each."""


@contextmanager
def new_scene(out: Path, raw: Path) -> Iterator[Path]:
    """Yields a folder to fill, which becomes ``out`` when the block ends well.

    `InputError` where ``raw`` is no folder, or ``out`` holds something, lies in ``raw`` or around it.
    """
    if not raw.is_dir():
        problem = "is a file, not a folder" if raw.exists() else "does not exist"
        raise InputError(raw, problem, "give the folder of one raw scene")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "is not an empty folder", "choose another one, or remove it to prepare it again")
    inside, around = out.resolve(), raw.resolve()
    if inside.is_relative_to(around) or around.is_relative_to(inside):
        raise InputError(out, "lies in the raw scene, or around it", "choose a folder elsewhere")
    with whole_folder(out) as beside:
        yield beside


def copy_file(source: Path, target: Path, link: bool = False) -> None:
    """Copies a file, or with ``link`` gives it a second name where the disk can; OSError as the system's."""
    check_readable(source)  # a device has no end
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source, target)
        except OSError:  # another disk, or one without such names
            pass
        else:
            return
    shutil.copyfile(source, target)


def write_json(path: Path, value: object) -> None:
    """A JSON file for people, too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
