"""A scene with cameras by COLMAP whose annotated photos are held out of training: its masks stay behind."""

from collections.abc import Callable
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files import all_below
from gsseg.io.colmap import find_colmap, read_colmap
from gsseg.io.photos import check_aspect
from gsseg.io.posed import PHOTO_SUFFIXES, PhotoIndex
from gsseg.io.scene_folder import view_names
from gsseg.prepare.new_scene import copy_file
from gsseg.prepare.photos import for_each
from gsseg.scene import Camera

Progress = Callable[[str, int, int], None]


def colmap_cameras(raw: Path) -> dict[str, Camera]:
    """Cameras by their views' names, of those whose photos are there; `InputError` where there are none."""
    folder = find_colmap(raw)
    if folder is None:
        raise InputError(raw, "has no COLMAP model (sparse/0)", "give the folder of one scene, with all in it")
    posed = [each for each in read_colmap(folder, PhotoIndex(raw, ("images",)))[0] if each.photo is not None]
    if not posed:
        raise InputError(raw / "images", "holds no photo of the COLMAP model", "copy the photos, too")
    names = view_names(raw, [each.name for each in posed])
    return {name: each.camera for name, each in zip(names, posed, strict=True)}


def copy_scene(
    raw: Path, scene: Path, masks: tuple[str, tuple[str, ...]], held_out: set[str], link: bool, progress: Progress
) -> dict[str, int]:
    """Copies photos, COLMAP model and masks; counts of photos and of views with masks.

    ``masks``: their folder, and the endings that a view's name takes there. Those of ``held_out`` are not copied.
    """
    folder, endings = masks
    photos = [file for file in all_below(raw / "images") if file.suffix.lower() in PHOTO_SUFFIXES]
    model = find_colmap(raw)
    assert model is not None, "the caller has read it"
    files = [*photos, *sorted(file for file in model.iterdir() if file.is_file())]
    found = [file for ending in endings for file in sorted((raw / folder).glob(f"*{ending}"))]
    kept = [file for file in found if not any(file.name == name + end for name in held_out for end in endings)]
    files += kept
    for_each(len(files), "files", lambda k: copy_file(files[k], scene / files[k].relative_to(raw), link), progress)
    return {"photos": len(photos), "masks": sum(file.name.endswith(endings[0]) for file in kept)}


def check_view(file: Path, view: str, width: int, height: int, cameras: dict[str, Camera]) -> None:
    """`InputError` where a picture's truth is of no view, or of another shape than its view."""
    if view not in cameras:
        raise InputError(file, f"is of the view {view}, which has no photo or no camera", "copy the whole scene")
    check_aspect(file, width, height, cameras[view])
