"""What training left behind, opened again, ready to select from and export.

That is a RUN folder, a scene.gsseg and its splats, or nothing but a segmented.ply: then the table of objects is made
from its columns.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int32
from numpy import ndarray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gsseg.compressed import CompressedScene, read_scene, splats_digest
from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.together import finish
from gsseg.io.splat_file import SplatFile
from gsseg.io.splat_formats import read_splats
from gsseg.objects.select import Selection, select
from gsseg.run.marks import Marks, marks_from_json
from gsseg.scene import Gaussians
from gsseg.segmentation.describe import default_colors, default_name, describe_objects
from gsseg.segmentation.segmentation import NO_CODE, Segmentation
from gsseg.segmentation.table import NO_OBJECT, ObjectInfo, table_from_json

FEATURE_COLUMNS = ("ins_feat_r", "ins_feat_g", "ins_feat_b", "ins_feat_r2", "ins_feat_g2", "ins_feat_b2")
"""OpenGaussian's names for the six channels of the instance feature."""

SEGMENTED, OBJECTS, FEATURES, COMPRESSED = "segmented.ply", "objects.json", "features.safetensors", "scene.gsseg"


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training run; nothing of it is kept in memory until asked for."""

    path: Path
    """The RUN folder, or the folder of the file that was opened."""
    splats: Path
    """The splat file whose rows all else speaks of: segmented.ply, or what lies beside scene.gsseg."""
    compressed_path: Path | None = None
    """scene.gsseg, where objects, codes and features come from it."""
    bare: bool = False
    """Whether the splat file is all there is, so that its columns tell the objects."""

    @classmethod
    def open(cls, path: Path | str, splats: Path | str | None = None) -> "Run":
        """Opens a finished run: its folder, a ``scene.gsseg`` with the splats it was made for, or a ``segmented.ply``.

        ``splats``: where those of scene.gsseg are; else they are looked for beside it, under the name they had and as
        ``segmented.ply`` or ``splats.ply``. A segmented.ply with its objects.json beside it opens as that RUN folder.
        A saving that was interrupted is ended first. InputError where there is none of these.
        """
        path = Path(path)
        finish(path if path.is_dir() else path.parent)
        if path.is_file() and _is_ply(path):
            if path.name != SEGMENTED or not (path.parent / OBJECTS).is_file():
                return cls(path.parent, path, bare=True)
            path = path.parent
        if path.is_file():
            return cls(path.parent, _splats_of(path, splats), path)
        if not path.is_dir():
            raise InputError(
                path, "no such file or folder", "give the RUN folder of gsseg train, a scene.gsseg or a segmented.ply"
            )
        for name in (SEGMENTED, OBJECTS):
            if not (path / name).is_file():
                raise InputError(
                    path, f"has no {name}", "it is not a finished run: gsseg train -s SCENE -m RUN --resume"
                )
        compressed = path / COMPRESSED
        return cls(path, path / SEGMENTED, compressed if compressed.is_file() else None)

    @cached_property
    def file(self) -> SplatFile:
        """The splat file with all its columns."""
        return read_splats(self.splats)

    @property
    def gaussians(self) -> Gaussians:
        """The splats, in the order of the input file."""
        return self.file.gaussians

    @cached_property
    def compressed(self) -> CompressedScene | None:
        """scene.gsseg, where there is one; InputError where it belongs to other splats."""
        if self.compressed_path is None:
            return None
        scene = read_scene(self.compressed_path)
        if len(scene) != len(self.gaussians):
            problem = f"is of {len(scene)} Gaussians, and {self.splats} holds {len(self.gaussians)}"
            raise InputError(self.compressed_path, problem, f"name its splats, {scene.splats}")
        if splats_digest(self.gaussians.means.numpy()) != scene.splats_sha256:
            problem = f"belongs to other splats than {self.splats}, or to other rows of them"
            raise InputError(self.compressed_path, problem, f"name its splats, {scene.splats}")
        if self.splats == self.path / SEGMENTED and not np.array_equal(
            self._whole_numbers("object_id"), scene.object_ids
        ):
            problem = f"holds other objects than the {SEGMENTED} beside it"
            raise InputError(self.compressed_path, problem, "make it again: gsseg compress -m RUN")
        return scene

    @cached_property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """Object of each Gaussian, -1 = none."""
        if self.compressed is not None:
            return self.compressed.object_ids
        if self.bare:
            return self._dense_ids()
        ids, objects = self._whole_numbers("object_id"), len(self.objects)
        if len(ids) and not -1 <= int(ids.min()) <= int(ids.max()) < objects:
            problem = f"has object ids {ids.min()} to {ids.max()}, and {OBJECTS} holds {objects} objects"
            raise InputError(self.splats, problem, "run gsseg train again")
        return ids

    @cached_property
    def code_coarse(self) -> Int32[ndarray, " gaussians"]:
        """Coarse code of each Gaussian; `NO_CODE` = none."""
        return self._codes("code_coarse") if self.compressed is None else self.compressed.code_coarse

    @cached_property
    def code_fine(self) -> Int32[ndarray, " gaussians"]:
        """Fine code of each Gaussian, counted through all coarse codes; `NO_CODE` = none."""
        return self._codes("code_fine") if self.compressed is None else self.compressed.code_fine

    @cached_property
    def features(self) -> Float[Tensor, "gaussians 6"]:
        """Discrete instance features: bit-identical for all Gaussians of a code."""
        if self.compressed is not None:
            return torch.from_numpy(self.compressed.discrete)
        self._require_columns()
        features = np.stack([np.asarray(self.file.columns[name], np.float32) for name in FEATURE_COLUMNS], 1)
        if not np.isfinite(features).all():
            raise InputError(self.splats, "has instance features that are not finite", "run gsseg train again")
        return torch.from_numpy(features)

    @cached_property
    def learnt_features(self) -> Float[Tensor, "gaussians 6"]:
        """Instance features as they were learnt, before they became discrete; zero or, from scene.gsseg, the discrete
        one for Gaussians that no mask shows. From scene.gsseg to the accuracy of its residual codes; a bare
        segmented.ply holds the discrete ones only."""
        if self.compressed is not None:
            return torch.from_numpy(self.compressed.learnt)
        return self.features if self.bare else self._float_features()

    @cached_property
    def objects(self) -> list[ObjectInfo]:
        """The table of objects, largest first; of a bare segmented.ply in the order of its ids."""
        if self.compressed is not None:
            return self.compressed.objects
        if self.bare:
            return self._described()
        file = self.path / OBJECTS
        try:
            return table_from_json(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(file, f"is not a table of objects ({error})", "run gsseg train again") from error

    @property
    def marks_path(self) -> Path:
        """viewer.json; of a scene.gsseg under another name, which may lie beside others, one with its name."""
        path = self.compressed_path
        return self.path / ("viewer.json" if path is None or path.name == COMPRESSED else f"{path.stem}.viewer.json")

    @cached_property
    def marks(self) -> Marks:
        """What was hidden or deleted in the viewer and saved; nothing where nothing was, or for other objects."""
        if self.bare or not self.marks_path.is_file():
            return Marks()
        try:
            return marks_from_json(self.marks_path.read_text(encoding="utf-8"), self.object_ids)
        except (OSError, ValueError) as error:
            remedy = "delete it: then nothing is hidden or deleted"
            raise InputError(self.marks_path, f"cannot be read ({error})", remedy) from error

    def segmentation(self) -> Segmentation:
        """All of it from the float columns, as values; for scene.gsseg to be made from."""
        plain = Run(self.path, self.splats, bare=self.bare)
        return Segmentation(
            plain.object_ids, plain.code_coarse, plain.code_fine,
            plain.features.numpy(), plain.learnt_features.numpy(), plain.objects,
        )  # fmt: skip

    def select(self, ray_origin: ndarray, ray_direction: ndarray) -> Selection | None:
        """The object that a ray (world units, any length) hits, or None; see `gsseg.objects.select.select`."""
        return select(self.gaussians, self.object_ids, np.asarray(ray_origin), np.asarray(ray_direction))

    def _dense_ids(self) -> Int32[ndarray, " gaussians"]:
        """The ids of the column numbered without gaps, in their order: rows may have been cut out of the file."""
        there, places = np.unique(self._whole_numbers("object_id", -1), return_inverse=True)
        return (places + (NO_OBJECT if len(there) and there[0] == NO_OBJECT else 0)).astype(np.int32)

    def _described(self) -> list[ObjectInfo]:
        """What the rows tell of their objects; views and agreement are not known, 0."""
        ids = self.object_ids
        count = int(ids.max()) + 1
        return describe_objects(
            ids, self.code_fine, self.gaussians.means.numpy(), [default_name(k) for k in range(count)],
            default_colors(count), views=[0] * count, agreement=[0.0] * count,
        )  # fmt: skip

    def _require_columns(self) -> None:
        names = self.file.columns.dtype.names or ()
        missing = [name for name in (*FEATURE_COLUMNS, "code_coarse", "code_fine", "object_id") if name not in names]
        if missing:
            remedy = "give one that gsseg train or export wrote" if self.bare else "run gsseg train again"
            raise InputError(self.splats, f"lacks the columns {', '.join(missing)}", remedy)

    def _codes(self, name: str) -> Int32[ndarray, " gaussians"]:
        return self._whole_numbers(name, 0, NO_CODE)

    def _whole_numbers(
        self, name: str, least: int = -(1 << 31), greatest: int = (1 << 31) - 1
    ) -> Int32[ndarray, " gaussians"]:
        self._require_columns()
        column = self.file.columns[name]
        whole = column.dtype.kind in "iu" or bool((np.isfinite(column) & (np.rint(column) == column)).all())
        if not whole or (len(column) and not least <= int(column.min()) <= int(column.max()) <= greatest):
            problem = f"has values of {name} that are no whole numbers from {least} to {greatest}"
            raise InputError(self.splats, problem, "run gsseg train again")
        return np.ascontiguousarray(column, np.int32)

    def _float_features(self) -> Float[Tensor, "gaussians 6"]:
        path = self.path / FEATURES
        try:
            with safe_open(path, framework="pt") as file:
                features = file.get_tensor("features")
        except (OSError, SafetensorError) as error:
            raise InputError(path, f"cannot be read ({error})", "run gsseg train again") from error
        if features.shape != (len(self.gaussians), 6) or not bool(torch.isfinite(features).all()):
            problem = f"holds features of shape {tuple(features.shape)}, or some that are not finite"
            raise InputError(path, problem, f"{len(self.gaussians)} rows of 6 are needed: run gsseg train again")
        return features.float()


def _splats_of(compressed: Path, splats: Path | str | None) -> Path:
    """The splat file that belongs to scene.gsseg; `InputError` where there is none."""
    if splats is not None:
        return Path(splats)
    name = Path(read_scene(compressed).splats).name
    for candidate in dict.fromkeys((SEGMENTED, name, "splats.ply")):
        if (compressed.parent / candidate).is_file():
            return compressed.parent / candidate
    raise InputError(compressed, "has no splats beside it", f"put {name} into its folder, or name it with --splats")


def _is_ply(path: Path) -> bool:
    """Whether a file begins as every PLY does; `InputError` where it cannot be read."""
    check_readable(path)
    with path.open("rb") as stream:
        return stream.read(3) == b"ply"
