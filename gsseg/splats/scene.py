"""What a SCENE folder gives to training: views with photos, those kept apart, and points to start from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import read_json
from gsseg.io.posed import PhotoIndex
from gsseg.io.scene_folder import load_views
from gsseg.io.sparse_points import find_points, read_points
from gsseg.io.transforms import read_transforms
from gsseg.poses.triangulate import triangulate
from gsseg.scene import View
from gsseg.splats.between import points_between
from gsseg.splats.initial import RANDOM_POINTS, Points, random_points
from gsseg.splats.photos import PhotoCache

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and their total."""
LEAST_FOUND = 100
"""Points found in the photos, below which training starts from random ones."""
SPARSE = 0.04
"""Points for each pixel of a photo, below which more are looked for between given ones; with more it was no gain."""
MOST_SWEPT = 150
"""Photos in which points are looked for between given ones: it takes a second or two of a processor each."""
LEAST_SHARE_SEEN = 0.01
"""Of the points, seen by some camera; below it points and cameras are of different worlds."""


@dataclass(frozen=True, eq=False)
class SplatScene:
    """Photos with cameras, in the world that splats written to one place will be read in."""

    train: list[View]
    """Sorted by name."""
    test: list[View]
    """Kept apart, to score with."""
    points: Points
    notes: list[str]
    """What was left out, one plain sentence each."""


def load_splat_scene(
    path: Path,
    splats_path: Path,
    downscale: int | None,
    max_side: int | None,
    test_every: int,
    test_views: Path | None,
    seed: int,
    progress: Progress = lambda stage, done, total: None,
    *,
    denser: bool = False,
) -> SplatScene:
    """Reads cameras, looks for photos, and reads points; where there are none they are found in the photos.

    ``splats_path``: where the splats will be; nerfstudio's ``dataparser_transforms.json`` beside it moves the cameras.
    Kept apart are the photos that ``test_views`` (a JSON list) names, else those of ``transforms_test.json``, else
    every ``test_every``-th by name (0: none). ``denser``: find
    points between those that are there, too, if they are few. Raises `InputError` where the user's files are at fault.
    """
    views, notes = load_views(path, splats_path, None, "default", downscale, max_side, read_masks=False)
    bare = [view for view in views if view.photo is None]
    views = [view for view in views if view.photo is not None]
    if not views:
        raise InputError(path, "has no photos of its cameras", "put them into its folder images")
    if bare:
        notes.append(f"{len(bare)} cameras have no photo and are left out, e.g. {bare[0].name}.")
    apart = _test_names(path, views, test_every, test_views)
    train, test = ([view for view in views if (view.name in apart) == wanted] for wanted in (False, True))
    if len(train) < 2:
        problem = f"has {len(train)} photo to train on" if len(train) == 1 else "has no photo to train on"
        raise InputError(path, problem, "give at least two, from different places")
    found = find_points(path)
    if found is None:
        points, said = _made_points(PhotoCache(train, 64), seed, progress)
        return SplatScene(train, test, points, [*notes, said])
    (positions, colors), more = read_points(path, found, splats_path)
    points = Points(positions, colors)
    _check_seen(found, points, views)
    pixels = max(view.camera.width * view.camera.height for view in train)
    if denser and len(train) <= MOST_SWEPT and len(positions) < SPARSE * pixels:
        cache = PhotoCache(train, 64)
        if not any(cache.read(index, 1).clear is not None for index in range(len(train))):
            shown = [np.flatnonzero(view.camera.sees(*view.camera.project(positions))) for view in train]
            points, count = _joined(points, cache, shown, seed)
            more = [*more, f"{count} points were found between the {len(positions)} given ones."]
    return SplatScene(train, test, points, notes + more)


def _joined(points: Points, photos: PhotoCache, shown: Sequence[Int64[ndarray, " _"]], seed: int) -> tuple[Points, int]:
    """The points and those between them, and how many these are."""
    cameras = [photos.read(index, 1).camera for index in range(len(photos.views))]
    between = points_between(cameras, lambda index: _picture(photos, index), points.positions, shown, seed)
    joined = replace(
        between,
        positions=np.concatenate([points.positions, between.positions]),
        colors=np.concatenate([points.colors, between.colors]),
    )
    return joined, len(between.positions)


def _picture(photos: PhotoCache, index: int) -> UInt8[ndarray, "height width 3"]:
    """As training sees it: without the lens's distortion, and of the camera's size."""
    photo = photos.read(index, 1)
    shown = photo.pixels[:, :, : photo.camera.width].transpose(1, 2, 0)
    return np.ascontiguousarray(np.round(shown * 255.0).astype(np.uint8))


def _made_points(photos: PhotoCache, seed: int, progress: Progress) -> tuple[Points, str]:
    """Points where features of several photos agree; random ones where hardly any do. And what is said of them."""

    cameras = [photos.read(index, 1).camera for index in range(len(photos.views))]
    found = triangulate(cameras, lambda index: _picture(photos, index), seed, progress)
    if len(found.positions) >= LEAST_FOUND:
        points, count = _joined(Points(found.positions, found.colors), photos, found.shown, seed)
        said = f"There are no sparse points: training starts from {len(found.positions)} found in the photos"
        return points, f"{said} and {count} between them."
    said = f"There are no sparse points, and photos agree on few: training starts from {RANDOM_POINTS} random ones."
    return random_points(photos, RANDOM_POINTS, seed), said


def _test_names(path: Path, views: Sequence[View], every: int, listed: Path | None) -> set[str]:
    names = [view.name for view in views]
    if listed is not None:
        wanted = read_json(listed, "write a JSON list of photos' names")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(name, str) for name in wanted):
            raise InputError(listed, "is no JSON list of photos' names", 'write one, e.g. ["0001", "0009"]')
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise InputError(
                listed, f"names {unknown[0]!r}, which is no photo", f"there are {', '.join(names[:5])} ..."
            )
        return set(wanted)
    halves = path / "transforms_test.json"
    if halves.exists() and not (path / "transforms.json").exists():
        photos = {posed.photo for posed in read_transforms(halves, PhotoIndex(path))[0]}
        return {view.name for view in views if view.photo in photos}
    return set(names[::every]) if every and len(names) > 2 else set()


def _check_seen(path: Path, points: Points, views: Sequence[View]) -> None:
    seen = max(float(view.camera.sees(*view.camera.project(points.positions)).mean()) for view in views)
    if seen < LEAST_SHARE_SEEN:
        problem = f"at most {seen:.1%} of its points are in the picture of any camera"
        raise InputError(
            path, problem, "give points and cameras of one world, or remove it to start from random points"
        )
