"""Masks that have language vectors: LangSplat's ``language_features`` folder, matched to the views of a scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import all_below
from gsseg.io.langsplat import MASKS, VECTORS, mask_vector_shape, read_langsplat_levels, read_mask_vectors
from gsseg.io.lens import nearest_pixels
from gsseg.io.mask_formats import LANGSPLAT
from gsseg.io.masks import MaskFiles
from gsseg.io.photos import check_aspect
from gsseg.io.posed import photo_key
from gsseg.scene import View

FOLDER = LANGSPLAT.folder


@dataclass(frozen=True, eq=False)
class ViewMasks:
    """The masks of one view at several levels of detail, each with a vector."""

    levels: Int64[ndarray, "levels height width"]
    """Row of `vectors` that each pixel's mask has, plus 1; 0 = no mask. At the size of the view's camera."""
    vectors: Float32[ndarray, "masks dim"]
    """Unit vectors; a zero row says nothing."""


@dataclass(frozen=True)
class MaskVectorFiles:
    """The files of the views that have them, not yet read."""

    folder: Path
    dim: int
    """Components of the vectors."""
    files: dict[str, tuple[Path, Path]]
    """View's name -> masks and vectors."""

    @staticmethod
    def find(path: Path, scene: Path, views: Sequence[View]) -> "MaskVectorFiles":
        """The files in the folder ``path``, or in its ``language_features``, for the views of the folder ``scene``.

        Raises `InputError` where there are none, a file of vectors is missing, empty or of another dimension than the
        first, or none belongs to a view.
        """
        folder = path / FOLDER if (path / FOLDER).is_dir() else path
        masks = {photo_key(file.relative_to(folder).as_posix()[: -len(MASKS)]): file for file in _below(folder)}
        if not masks:
            problem = f"holds no masks with vectors (*{MASKS} and *{VECTORS})"
            raise InputError(path, problem, f"name a scene's folder {FOLDER}, or give a .npy file of vectors")
        keys = {_key(scene, view): view.name for view in views}
        found = {
            keys[key]: (file, file.with_name(file.name[: -len(MASKS)] + VECTORS))
            for key, file in MaskFiles(folder, LANGSPLAT, masks).match(keys).items()
        }
        dims = {vectors: mask_vector_shape(vectors)[1] for _, vectors in found.values()}
        dim = next(iter(dims.values()))
        for vectors, other in dims.items():
            if other != dim:
                problem = f"has vectors of {other} components, and {next(iter(dims)).name} of {dim}"
                raise InputError(vectors, problem, "make all of them with one model")
        return MaskVectorFiles(folder, dim, found)

    def read(self, view: View) -> ViewMasks:
        """The masks of a view that has some, freed of the lens; `InputError` where the files are damaged."""
        masks, file = self.files[view.name]
        ids, vectors = read_langsplat_levels(masks), read_mask_vectors(file)
        if ids.max() > len(vectors):
            problem = f"has {len(vectors)} rows, and masks of {masks.name} are numbered up to {ids.max() - 1}"
            raise InputError(file, problem, "make both files again, together")
        height, width = ids.shape[1:]
        check_aspect(masks, width, height, view.camera)
        rows, columns, inside = nearest_pixels(view.camera, view.lens, width, height)
        levels = ids[:, rows, columns]
        if inside is not None:
            levels = np.where(inside, levels, 0)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return ViewMasks(levels, vectors / np.where(lengths > 0, lengths, np.float32(1)))


def _below(folder: Path) -> list[Path]:
    return [path for path in all_below(folder) if path.name.endswith(MASKS) and path.is_file()]


def _key(scene: Path, view: View) -> str:
    """What a mask of the view may be named after: its photo's path, its own name where it has no photo."""
    if view.photo is None:
        return view.name
    inside = view.photo.is_relative_to(scene)
    return photo_key((view.photo.relative_to(scene) if inside else view.photo).as_posix())
