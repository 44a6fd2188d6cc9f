"""Features of photos and their matches, in COLMAP's database; in batches, so that one hears of it and can end it."""

from collections.abc import Callable
from pathlib import Path

import pycolmap

from gsseg.poses.colmap import Pairs, colmap
from gsseg.poses.config import PosesConfig
from gsseg.threads import thread_count

PAIRS_AT_ONCE = 256
"""Pairs that are matched in one call: a fraction of a second each."""


def extract_features(
    photos: Path,
    names: list[str],
    database: Path,
    one_camera: bool,
    config: PosesConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
    threads: int = -1,
) -> None:
    """SIFT features of all photos. With ``one_camera`` all photos share one lens, which makes it much better known.

    ``threads``: -1 = all. With more than one COLMAP numbers photos as their turn happens to come.
    """
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = config.lens
    options = pycolmap.FeatureExtractionOptions()
    options.max_image_size = config.max_side
    options.num_threads = threads
    options.sift.max_num_features = config.max_features
    options.sift.peak_threshold = config.least_contrast
    mode = pycolmap.CameraMode.SINGLE if one_camera else pycolmap.CameraMode.AUTO
    batch = 4 * thread_count()
    for start in range(0, len(names), batch):
        some = names[start : start + batch]
        if one_camera and start:
            reader.existing_camera_id = 1  # SINGLE would begin a new one in every call
        with colmap(photos, "looking for features"):
            pycolmap.extract_features(
                database, photos, some, mode, reader, options, device=pycolmap.Device.cpu,
            )  # fmt: skip
        progress(min(start + batch, len(names)), len(names))


def match_pairs(
    photos: Path,
    names: list[str],
    pairs: Pairs,
    database: Path,
    config: PosesConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
    threads: int = -1,
) -> None:
    """Matches the features of pairs of photos and keeps what one geometry of two views explains.

    ``threads``: -1 = all. With more than one the random choices of a pair depend on which thread takes it.
    """
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = threads
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = config.seed
    pairing = pycolmap.ImportedPairingOptions()
    listed = database.with_name("pairs.txt")
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        some = pairs[start : start + PAIRS_AT_ONCE]
        listed.write_text("".join(f"{names[a]} {names[b]}\n" for a, b in some), encoding="utf-8")
        pairing.match_list_path = listed
        with colmap(photos, "comparing photos"):
            pycolmap.match_image_pairs(database, matching, pairing, verification, device=pycolmap.Device.cpu)
        progress(min(start + PAIRS_AT_ONCE, len(pairs)), len(pairs))
