"""Masks of another tool, brought to a scene's photos: written as label maps, all of them or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from gsseg.errors import InputError
from gsseg.files.folder import whole_folder
from gsseg.io.posed import photo_key
from gsseg.masks.foreign.formats import read_foreign
from gsseg.masks.foreign.stack import ForeignPhoto, label_map
from gsseg.masks.scene import Photo


@dataclass(frozen=True)
class Imported:
    """What came of an import."""

    views: int
    """Photos that have masks now."""
    masks: int
    """Masks of all of them."""
    unknown: list[str]
    """Photos that the file names and the scene has not."""


def import_masks(
    source: Path, photos: Sequence[Photo], out: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> Imported:
    """Writes ``out/<photo>.png`` for every photo of the scene that the other tool's file or folder knows.

    Names are compared from their end, without endings: ``left/0001`` is ``images/left/0001.jpg``. Raises `InputError`
    where the source is damaged or of no known format, where it knows none of the photos or one twice, and where ``out``
    is there and not empty; nothing is written then.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "holds something already", "give another folder with --out, or remove it")
    found, unknown = _matched(source, read_foreign(source), photos)
    if not found:
        problem = f"knows none of the scene's photos: it has {unknown[0][:60]}, the scene {photos[0].key}"
        raise InputError(source, problem, "names must be those of the photos")
    masks = 0
    with whole_folder(out) as beside:
        for done, (photo, foreign) in enumerate(found.items()):
            progress(done, len(found))
            labels = label_map(source, foreign)
            masks += int(labels.max(initial=0))
            file = beside / f"{photo.key}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(labels).save(file)
        progress(len(found), len(found))
    return Imported(len(found), masks, unknown)


def _matched(
    source: Path, given: Sequence[ForeignPhoto], photos: Sequence[Photo]
) -> tuple[dict[Photo, ForeignPhoto], list[str]]:
    by_tail: dict[str, list[Photo]] = {}
    for photo in photos:
        parts = photo.key.lower().split("/")
        for start in range(len(parts)):
            by_tail.setdefault("/".join(parts[start:]), []).append(photo)
    found: dict[Photo, ForeignPhoto] = {}
    unknown = []
    for each in given:
        parts = photo_key(each.name).lower().split("/")
        tails = ("/".join(parts[start:]) for start in range(len(parts)))
        photo = next((by_tail[tail][0] for tail in tails if len(by_tail.get(tail, ())) == 1), None)
        if photo is None:
            unknown.append(each.name)
        elif photo in found:
            raise InputError(source, f"has the masks of {photo.key} twice", "leave one out")
        else:
            found[photo] = each
    return found, unknown
