"""Pieces: what Gaussians of one object and one fine code form together.

A piece is the smallest thing that an edit moves and that scene.gsseg tells apart: its Gaussians share their object,
both codes and the discrete feature, so one number a Gaussian says all of that.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from gsseg.ids import NO_OBJECT
from gsseg.segmentation.segmentation import SegmentationColumns


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of a segmentation, ordered by object, coarse code and fine code; no object first, no code last."""

    of_gaussian: Int64[ndarray, " gaussians"]
    """Piece of each Gaussian."""
    first: Int64[ndarray, " pieces"]
    """The first row of each piece: whatever a piece's Gaussians share is read there."""
    sizes: Int64[ndarray, " pieces"]
    """Gaussians of each piece."""

    @staticmethod
    def of(columns: SegmentationColumns) -> "Pieces":
        """The pieces of these columns."""
        objects = (columns.object_ids.astype(np.int64) - NO_OBJECT) << 32
        coarse, fine = (codes.astype(np.int64) & 0xFFFF for codes in (columns.code_coarse, columns.code_fine))
        _, first, places, sizes = np.unique(
            objects | coarse << 16 | fine, return_index=True, return_inverse=True, return_counts=True
        )
        return Pieces(places, first, sizes)
