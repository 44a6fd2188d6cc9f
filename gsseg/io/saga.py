"""SAGA's ``sam_masks/<stem>.pt``: a boolean tensor (masks, rows, columns) whose masks may overlap.

Source: Jumpat/SegAnyGAussians, ``extract_segment_everything_masks.py``.
"""

import pickle
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable


def read_saga(path: Path) -> Int64[ndarray, "rows columns"]:
    """Instance ids at the masks' own size, 0 = none: smaller masks lie on top of the larger ones they overlap.

    Only tensors are loaded, never code (``weights_only``). Raises `InputError` where the file holds anything else.
    """
    check_readable(path)
    try:
        masks = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, OSError) as error:
        raise InputError(path, "is not a tensor that torch can load safely", "copy or make it again") from error
    if not isinstance(masks, torch.Tensor) or masks.ndim not in (3, 4) or masks.dtype not in (torch.bool, torch.uint8):
        found = f"{masks.dtype} {tuple(masks.shape)}" if isinstance(masks, torch.Tensor) else type(masks).__name__
        raise InputError(path, f"is not a boolean tensor (masks, rows, columns): {found}", "make the masks again")
    if masks.ndim == 4:  # (masks, 1, rows, columns), as SAM's predictor returns them
        masks = masks[:, 0]
    stack = masks.numpy() != 0
    ids = np.zeros(stack.shape[1:], np.int64)
    # Of two equal masks the later lies on top: a stable order, so that the same file always reads the same.
    for index in np.argsort(-stack.sum((1, 2)), kind="stable"):
        ids[stack[index]] = index + 1
    return ids
