"""The masks of a scene's photos, one file a photo: made view by view, so that an interrupted run goes on.

    OUT/<photo>.png        label map, 16 bit, 0 = none; or, with levels,
    OUT/<photo>_s.npy      LangSplat's four levels, -1 = none
    OUT/masks.json         what made them: a second run with the same settings makes only what is missing

Masks are of the photo as it is, lens distortion included; readers undistort them with it.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.files import all_below, whole_file
from gsseg.files.json_file import read_json_object
from gsseg.files.lock import locked
from gsseg.io.langsplat import MASKS
from gsseg.io.picture import decode_picture, open_picture
from gsseg.io.posed import PHOTO_SUFFIXES, PosedCamera, photo_key
from gsseg.masks.automatic import DETAILS, segment_photo
from gsseg.masks.config import Detail, MasksConfig
from gsseg.masks.follow import follow_photos
from gsseg.masks.segmenter import Segmenter
from gsseg.masks.track import Tracker

SETTINGS = "masks.json"

_PHOTO_FOLDERS = ("images", "color")


@dataclass(frozen=True)
class Photo:
    """A photo that masks are wanted for."""

    path: Path
    """The picture."""
    key: str
    """Its masks' path inside their folder, without ending: as it lies in its folder of photos."""


def photos_of(posed: Sequence[PosedCamera], without: Sequence[str] = ()) -> list[Photo]:
    """The photos of a scene's cameras in order, but for those whose stem is in ``without``."""
    photos = []
    for camera in posed:
        if camera.photo is None or Path(camera.name).name in without:
            continue
        parts = [part for part in photo_key(camera.name).split("/") if part not in ("", ".", "..")]
        inside = parts[1:] if len(parts) > 1 and parts[0] in _PHOTO_FOLDERS else parts
        photos.append(Photo(camera.photo, "/".join(inside)))
    return sorted(photos, key=lambda photo: photo.key)


def make_masks(
    photos: Sequence[Photo],
    segmenter: Segmenter,
    out: Path,
    config: MasksConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
    tracker: Tracker | None = None,
) -> int:
    """Writes the masks that are not there yet; how many it made. ``tracker``: for ``config.follow``.

    Raises `InputError` where the folder holds masks that were made otherwise, where two photos would share a file,
    where a photo is damaged, and where the folder cannot be written. What was made before stays.
    """
    keys = [photo.key.lower() for photo in photos]
    twice = next((photo for photo, key in zip(photos, keys, strict=True) if keys.count(key) > 1), None)
    if twice is not None:
        raise InputError(twice.path, "has the name of another photo", "give photos different names")
    options = asdict(config)
    if not config.follow:
        del options["follow"]  # so that masks of an earlier gsseg are gone on with
    settings = {"segmenter": segmenter.fingerprint, "config": options}
    _check_folder(out, settings)
    made = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(out, f"cannot be made ({error.strerror})", "choose a folder you may write to") from error
    with locked(out):
        with whole_file(out / SETTINGS) as path:
            path.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        if tracker is not None:
            ordered = sorted(photos, key=lambda photo: _in_order(photo.key))
            files = [out / f"{photo.key}.png" for photo in ordered]
            return follow_photos(files, lambda k: _opened(ordered[k]), _write_map, segmenter, tracker, config, progress)
        for done, photo in enumerate(photos):
            progress(done, len(photos))
            file = out / (photo.key + (MASKS if config.levels else ".png"))
            if not file.exists():
                labels = segment_photo(segmenter, _opened(photo), config)
                (_write_levels if config.levels else _write_png)(file, labels)
                made += 1
        progress(len(photos), len(photos))
    return made


def holds_masks(folder: Path) -> bool:
    """Whether there is any file that masks could be read from."""
    return any(path.suffix.lower() in (*PHOTO_SUFFIXES, ".npy", ".pt") for path in all_below(folder))


def _opened(photo: Photo) -> Image.Image:
    with open_picture(photo.path) as picture:
        return decode_picture(photo.path, picture).convert("RGB")


def _in_order(key: str) -> list[tuple[int, str]]:
    """Names as they were counted: frame_9 before frame_10."""
    parts = re.split(r"(\d+)", key)
    return [(int(part), "") if k % 2 else (0, part) for k, part in enumerate(parts)]


def _check_folder(out: Path, settings: dict[str, object]) -> None:
    file = out / SETTINGS
    if not out.is_dir() or (not file.exists() and not holds_masks(out)):
        return
    before = read_json_object(file, "give another folder") if file.exists() else None
    if before is None:
        raise InputError(out, "holds masks that this command did not make", "give another folder with --out")
    if before != json.loads(json.dumps(settings)):
        problem = "holds masks of another model or other options (masks.json)"
        raise InputError(out, problem, "give another folder with --out, or remove it")


def _write_png(file: Path, labels: dict[Detail, UInt16[ndarray, "height width"]]) -> None:
    (only,) = labels.values()
    _write_map(file, only)


def _write_map(file: Path, only: UInt16[ndarray, "height width"]) -> None:
    with whole_file(file) as path:
        Image.fromarray(only).save(path, format="PNG")


def _write_levels(file: Path, labels: dict[Detail, UInt16[ndarray, "height width"]]) -> None:
    # Numbers go on from level to level: they are to be rows of one array of vectors (gsseg.io.langsplat).
    stack, first = [], 0
    for detail in DETAILS:
        level = labels[detail].astype(np.float32)
        stack.append(np.where(level > 0, level - 1 + first, -1))
        first += int(labels[detail].max(initial=0))
    with whole_file(file) as path, path.open("wb") as stream:
        np.save(stream, np.stack(stack).astype(np.float32))
