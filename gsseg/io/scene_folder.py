"""A SCENE folder: cameras, photos, splats and masks, put together into a `Scene`. Nothing is written to it."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files import entries
from gsseg.io.colmap import find_colmap, read_colmap
from gsseg.io.langsplat import MaskLevel
from gsseg.io.mask_formats import HOW_TO_GIVE_MASKS, SEARCHED_FILES
from gsseg.io.masks import MaskFiles, find_masks, read_labels
from gsseg.io.nerfstudio_world import FILE_NAME, follow_nerfstudio
from gsseg.io.photos import check_aspect
from gsseg.io.picture import photo_size
from gsseg.io.posed import PhotoIndex, PosedCamera
from gsseg.io.splat_formats import SPLAT_FORMATS, read_splats
from gsseg.io.transforms import find_transforms, read_transforms
from gsseg.scene import GSPLAT_RENDER, Camera, RenderConfig, Scene, View
from gsseg.threads import run_all


def load_scene(
    path: Path | str,
    splats: Path | str | None = None,
    masks: Path | str | None = None,
    mask_level: MaskLevel = "default",
    downscale: int | None = None,
    max_side: int | None = None,
    need_masks: bool = False,
    render: RenderConfig = GSPLAT_RENDER,
) -> Scene:
    """Reads a SCENE folder: splats, cameras and instance masks; photos are only looked for.

    ``splats`` and ``masks`` name a file and a folder elsewhere. ``mask_level`` chooses among LangSplat's levels.
    Cameras are shrunk by ``downscale`` and then until no side is longer than ``max_side`` pixels. With
    ``need_masks`` a scene without any mask is an error. ``render``: settings of the rasterizer that the splats were
    trained with. Raises `InputError` where the user's files are at fault.
    """
    path = Path(path)
    check_folder(path)
    splats_path = find_splats(path, None if splats is None else Path(splats))
    views, notes = load_views(path, splats_path, masks, mask_level, downscale, max_side, need_masks)
    splats_file = read_splats(splats_path)
    gaussians = replace(splats_file.gaussians, render=render)
    return Scene(path, splats_file, gaussians, views, notes + splats_file.notes)


def load_views(
    path: Path,
    splats_path: Path,
    masks: Path | str | None = None,
    mask_level: MaskLevel = "default",
    downscale: int | None = None,
    max_side: int | None = None,
    need_masks: bool = False,
    read_masks: bool = True,
) -> tuple[list[View], list[str]]:
    """The views of a SCENE folder in the world of the splats, sorted by name, and notes; otherwise as `load_scene`.

    Without ``read_masks`` masks are not even looked for, and no view has labels; ValueError together with
    ``need_masks``.
    """
    if need_masks and not read_masks:
        raise ValueError("masks that are needed have to be read")
    posed, notes = cameras_of_splats(path, splats_path)
    mask_files = find_masks(path, None if masks is None else Path(masks)) if read_masks else None
    if mask_files is None and need_masks:
        raise InputError(path, f"has no masks ({SEARCHED_FILES})", HOW_TO_GIVE_MASKS)
    matched = {} if mask_files is None else mask_files.match([camera.name for camera in posed])
    posed, left_out = _without_ghosts(posed, matched)
    notes += left_out
    if mask_files is not None and len(mask_files.files) > len(matched):
        notes.append(f"{len(mask_files.files) - len(matched)} masks in {mask_files.folder.name} belong to no view.")
    views = _views(path, posed, mask_files, matched, mask_level, downscale, max_side)
    if need_masks and not any(view.labels is not None for view in views):
        assert mask_files is not None
        level = f" at level {mask_level!r}" if mask_files.format.has_levels else ""
        raise InputError(mask_files.folder, f"all its masks are empty{level}", "make the masks again or choose others")
    empty = sum(view.labels is None for view in views) if mask_files is not None else 0
    if empty:
        notes.append(f"{empty} of {len(views)} views have no mask and are left out of training.")
    return views, notes


def check_folder(path: Path) -> None:
    """Raises `InputError` unless ``path`` is a folder with something in it."""
    if not path.exists():
        raise InputError(path, "does not exist", "give the folder of a scene")
    if not path.is_dir():
        raise InputError(path, "is a file, not a scene folder", "give the folder that holds cameras and splats")
    if not entries(path):
        raise InputError(path, "is an empty folder", "give a folder with cameras, splats and masks")


def cameras_of_splats(path: Path, splats_path: Path) -> tuple[list[PosedCamera], list[str]]:
    """A scene's cameras as `read_cameras`, moved into the world of the splats where nerfstudio gave them another."""
    check_folder(path)
    posed, notes = read_cameras(path)
    dataparser, transforms = splats_path.parent / FILE_NAME, find_transforms(path)
    if transforms and dataparser.exists():
        posed = follow_nerfstudio(posed, transforms[0], dataparser)
        notes.append(f"Cameras were moved into nerfstudio's world as {FILE_NAME} beside the splats says.")
    return posed, notes


