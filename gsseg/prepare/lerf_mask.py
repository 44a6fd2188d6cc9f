"""LERF-Mask (Gaussian Grouping): photos, COLMAP model, masks, and pictures of what texts mean in held-out views.

    <scene>/images, images_train, sparse/0, object_mask
    <scene>/test_mask/<view>/<text>.png     a view by name, or the number of a photo that images_train lacks

Source: Gaussian Grouping, ``scene/dataset_readers.py`` (photos sorted by name, less those of images_train) and
``script/eval_lerf_mask.py`` (white where the text is meant).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.prompt_truth import write_queries
from gsseg.io.picture import decode_picture, open_picture, pixels_of
from gsseg.io.posed import PHOTO_SUFFIXES
from gsseg.prepare.held_out import check_view, colmap_cameras, copy_scene
from gsseg.prepare.new_scene import Prepared, new_scene
from gsseg.scene import Camera

Progress = Callable[[str, int, int], None]
WHITE = 128
"""Grey values above it are the text's."""


def prepare_lerf_mask(raw: Path, out: Path, link: bool = False, progress: Progress = lambda *_: None) -> Prepared:
    """Makes a SCENE from one scene's folder; the views with pictures of texts are held out as `prepare_lerf` does.

    Raises `InputError` where something is missing or damaged.
    """
    with new_scene(out, raw) as scene:
        folders = sorted(folder for folder in (raw / "test_mask").glob("*") if folder.is_dir())
        if not folders:
            raise InputError(raw, "has no test_mask/<view>/<text>.png", "give the folder of one scene, with all in it")
        cameras = colmap_cameras(raw)
        views = {folder: _view(raw, folder, cameras) for folder in folders}
        counts = copy_scene(raw, scene, ("object_mask", (".png",)), set(views.values()), link, progress)
        (scene / "gt").mkdir()
        queries = write_queries(scene / "gt", _queries(views, cameras, progress))
        if not queries:
            raise InputError(raw / "test_mask", "holds no pictures", "copy the whole scene")
        counts |= {"annotated frames": len(views), "texts": len(queries)}
    return Prepared(out, counts)


def _view(raw: Path, folder: Path, cameras: dict[str, Camera]) -> str:
    """The view that a folder of pictures is of."""
    if folder.name in cameras:
        return folder.name
    train = {file.stem for file in (raw / "images_train").glob("*") if file.suffix.lower() in PHOTO_SUFFIXES}
    test = [name for name in sorted(cameras) if name not in train] if train else []
    number = int(folder.name) if folder.name.isascii() and folder.name.isdigit() and len(folder.name) < 7 else -1
    if not 0 <= number < len(test):
        problem = f"is neither a view's name nor the number of one of the {len(test)} photos beyond images_train"
        raise InputError(folder, problem, "copy the whole scene, images_train with it")
    return test[number]


def _queries(
    views: dict[Path, str], cameras: dict[str, Camera], progress: Progress
) -> Iterator[tuple[str, str, Bool[ndarray, "height width"]]]:
    for done, (folder, view) in enumerate(views.items()):
        for file in sorted(folder.glob("*.png")):
            with open_picture(file) as picture:
                check_view(file, view, *picture.size, cameras)
                with pixels_of(file):
                    pixels = np.asarray(decode_picture(file, picture).convert("L")) > WHITE
            if pixels.any():  # a text that means nothing in this view has no IoU
                yield view, file.stem, pixels
        progress("labels", done + 1, len(views))
