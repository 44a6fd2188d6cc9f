"""Codes nest inside objects: an object is a union of whole fine codes, whatever the codes were learnt for.

Objects are decided without codes, so a code may lie in several of them, and with few codes an object may have most of
no code. Then it is given one, which becomes the mean of its features.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.clustering.means import float32_code_means
from gsseg.clustering.nearest import nearest_codes_in_blocks
from gsseg.codebook import Codes
from gsseg.segmentation import NO_OBJECT

UNSEEN_LIGHT = 1e-6
"""Light of a Gaussian that no view sees, or a code of nothing else would be nobody's."""


def code_owners(
    ids: Int64[ndarray, " gaussians"],
    fine: Int64[ndarray, " gaussians"],
    visibility: Float32[ndarray, " gaussians"],
    count: int,
) -> Int64[ndarray, " codes"]:
    """Object of each fine code: the one that holds most of its visible light; -1 for codes that stay unused.

    An object that holds most of no code takes one: the larger objects first, the code that holds least light of others,
    so an unused one where there is any, and none that is the last of its owner. With more objects than codes the
    smallest get none.
    """
    if ids.max(initial=NO_OBJECT) < 0:
        return np.full(count, NO_OBJECT)
    objects = int(ids.max()) + 1
    both = (fine >= 0) & (ids >= 0)
    light = np.bincount(fine[both] * objects + ids[both], visibility[both] + UNSEEN_LIGHT, count * objects)
    light = light.reshape(count, objects)
    owner = np.where(light.max(axis=1) > 0, light.argmax(axis=1), NO_OBJECT)
    held = np.bincount(owner[owner >= 0], minlength=objects)
    total = np.bincount(ids[ids >= 0], visibility[ids >= 0] + UNSEEN_LIGHT, objects)
    of_code = light.sum(axis=1)
    for poor in sorted(np.flatnonzero((held == 0) & (total > 0)), key=lambda o: -total[o]):
        spare = np.flatnonzero((owner < 0) | (held[owner] > 1))
        if not len(spare):
            break
        taken = spare[np.argmin(of_code[spare] - light[spare, poor])]
        if owner[taken] >= 0:
            held[owner[taken]] -= 1
        owner[taken], held[poor] = poor, 1
    return owner


def nest_codes(
    codes: Codes,
    owner: Int64[ndarray, " codes"],
    ids: Int64[ndarray, " gaussians"],
    features: Float32[ndarray, "gaussians dim"],
) -> Codes:
    """Moves each Gaussian of an object onto a fine code of that object, the nearest by feature.

    Gaussians without a learnt feature, which is zero, take the object's shortest code. Gaussians without an object
    keep their code. The only code of an object becomes the mean of its learnt features.
    """
    fine = codes.fine.numpy().copy()
    size = len(codes.fine_codebook) // len(codes.coarse_codebook)
    book = codes.fine_codebook.numpy().copy()
    only = np.flatnonzero((owner >= 0) & (np.bincount(owner[owner >= 0], minlength=1)[np.maximum(owner, 0)] == 1))
    stray = np.flatnonzero((ids >= 0) & ((fine < 0) | (owner[np.maximum(fine, 0)] != ids)))
    # Sorted by object, so that each object's codes are compared with its own strays in one call.
    order = stray[np.argsort(ids[stray], kind="stable")]
    for object_id in np.unique(ids[order]):
        rows = order[ids[order] == object_id]
        own = np.flatnonzero(owner == object_id)
        nearest, _ = nearest_codes_in_blocks(features[rows], book[own], np.zeros(len(rows), np.int64), len(own))
        fine[rows] = own[nearest]
    learnt = np.flatnonzero((ids >= 0) & features.any(axis=1) & np.isin(fine, only))
    means, sizes = float32_code_means(features[learnt], fine[learnt], len(book))
    book[only[sizes[only] > 0]] = means[only[sizes[only] > 0]]
    coarse = np.where(fine >= 0, fine // size, codes.coarse.numpy())
    return replace(
        codes, fine=torch.from_numpy(fine), coarse=torch.from_numpy(coarse), fine_codebook=torch.from_numpy(book)
    )
