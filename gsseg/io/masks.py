"""Instance masks of a scene: where they are, which view each belongs to, and their label map at the view's size."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Integer, UInt16
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import all_below
from gsseg.io.langsplat import MaskLevel
from gsseg.io.lens import nearest_pixels
from gsseg.io.mask_formats import MASK_FORMATS, SEARCHED_ENDINGS, MaskFormat
from gsseg.io.photos import check_aspect
from gsseg.io.posed import photo_key
from gsseg.scene import Camera, Lens


@dataclass(frozen=True)
class MaskFiles:
    """The masks of a scene, not yet read."""

    folder: Path
    format: MaskFormat
    files: dict[str, Path]
    """Path inside the folder without its ending -> file."""

    def match(self, names: Iterable[str]) -> dict[str, Path]:
        """The mask of each name (a photo's path without suffix) that has one.

        ``images/left/0001`` finds ``images/left/0001``, ``left/0001`` or ``0001``, whichever there is first. Raises
        `InputError` where no mask belongs to any name, and where one belongs to two.
        """
        lowered = {key.lower(): path for key, path in self.files.items()}
        matched: dict[str, Path] = {}
        takers: dict[Path, str] = {}
        names = list(names)
        for name in names:
            parts = name.lower().split("/")
            path = next((lowered[t] for i in range(len(parts)) if (t := "/".join(parts[i:])) in lowered), None)
            if path is None:
                continue
            if path in takers:
                raise InputError(
                    path, f"belongs to two photos, {takers[path]} and {name}", "put masks into the photos' sub-folders"
                )
            matched[name], takers[path] = path, name
        if not matched:
            some = ", ".join(sorted(path.name for path in self.files.values())[:2])
            photos = ", ".join(names[:2])
            problem = f"none of its {len(self.files)} masks ({some}, ...) has the name of a photo ({photos}, ...)"
            raise InputError(self.folder, problem, "name each mask like its photo")
        return matched


def find_masks(scene: Path, override: Path | None = None) -> MaskFiles | None:
    """The masks of a scene folder, or of the folder (or other scene) ``override``; None where there are none.

    Looked for in the order of `MASK_FORMATS`. Raises `InputError` where ``override`` is no folder or holds no masks.
    """
    if override is None:
        for format in MASK_FORMATS:
            files = _files(scene / format.folder, format.ending)
            if files:
                return MaskFiles(scene / format.folder, format, files)
        return None
    if not override.is_dir():
        raise InputError(override, "is not a folder of masks", "name the folder that holds one mask file a photo")
    # Before its own files: the pictures below a whole scene are photos as well as masks.
    if (masks := find_masks(override)) is not None:
        return masks
    for format in MASK_FORMATS:
        files = _files(override, format.ending)
        if files:
            return MaskFiles(override, format, files)
    raise InputError(override, f"holds no masks ({SEARCHED_ENDINGS})", "name the folder that does")


def _files(folder: Path, ending: str) -> dict[str, Path]:
    found = [path for path in all_below(folder) if path.name.lower().endswith(ending) and path.is_file()]
    # COLMAP's convention for masks keeps the photo's suffix (0001.jpg.png), so that goes too.
    return {photo_key(path.relative_to(folder).as_posix()[: -len(ending)]): path for path in found}


def read_labels(
    path: Path, format: MaskFormat, camera: Camera, lens: Lens | None = None, level: MaskLevel = "default"
) -> UInt16[ndarray, "height width"] | None:
    """The label map of one mask file at the camera's size; None where no pixel of it has a mask.

    Labels are dense: 1 to n all occur, in the order of the file's ids, and 0 is none; so the largest is their number,
    and whoever counts or indexes by label need not look which ones there are.

    Masks of another size are sampled at the nearest pixel; those of a distorted photo are undistorted with it, and
    pixels the photo never saw are 0. Raises `InputError` where the file is damaged, its shape is not the camera's
    (beyond 2 %), or it has more than 65535 instances.
    """
    ids = format.read(path, level)
    check_aspect(path, ids.shape[1], ids.shape[0], camera)
    rows, columns, inside = nearest_pixels(camera, lens, ids.shape[1], ids.shape[0])
    sampled = ids[rows, columns]
    if inside is not None:
        sampled = np.where(inside, sampled, 0)
    labels, there = dense_labels(sampled)
    if len(there) > np.iinfo(np.uint16).max:
        raise InputError(
            path, f"holds {len(there)} different labels, at most 65535 fit", "is it a photo? give label maps"
        )
    return labels.astype(np.uint16) if len(there) else None


def dense_labels(
    ids: Integer[ndarray, "height width"],
) -> tuple[Int64[ndarray, "height width"], Int64[ndarray, " labels"]]:
    """Ids renumbered 1, 2, ... in rising order, 0 staying 0; and which id each of the labels was."""
    if ids.max(initial=0) < 1 << 24:  # a table over all ids is quicker than sorting the pixels
        present = np.zeros(int(ids.max(initial=0)) + 1, bool)
        present[ids.ravel()] = True
        present[0] = False
        return np.where(present, np.cumsum(present), 0)[ids], np.flatnonzero(present)
    there, places = np.unique(ids, return_inverse=True)
    has_none = int(there[0] == 0)
    return places.reshape(ids.shape) + (1 - has_none), there[has_none:]
