"""Points from photos whose cameras are known: what splats start from where nobody gave points.

Features and matches are those of `gsseg.poses.estimate`; what two photos agree on is kept only where it agrees with
their cameras, too, and COLMAP's triangulation makes points of it (Schoenberger and Frahm, CVPR 2016).
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float32, Float64, Int64, UInt8
from numpy import ndarray
from PIL import Image

from gsseg.poses.colmap import colmap, image_ids, opened
from gsseg.poses.config import PosesConfig
from gsseg.poses.estimate import Progress, pairs_to_compare
from gsseg.poses.features import extract_features, match_pairs
from gsseg.scene import Camera

LEAST_CONTRAST = 0.002
"""A third of what SIFT asks for: known cameras tell what misleads, and on pale walls there is little else."""
LARGEST_ERROR = 2.0
"""Mean distance between a point's picture and its features, pixels, above which it is left out."""


@dataclass(frozen=True, eq=False)
class FoundPoints:
    """Points that several photos show."""

    positions: Float64[ndarray, "points 3"]
    """In the world of the cameras."""
    colors: Float32[ndarray, "points 3"]
    """RGB in [0, 1]."""
    shown: list[Int64[ndarray, " _"]]
    """Of each photo, the rows of the points that it shows, ascending."""


def triangulate(
    cameras: Sequence[Camera],
    picture: Callable[[int], UInt8[ndarray, "height width 3"]],
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> FoundPoints:
    """Points that two photos or more show; maybe none.

    The same photos, cameras and seed give the same bits: COLMAP works on one thread. ``picture``: the photo of a camera
    by its number, of the camera's size and without distortion. Raises `InputError` where COLMAP or the disk for its
    temporary files gives up.
    """
    config = PosesConfig(least_contrast=LEAST_CONTRAST, seed=seed)
    with tempfile.TemporaryDirectory(prefix="gsseg-points-") as temporary:
        photos, database = Path(temporary, "photos"), Path(temporary, "database.db")
        photos.mkdir()
        names = [f"{index:06d}.png" for index in range(len(cameras))]
        for index, name in enumerate(names):
            Image.fromarray(picture(index)).save(photos / name, compress_level=1)
        extract_features(
            photos, names, database, False, config, lambda done, total: progress("features", done, total), 1
        )  # fmt: skip
        model = _known(database, dict(zip(names, cameras, strict=True)))
        pairs = pairs_to_compare(names, database, False, config)
        match_pairs(
            photos, names, pairs, database, config, lambda done, total: progress("matches", done, total), threads=1
        )
        options = pycolmap.IncrementalPipelineOptions()
        options.random_seed = options.triangulation.random_seed = seed
        options.num_threads = 1
        with colmap(photos, "placing points"):
            made = Path(temporary, "model")
            made.mkdir()
            model = pycolmap.triangulate_points(model, database, photos, made, options=options)
            model.extract_colors_for_all_images(photos)
    numbers = {image.image_id: int(Path(image.name).stem) for image in model.images.values()}
    points = [point for point in model.points3D.values() if point.error <= LARGEST_ERROR]
    positions = np.array([point.xyz for point in points], np.float64).reshape(-1, 3)
    colors = np.array([point.color for point in points], np.float32).reshape(-1, 3) / np.float32(255)
    shown: list[set[int]] = [set() for _ in cameras]
    for row, point in enumerate(points):
        for element in point.track.elements:
            shown[numbers[element.image_id]].add(row)
    return FoundPoints(positions, colors, [np.array(sorted(rows), np.int64) for rows in shown])


def _known(database: Path, cameras: dict[str, Camera]) -> pycolmap.Reconstruction:
    """A model without points, of the photos in the database, with their true cameras; the database is told of them."""
    model = pycolmap.Reconstruction()
    with colmap(database, "placing cameras"), opened(database) as connection:
        stored = {image.image_id: image.camera_id for image in connection.read_all_images()}
    for name, number in image_ids(database).items():
        camera = cameras[name]
        lens = pycolmap.Camera(
            camera_id=stored[number], model="PINHOLE", width=camera.width, height=camera.height,
            params=[camera.fx, camera.fy, camera.cx, camera.cy], has_prior_focal_length=True,
        )  # fmt: skip
        with opened(database) as connection:
            connection.update_camera(lens)
        model.add_camera_with_trivial_rig(lens)
        image = pycolmap.Image(name=name, camera_id=lens.camera_id, image_id=number)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(camera.T_camera_world[:3]))
    return model
