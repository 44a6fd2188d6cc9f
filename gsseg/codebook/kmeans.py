"""Nearest codes and their means: the two half-steps that every codebook here is made of.

An item may only take codes of its own block (a fine code inside its coarse one), given as the block's first
code; with one block this is plain k-means (Lloyd 1982). Distances are squared Euclidean.
"""

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.threads import run_all, spans


def nearest_codes(
    items: Float32[ndarray, "items dim"],
    codebook: Float32[ndarray, "codes dim"],
    first: Int64[ndarray, " items"],
    size: int,
) -> tuple[Int64[ndarray, " items"], Float32[ndarray, " items"]]:
    """For each item the nearest of its codes ``first[i] .. first[i] + size - 1`` (ties: the lowest), and distance^2."""
    labels = np.empty(len(items), np.int64)
    distances = np.empty(len(items), np.float32)
    run_all(
        [lambda a=a, b=b: _nearest(items, codebook, first, size, labels, distances, a, b) for a, b in spans(len(items))]
    )
    return labels, distances


def code_means(
    items: Float32[ndarray, "items dim"], labels: Int64[ndarray, " items"], codes: int
) -> tuple[Float32[ndarray, "codes dim"], Int64[ndarray, " codes"]]:
    """Mean of the items of each code (zero for empty codes), and how many there are."""
    counts = np.bincount(labels, minlength=codes)
    sums = np.stack([np.bincount(labels, column, minlength=codes) for column in items.T], axis=1)
    return (sums / np.maximum(counts, 1)[:, None]).astype(np.float32), counts


def sample_codebook(
    items: Float32[ndarray, "items dim"],
    first: Int64[ndarray, " items"],
    size: int,
    codes: int,
    generator: np.random.Generator,
) -> Float32[ndarray, "codes dim"]:
    """Codes that are random items of their block, without repetition while there are enough.

    A block with fewer items than codes leaves its last codes equal to its first item: they stay empty, because
    a tie goes to the lowest code.
    """
    order = generator.permutation(len(items))
    order = order[np.argsort(first[order], kind="stable")]
    starts = np.searchsorted(first[order], np.arange(0, codes, size))
    ends = np.searchsorted(first[order], np.arange(0, codes, size), side="right")
    codebook = np.zeros((codes, items.shape[1]), np.float32)
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        chosen = order[start : min(end, start + size)]
        if len(chosen):
            codebook[block * size : (block + 1) * size] = items[chosen[0]]
            codebook[block * size : block * size + len(chosen)] = items[chosen]
    return codebook


def settle(
    items: Float32[ndarray, "items dim"],
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
    labels, _ = nearest_codes(items, codebook, first, size)
    for _ in range(max_rounds):
        means, counts = code_means(items, labels, len(codebook))
        codebook = np.where(counts[:, None] > 0, means, codebook)
        _reseed_(codebook, counts, items, labels, size)
        moved, _ = nearest_codes(items, codebook, first, size)
        if (moved == labels).all():
            break
        labels = moved
    return labels, codebook


def _reseed_(codebook, counts, items, labels, size: int) -> None:
    """Moves empty codes, in place, onto the worst-fitting items of their block; items that fit exactly stay."""
    empty = np.flatnonzero(counts == 0)
    if not len(empty):
        return
    # Measured to the codes as they are now: an item whose code has just moved onto it needs no second one.
    distances = np.square(items - codebook[labels]).sum(axis=1)
    blocks = labels // size
    worst_first = np.lexsort((-distances, blocks))
    starts = np.searchsorted(blocks[worst_first], np.arange(len(codebook) // size + 1))
    for block in np.unique(empty // size):
        idle = empty[empty // size == block]
        misfits = worst_first[starts[block] : starts[block + 1]][: len(idle)]
        misfits = misfits[distances[misfits] > 0]
        codebook[idle[: len(misfits)]] = items[misfits]


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _nearest(items, codebook, first, size, labels, distances, start, stop):
    dim = items.shape[1]
    for i in range(start, stop):
        best = np.float32(np.inf)
        label = first[i]
        for code in range(first[i], first[i] + size):
            total = np.float32(0.0)
            for d in range(dim):
                difference = items[i, d] - codebook[code, d]
                total += difference * difference
            if total < best:
                best = total
                label = code
        labels[i] = label
        distances[i] = best
