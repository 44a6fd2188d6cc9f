"""The RUN folder opened again: what training left behind, ready to select from and export."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int32
from numpy import ndarray
from torch import Tensor

from gsseg.errors import InputError
from gsseg.io.ply import SplatFile, read_splats
from gsseg.objects.select import Selection, select
from gsseg.objects.table import ObjectInfo
from gsseg.scene import Gaussians

FEATURE_COLUMNS = ("ins_feat_r", "ins_feat_g", "ins_feat_b", "ins_feat_r2", "ins_feat_g2", "ins_feat_b2")
"""OpenGaussian's names for the six channels of the instance feature."""

NO_CODE = 65535
"""`code_coarse` and `code_fine` of a Gaussian that has no code, because no view sees it."""


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training run; nothing of it is kept in memory until asked for."""

    path: Path
    """The RUN folder."""

    @classmethod
    def open(cls, path: Path | str) -> "Run":
        """Opens a finished run; InputError where `gsseg train` has not finished there."""
        path = Path(path)
        if not path.is_dir():
            raise InputError(path, "no such folder", "give the RUN folder of gsseg train")
        for name in ("segmented.ply", "objects.json"):
            if not (path / name).is_file():
                raise InputError(
                    path, f"has no {name}", "it is not a finished run: gsseg train -s SCENE -m RUN --resume"
                )
        return cls(path)

    @cached_property
    def file(self) -> SplatFile:
        """segmented.ply with all its columns."""
        file = read_splats(self.path / "segmented.ply")
        names = file.columns.dtype.names or ()
        missing = [name for name in (*FEATURE_COLUMNS, "code_coarse", "code_fine", "object_id") if name not in names]
        if missing:
            raise InputError(file.path, f"lacks the columns {', '.join(missing)}", "run gsseg train again")
        return file

    @property
    def gaussians(self) -> Gaussians:
        """The splats, in the order of the input file."""
        return self.file.gaussians

    @cached_property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """Object of each Gaussian, -1 = none."""
        return np.ascontiguousarray(self.file.columns["object_id"], np.int32)

    @cached_property
    def code_coarse(self) -> Int32[ndarray, " gaussians"]:
        """Coarse code of each Gaussian; `NO_CODE` = none."""
        return np.ascontiguousarray(self.file.columns["code_coarse"], np.int32)

    @cached_property
    def code_fine(self) -> Int32[ndarray, " gaussians"]:
        """Fine code of each Gaussian, counted through all coarse codes; `NO_CODE` = none."""
        return np.ascontiguousarray(self.file.columns["code_fine"], np.int32)

    @cached_property
    def features(self) -> Float[Tensor, "gaussians 6"]:
        """Discrete instance features: bit-identical for all Gaussians of a code."""
        return torch.from_numpy(
            np.stack([np.asarray(self.file.columns[name], np.float32) for name in FEATURE_COLUMNS], 1)
        )

    @cached_property
    def objects(self) -> list[ObjectInfo]:
        """The table of objects, largest first."""
        file = self.path / "objects.json"
        try:
            return [ObjectInfo(**row) for row in json.loads(file.read_text())]
        except (json.JSONDecodeError, TypeError) as error:
            raise InputError(file, f"is not a table of objects ({error})", "run gsseg train again") from error

    def select(self, ray_origin: ndarray, ray_direction: ndarray) -> Selection | None:
        """The object that a ray (world units, any length) hits, or None; see `gsseg.objects.select.select`."""
        return select(self.gaussians, self.object_ids, np.asarray(ray_origin), np.asarray(ray_direction))


def objects_json(objects: list[ObjectInfo]) -> str:
    """The text of objects.json."""
    return json.dumps([asdict(row) for row in objects], indent=1)
