"""Which photos to compare. Comparing takes most of the time, and of a thousand photos most pairs share nothing."""

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from gsseg.clustering.kmeans import kmeans
from gsseg.clustering.nearest import nearest_codes
from gsseg.poses.colmap import Pairs

NEIGHBOURS = 10
"""Photos after each one that are compared with it where their order is a path."""
FARTHER = 8
"""Powers of two beyond those: a path that slows down, or comes back soon, is held together by them."""
ALIKE = 40
"""Most alike photos that each one is compared with."""
WORDS = 64
"""Visual words of the summary of a photo, which has 128 numbers a word."""
DESCRIPTORS_A_PHOTO = 1024
"""Descriptors of a photo that its summary is made of, drawn at random."""


def all_pairs(count: int) -> Pairs:
    """Every pair."""
    return np.stack(np.triu_indices(count, 1), axis=1)


def pairs_in_order(count: int) -> Pairs:
    """Each photo with its `NEIGHBOURS` followers, and with those 2^k after it."""
    steps = sorted({*range(1, NEIGHBOURS + 1), *(2**k for k in range(1, FARTHER + 1))})
    rows = [(a, a + step) for a in range(count) for step in steps if a + step < count]
    return np.array(rows, np.int64).reshape(-1, 2)


def alike_pairs(described: list[UInt8[ndarray, "_ 128"]], generator: np.random.Generator) -> Pairs:
    """Each photo with the `ALIKE` that look most like it, and with its two followers, which mostly overlap.

    Photos are compared by VLAD: residuals of their descriptors to visual words, summed by word, each word's sum and
    then the whole of unit length, after signed square roots (Jegou et al., CVPR 2010; Arandjelovic and Zisserman,
    CVPR 2013). The words are of the photos themselves, so that nothing has to be downloaded.
    """
    drawn = [_some(each, generator) for each in described]
    stacked = np.concatenate(drawn)
    count = len(described)
    if len(stacked) < WORDS or count <= ALIKE:
        return all_pairs(count)
    centers = kmeans(stacked, WORDS, generator).centers.astype(np.float32)
    summaries = np.stack([_summary(each, centers) for each in drawn])
    likeness = summaries @ summaries.T
    np.fill_diagonal(likeness, -np.inf)
    most = np.argsort(-likeness, axis=1, kind="stable")[:, :ALIKE]
    near = {(min(a, b), max(a, b)) for a, row in enumerate(most.tolist()) for b in row}
    near |= {(a, a + step) for a in range(count) for step in (1, 2) if a + step < count}
    return np.array(sorted(near), np.int64)


def _some(descriptors: UInt8[ndarray, "features 128"], generator: np.random.Generator) -> Float32[ndarray, "some 128"]:
    if len(descriptors) > DESCRIPTORS_A_PHOTO:
        rows = np.sort(generator.choice(len(descriptors), DESCRIPTORS_A_PHOTO, replace=False))
        descriptors = descriptors[rows]
    # Centred and of order one, as k-means wants them; COLMAP writes unit vectors times 512.
    return (descriptors.astype(np.float32) - 32.0) / 64.0


def _summary(
    descriptors: Float32[ndarray, "features 128"], centers: Float32[ndarray, "words 128"]
) -> Float32[ndarray, " numbers"]:
    words = nearest_codes(descriptors, centers)[0]
    sums = np.zeros_like(centers)
    np.add.at(sums, words, descriptors - centers[words])
    sums = np.sign(sums) * np.sqrt(np.abs(sums))
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return (sums / max(float(np.linalg.norm(sums)), 1e-12)).ravel()
