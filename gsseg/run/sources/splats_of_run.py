"""The splats that a run's other files speak of: written with other objects, and held against scene.gsseg."""

from pathlib import Path

import numpy as np

from gsseg.compressed import CompressedScene, read_scene, splats_digest
from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.run.columns import AGAIN
from gsseg.run.edits import Edits
from gsseg.scene import SplatFile
from gsseg.segmentation.segmented_ply import SegmentedPly


def write_ids(path: Path, splats: SplatFile, edits: Edits) -> None:
    """The splat file again with other object ids."""
    write_splats(path, splats.columns, {"object_id": edits.object_ids}, splats.comments)


def read_compressed(path: Path, splats: SplatFile) -> CompressedScene:
    """scene.gsseg; `InputError` where it belongs to other splats."""
    scene = read_scene(path)
    if len(scene) != len(splats.gaussians):
        problem = f"is of {len(scene)} Gaussians, and {splats.path} holds {len(splats.gaussians)}"
        raise InputError(path, problem, f"name its splats, {scene.splats}")
    if splats_digest(splats.gaussians.means.numpy()) != scene.splats_sha256:
        problem = f"belongs to other splats than {splats.path}, or to other rows of them"
        raise InputError(path, problem, f"name its splats, {scene.splats}")
    return scene


def check_same_objects(path: Path, scene: CompressedScene, splats: SplatFile) -> None:
    """`InputError` unless a scene.gsseg and the segmented.ply that is its splats tell of the same objects."""
    if not np.array_equal(SegmentedPly(splats, AGAIN).object_ids, scene.object_ids):
        problem = f"holds other objects than the {splats.path.name} beside it"
        raise InputError(path, problem, "make it again: gsseg compress -m RUN")
