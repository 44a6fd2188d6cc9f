"""SAGA's ``sam_masks/<stem>.pt``: a boolean tensor (masks, rows, columns) whose masks may overlap.

Source: Jumpat/SegAnyGAussians, ``extract_segment_everything_masks.py``.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.io.langsplat import MaskLevel
from gsseg.io.picture import check_size
from gsseg.io.torch_file import load_torch, plain_array


class Saga:
    """A row in the table of mask formats."""

    name, folder, ending, has_levels = "SAGA", "sam_masks", ".pt", False

    def read(self, path: Path, level: MaskLevel) -> Int32[ndarray, "rows columns"]:
        """The ids of `read_saga`; there are no levels."""
        return read_saga(path)


def read_saga(path: Path) -> Int32[ndarray, "rows columns"]:
    """Instance ids at the masks' own size, 0 = none: smaller masks lie on top of the larger ones they overlap.

    Only tensors are loaded, never code (``weights_only``). Raises `InputError` where the file holds anything else.
    """
    masks = plain_array(path, "what it holds", load_torch(path))
    if masks.ndim not in (3, 4) or masks.dtype not in (np.bool_, np.uint8) or (masks.ndim == 4 and masks.shape[1] != 1):
        problem = f"is not a boolean tensor (masks, rows, columns): {masks.dtype} {masks.shape}"
        raise InputError(path, problem, "make the masks again")
    if masks.ndim == 4:  # (masks, 1, rows, columns), as SAM's predictor returns them
        masks = masks[:, 0]
    check_size(path, masks.shape[2], masks.shape[1])
    areas = np.array([np.count_nonzero(mask) for mask in masks], np.int64)
    ids = np.zeros(masks.shape[1:], np.int32)
    # Of two equal masks the later lies on top: a stable order, so that the same file always reads the same.
    for index in np.argsort(-areas, kind="stable"):
        ids[masks[index] != 0] = index + 1
    return ids
