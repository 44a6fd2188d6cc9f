"""k-means inside blocks of codes: an item may only take codes of its own block (a fine code inside its coarse one).

A block is given by its first code; with one block this is plain k-means (Lloyd 1982), to a fixed point.
"""

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.clustering.means import float32_code_means
from gsseg.clustering.nearest import nearest_codes_in_blocks


def settle(
    x: Float32[ndarray, "items dim"],
    codebook: Float32[ndarray, "codes dim"],
    first: Int64[ndarray, " items"],
    size: int,
    max_rounds: int,
) -> tuple[Int64[ndarray, " items"], Float32[ndarray, "codes dim"]]:
    """Assignment and means in turns until no item changes its code (at most ``max_rounds`` times).

    An empty code takes over the item of its block that its own code fits worst; so no code that can be used is
    idle. Every item's label is a nearest code of the returned codebook when the rounds were enough.
    """
    codebook = codebook.copy()
    labels, _ = nearest_codes_in_blocks(x, codebook, first, size)
    for _ in range(max_rounds):
        means, sizes = float32_code_means(x, labels, len(codebook))
        codebook = np.where(sizes[:, None] > 0, means, codebook)
        _reseed_(codebook, sizes, x, labels, size)
        moved, _ = nearest_codes_in_blocks(x, codebook, first, size)
        if (moved == labels).all():
            break
        labels = moved
    return labels, codebook


def _reseed_(codebook, sizes, x, labels, size: int) -> None:
    """Moves empty codes, in place, onto the worst-fitting items of their block; items that fit exactly stay."""
    empty = np.flatnonzero(sizes == 0)
    if not len(empty):
        return
    # Measured to the codes as they are now: an item whose code has just moved onto it needs no second one.
    distances = np.square(x - codebook[labels]).sum(axis=1)
    blocks = labels // size
    worst_first = np.lexsort((-distances, blocks))
    starts = np.searchsorted(blocks[worst_first], np.arange(len(codebook) // size + 1))
    for block in np.unique(empty // size):
        idle = empty[empty // size == block]
        misfits = worst_first[starts[block] : starts[block + 1]][: len(idle)]
        misfits = misfits[distances[misfits] > 0]
        codebook[idle[: len(misfits)]] = x[misfits]