def read_cameras(path: Path) -> tuple[list[PosedCamera], list[str]]:
    """A scene's cameras from ``transforms.json``, its training and test halves, or COLMAP's ``sparse/0``.

    Raises `InputError` where there are none, or the file that holds them is wrong.
    """
    photos = PhotoIndex(path)
    files, colmap = find_transforms(path), find_colmap(path)
    if files:
        parts = [read_transforms(file, photos) for file in files]
    elif colmap is not None:
        parts = [read_colmap(colmap, photos)]
    else:
        raise InputError(
            path, "has no cameras (transforms.json, transforms_train.json or sparse/0)", "run COLMAP or export poses"
        )
    notes = [note for _, part in parts for note in part]
    cameras: dict[str, PosedCamera] = {}
    for camera in (camera for part, _ in parts for camera in part):
        cameras.setdefault(camera.name, camera)
    repeated = sum(len(part) for part, _ in parts) - len(cameras)
    if repeated:
        notes.append(f"{repeated} cameras name a photo that another one named before; the first one counts.")
    return list(cameras.values()), notes


def find_splats(path: Path, override: Path | None = None) -> Path:
    """The splat file of a scene: ``splats`` of any format's ending, else the last iteration of Inria's trainer.

    ``splats.ply`` comes first; the trainer's are ``point_cloud/iteration_*/point_cloud.ply``.
    """
    if override is not None:
        return override
    names = [f"splats{ending}" for format in SPLAT_FORMATS for ending in format.endings if ending.startswith(".")]
    for name in names:
        if (path / name).exists():
            return path / name
    saved = path / "point_cloud"
    iterations = [
        (int(number.group(1)), folder / "point_cloud.ply")
        for folder in (entries(saved) if saved.is_dir() else [])
        if (number := re.fullmatch(r"iteration_(\d+)", folder.name)) and (folder / "point_cloud.ply").exists()
    ]
    if not iterations:
        raise InputError(
            path, f"has no splats ({', '.join(names)} or point_cloud/iteration_*/point_cloud.ply)",
            "make them from its photos with gsseg splats -s SCENE, or give --splats FILE",
        )  # fmt: skip
    return max(iterations)[1]


def _without_ghosts(posed: list[PosedCamera], masks: dict[str, Path]) -> tuple[list[PosedCamera], list[str]]:
    """Leaves out cameras whose photo is missing, unless no camera has one or a mask stands in for it."""
    if not any(camera.photo for camera in posed):
        return posed, []
    kept = [camera for camera in posed if camera.photo is not None or camera.name in masks]
    if len(kept) == len(posed):
        return posed, []
    example = next(camera.name for camera in posed if camera not in kept)
    left_out = len(posed) - len(kept)
    return kept, [f"{left_out} of {len(posed)} frames name a photo that is not there and are left out, e.g. {example}."]


def _views(
    path: Path,
    posed: list[PosedCamera],
    mask_files: MaskFiles | None,
    matched: dict[str, Path],
    level: MaskLevel,
    downscale: int | None,
    max_side: int | None,
) -> list[View]:
    names = view_names(path, [camera.name for camera in posed])

    def build(name: str, source: PosedCamera) -> View:
        camera = _training_size(source.camera, downscale, max_side)
        if source.photo is not None:
            check_aspect(source.photo, *photo_size(source.photo), source.camera)
        mask = matched.get(source.name)
        labels = None
        if mask is not None and mask_files is not None:
            labels = read_labels(mask, mask_files.format, camera, source.lens, level)
        return View(name, camera, labels, source.photo, source.lens)

    jobs = [lambda n=name, s=source: build(n, s) for name, source in zip(names, posed, strict=True)]
    return sorted(run_all(jobs), key=lambda view: view.name)


def view_names(path: Path, keys: list[str]) -> list[str]:
    """The photos' stems; where two photos share one, as many of their folders before it as tell them apart."""
    parts = [[part for part in key.split("/") if part not in ("", ".", "..")] for key in keys]
    length = 1
    names = [part[-1] for part in parts]
    while max(Counter(names).values()) > 1:
        if length >= max(map(len, parts)):
            twice = Counter(names).most_common(1)[0][0]
            raise InputError(path, f"two photos are named {twice}", "give photos different names")
        length += 1
        shared = Counter(part[-1] for part in parts)
        names = ["_".join(part[-length:]) if shared[part[-1]] > 1 else part[-1] for part in parts]
    return names


def _training_size(camera: Camera, downscale: int | None, max_side: int | None) -> Camera:
    shrink = float(downscale or 1)
    if max_side is not None:
        shrink = max(shrink, max(camera.width, camera.height) / max_side)
    if shrink == 1:
        return replace(camera)
    return camera.resized(max(1, round(camera.width / shrink)), max(1, round(camera.height / shrink)))
