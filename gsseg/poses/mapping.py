"""Cameras and points from matches: COLMAP's incremental mapping, and the model that most photos agree on."""

from collections.abc import Callable
from pathlib import Path

import pycolmap

from gsseg.errors import InputError
from gsseg.poses.colmap import colmap
from gsseg.poses.config import PosesConfig
from gsseg.poses.photos import FEWEST

FAR_APART = "take more photos, each of which shows most of what the one before showed, from another place"


def map_photos(
    photos: Path,
    count: int,
    database: Path,
    models: Path,
    config: PosesConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[pycolmap.Reconstruction]:
    """Models, the one with most photos first; photos that share too little end in different ones, or in none.

    Raises `InputError` where no three photos agree on one.
    """
    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = options.mapper.random_seed = options.triangulation.random_seed = config.seed
    options.min_model_size = FEWEST
    models.mkdir()
    done = 0

    def placed() -> None:
        nonlocal done
        done = min(done + 1, count)  # photos of models that were given up count twice
        progress(done, count)

    with colmap(photos, "placing cameras"):
        found = pycolmap.incremental_mapping(
            database, photos, models, options, initial_image_pair_callback=placed, next_image_callback=placed
        )
    ranked = sorted(found.values(), key=lambda model: (-model.num_reg_images(), -model.num_points3D()))
    if not ranked or ranked[0].num_reg_images() < FEWEST:
        raise InputError(photos, f"no {FEWEST} of its {count} photos show one place from different sides", FAR_APART)
    return ranked


def undistort(photos: Path, model: pycolmap.Reconstruction, work: Path, scene: Path) -> None:
    """Writes ``images`` freed of the lens and ``sparse/0`` with pinhole cameras into ``scene``.

    Splat trainers know pinhole cameras only. Pixels that no photo saw are cut off, not filled.
    """
    distorted, made = work / "largest", work / "undistorted"
    distorted.mkdir()
    with colmap(photos, "undistorting"):
        model.write_binary(distorted)
        pycolmap.undistort_images(made, distorted, photos, jpeg_quality=97)
    (scene / "sparse").mkdir()
    (made / "sparse").rename(scene / "sparse" / "0")
    (made / "images").rename(scene / "images")
