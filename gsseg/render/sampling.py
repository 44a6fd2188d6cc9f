"""Which pixels of a view a pixel-wise loss looks at."""

import hashlib

import numpy as np
import torch
from jaxtyping import Int64, UInt16
from numpy import ndarray
from torch import Tensor

FEWEST_PER_MASK = 64
"""Pixels that every mask gets if it has them, so that a cup is not lost beside a wall."""


def stratified_pixels(
    labels: UInt16[ndarray, "height width"], count: int, name: str, seed: int
) -> Int64[Tensor, " pixels"]:
    """About ``count`` pixels (row-major, ascending), each mask and the unmasked rest in proportion to its area.

    The draw depends on the view's name and the seed, never on the order of views. ``count`` 0, or more than there
    are: all pixels.
    """
    flat = labels.reshape(-1)
    if count <= 0 or count >= len(flat):
        return torch.arange(len(flat))
    digest = hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogatepass")).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    shuffled = generator.permutation(len(flat))
    by_label = shuffled[np.argsort(flat[shuffled], kind="stable")]
    _, first, sizes = np.unique(flat[by_label], return_index=True, return_counts=True)
    quota = np.minimum(sizes, np.maximum(np.round(sizes * (count / len(flat))).astype(np.int64), FEWEST_PER_MASK))
    chosen = np.concatenate([by_label[a : a + n] for a, n in zip(first, quota, strict=True)])
    return torch.from_numpy(np.sort(chosen))
