"""Photos or a video to a SCENE folder: features, matches, cameras, pinhole pictures; all of it or nothing.

    OUT/images/      the photos freed of their lens
    OUT/sparse/0/    cameras (PINHOLE), images and points3D, as COLMAP writes them
    OUT/poses.json   what became of every photo, and how good the cameras are

Everything but the choice of what to compare is COLMAP's (Schoenberger and Frahm, CVPR 2016), through `pycolmap`.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.files.folder import whole_folder
from gsseg.poses.colmap import Pairs, descriptors, image_ids
from gsseg.poses.config import ALL_UP_TO, PosesConfig
from gsseg.poses.features import extract_features, match_pairs
from gsseg.poses.mapping import map_photos, undistort
from gsseg.poses.pairs import alike_pairs, all_pairs, pairs_in_order
from gsseg.poses.photos import find_photos, photo_sizes
from gsseg.poses.summary import PosesSummary, summarize
from gsseg.poses.video import is_video, sharp_frames

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and their total."""

DEFAULTS = PosesConfig()


def estimate_poses(
    photos: Path | str,
    out: Path | str,
    config: PosesConfig = DEFAULTS,
    frames: int = 150,
    progress: Progress = lambda stage, done, total: None,
) -> PosesSummary:
    """Finds the cameras of a folder of photos, or of ``frames`` sharp frames of a video, and writes the folder ``out``.

    ``out`` must not exist or be empty. The world is COLMAP's: of no known scale and direction. Raises `InputError`
    where photos cannot be read, no three of them show one place, or ``out`` cannot be written; nothing is left then.
    """
    photos, out = Path(photos), Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "is not an empty folder", "choose another one")
    video = is_video(photos)
    if not video:
        find_photos(photos)
    with whole_folder(out) as scene:
        work = scene / "work"
        work.mkdir()
        folder = photos
        if video:
            folder = work / "frames"
            sharp_frames(photos, folder, frames, lambda done, total: progress("frames", done, total))
        summary = _estimate(folder, photos, work, scene, video, config, progress)
        (scene / "poses.json").write_text(json.dumps(summary.values(), indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(work)
    return summary


def _estimate(
    folder: Path, given: Path, work: Path, scene: Path, ordered: bool, config: PosesConfig, progress: Progress
) -> PosesSummary:
    def told(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: progress(stage, done, total)

    names = find_photos(folder)
    sizes = photo_sizes(folder, names, lambda done: progress("photos", done, len(names)))
    database = work / "database.db"
    # One lens for photos of one size: of a phone's or a camera's, as long as nobody zooms.
    extract_features(folder, names, database, len(set(sizes)) == 1, config, told("features"))
    match_pairs(folder, names, pairs_to_compare(names, database, ordered, config), database, config, told("matches"))
    models = map_photos(folder, len(names), database, work / "models", config, told("cameras"))
    progress("pictures", 0, 1)
    undistort(folder, models[0], work, scene)
    progress("pictures", 1, 1)
    return summarize(names, models, database)


def pairs_to_compare(names: list[str], database: Path, ordered: bool, config: PosesConfig) -> Pairs:
    """Which photos to compare, as ``config`` says; what is alike is found by their features in the database."""
    kind = config.pairs
    if kind == "auto":
        kind = "order" if ordered else "all" if len(names) <= ALL_UP_TO else "alike"
    if kind == "all":
        return all_pairs(len(names))
    if kind == "order":
        return pairs_in_order(len(names))
    ids = image_ids(database)
    read = [row for row, name in enumerate(names) if name in ids]
    rows = alike_pairs(descriptors(database, [ids[names[row]] for row in read]), np.random.default_rng(config.seed))
    return np.array(read)[rows]
