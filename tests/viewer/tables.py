"""Tables of pieces that are not cut from Gaussians."""

import numpy as np
from gsseg_viewer.pieces import PieceTable


def codes_only(coarse: np.ndarray, fine: np.ndarray, features: np.ndarray) -> PieceTable:
    """Pieces with these codes and features; all grey, in a row, none near enough to another to touch it."""
    count = len(coarse)
    centres = np.stack([np.arange(count), np.zeros(count), np.zeros(count)], 1)
    return PieceTable(
        coarse, fine, features.astype(np.float32), np.full((count, 3), 0.5, np.float32), centres.astype(np.float32),
        np.full(count, 0.1, np.float32),
    )  # fmt: skip
