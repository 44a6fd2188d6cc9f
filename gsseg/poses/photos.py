"""The photos that cameras are wanted for: found, opened once, measured."""

from collections.abc import Callable
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files import all_below
from gsseg.io.picture import decode_picture, open_picture
from gsseg.io.posed import PHOTO_SUFFIXES, check_photo_name, photo_key
from gsseg.threads import run_all, thread_count

FEWEST = 3
"""Photos below which there is nothing to reconstruct: two give no scale that a third could check."""


def find_photos(folder: Path) -> list[str]:
    """Names of the photos in a folder and below it, relative to it, sorted; hidden files are not photos.

    Raises `InputError` where there are too few, or two differ in their endings alone.
    """
    if not folder.is_dir():
        raise InputError(folder, "is no folder of photos and no video", "give a folder of pictures, or a video file")
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in all_below(folder)
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if len(names) < FEWEST:
        found = f"{len(names)} photo{'s' * (len(names) != 1)}"
        raise InputError(folder, f"holds {found}, at least {FEWEST} are needed", "take photos from more places")
    keys: dict[str, str] = {}
    for name in names:
        check_photo_name(folder, name, name)
        other = keys.setdefault(photo_key(name).lower(), name)
        if other != name:
            raise InputError(folder, f"holds {other} and {name}, which are one view's name", "give them other names")
    return names


def photo_sizes(
    folder: Path, names: list[str], progress: Callable[[int], None] = lambda done: None
) -> list[tuple[int, int]]:
    """Width and height of every photo, each decoded once: a damaged one is found before the long work starts.

    Raises `InputError` for the first that cannot be read. ``progress`` is told how many are done.
    """

    def measure(name: str) -> tuple[int, int]:
        with open_picture(folder / name) as picture:
            return decode_picture(folder / name, picture).size

    sizes: list[tuple[int, int]] = []
    while len(sizes) < len(names):
        batch = names[len(sizes) : len(sizes) + 2 * thread_count()]
        sizes += run_all([lambda n=name: measure(n) for name in batch])
        progress(len(sizes))
    return sizes
