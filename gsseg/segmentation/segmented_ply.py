"""segmented.ply: a splat file with the segmentation in columns of its own, named as OpenGaussian names the features."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.ids import NO_OBJECT
from gsseg.io.ply import write_splats
from gsseg.lazy_property import lazy_property
from gsseg.scene import SplatFile
from gsseg.segmentation.codes_on_disk import NO_CODE_ON_DISK, codes_from_disk, codes_to_disk
from gsseg.segmentation.segmentation import SegmentationColumns

FEATURE_COLUMNS = ("ins_feat_r", "ins_feat_g", "ins_feat_b", "ins_feat_r2", "ins_feat_g2", "ins_feat_b2")
"""OpenGaussian's names for the six channels of the instance feature (float)."""

ADDED_COLUMNS = (*FEATURE_COLUMNS, "code_coarse", "code_fine", "object_id")
"""What `write_segmented` adds to the columns of the input; codes are ushort, object ids int."""


CONFIDENCE_COLUMN = "confidence"
"""What it adds on request (float): how sure it is that a Gaussian is of its object, 0 for one of no object."""


def write_segmented(
    path: Path,
    splats: SplatFile,
    columns: SegmentationColumns,
    confidence: Float32[ndarray, " gaussians"] | None = None,
) -> None:
    """Writes the splat file again with discrete features, codes and object ids added.

    Rows, their order, and all columns of the input are unchanged, except that columns of the added names are
    replaced. With ``confidence`` there is one more, `CONFIDENCE_COLUMN`. ValueError where codes do not fit 16 bits.
    Raises `InputError` where the file cannot be written.
    """
    codes = (codes_to_disk(columns.code_coarse), codes_to_disk(columns.code_fine))
    added = (*columns.discrete.astype(np.float32).T, *codes, columns.object_ids.astype(np.int32))
    named: dict[str, ndarray] = dict(zip(ADDED_COLUMNS, added, strict=True))
    if confidence is not None:
        named[CONFIDENCE_COLUMN] = confidence.astype(np.float32)
    write_splats(path, splats.columns, named, splats.comments)


def original_columns(splats: SplatFile) -> list[str]:
    """Names of the columns that the splats had before a segmentation was added, in their order."""
    return [name for name in splats.columns.dtype.names or () if name not in ADDED_COLUMNS]


@dataclass(frozen=True, eq=False)
class SegmentedPly:
    """The added columns of a segmented.ply, each read and checked when it is first asked for."""

    splats: SplatFile
    remedy: str
    """What a person is told to do where columns are missing or damaged."""

    @lazy_property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """The column of object ids as it is; -1 = none."""
        return self._whole_numbers("object_id", NO_OBJECT, (1 << 31) - 1)

    @lazy_property
    def code_coarse(self) -> Int32[ndarray, " gaussians"]:
        """Coarse codes, `NO_CODE` = none."""
        return codes_from_disk(self._whole_numbers("code_coarse", 0, NO_CODE_ON_DISK))

    @lazy_property
    def code_fine(self) -> Int32[ndarray, " gaussians"]:
        """Fine codes, `NO_CODE` = none."""
        return codes_from_disk(self._whole_numbers("code_fine", 0, NO_CODE_ON_DISK))

    @lazy_property
    def discrete(self) -> Float32[ndarray, "gaussians 6"]:
        """Discrete features."""
        self._require_columns()
        features = np.stack([np.asarray(self.splats.columns[name], np.float32) for name in FEATURE_COLUMNS], 1)
        if not np.isfinite(features).all():
            raise InputError(self.splats.path, "has instance features that are not finite", self.remedy)
        return features

    def _require_columns(self) -> None:
        names = self.splats.columns.dtype.names or ()
        missing = [name for name in ADDED_COLUMNS if name not in names]
        if missing:
            raise InputError(self.splats.path, f"lacks the columns {', '.join(missing)}", self.remedy)

    def _whole_numbers(self, name: str, least: int, greatest: int) -> Int32[ndarray, " gaussians"]:
        self._require_columns()
        column = self.splats.columns[name]
        whole = column.dtype.kind in "iu" or bool((np.isfinite(column) & (np.rint(column) == column)).all())
        if not whole or (len(column) and not least <= int(column.min()) <= int(column.max()) <= greatest):
            problem = f"has values of {name} that are no whole numbers from {least} to {greatest}"
            raise InputError(self.splats.path, problem, self.remedy)
        return np.ascontiguousarray(column, np.int32)
