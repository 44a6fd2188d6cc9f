"""Object IoU: how well what a click selects is what was meant, in 3-D, weighted by visibility.

Vocabulary: `instances` are the ground truth's, objects are ours. Sizes are sums of visibility, so that Gaussians
nobody sees weigh nothing.
"""

import numpy as np
from jaxtyping import Float, Integer
from numpy import ndarray

from gsseg.segmentation import NO_OBJECT


def object_iou(
    object_ids: Integer[ndarray, " gaussians"],
    instances: Integer[ndarray, " gaussians"],
    visibility: Float[ndarray, " gaussians"],
) -> tuple[float, dict[int, float]]:
    """Mean over instances of the expected IoU of the object under a random Gaussian, and that of each instance.

    Of instance g, with w the summed blending weights and o(i) the object of Gaussian i:

        sum_{i in g} w_i / w(g) * IoU(o(i), g),    IoU(o, g) = w(o and g) / (w(o) + w(g) - w(o and g))

    Gaussians whose instance is negative are left out of everything; a Gaussian of no object contributes 0 and is part
    of no object's size. Instances that are never seen are not scored. ValueError where no instance is left.
    Memory is that of the Gaussians, not of instances x objects.
    """
    known = instances >= 0
    mine, truth, weight = object_ids[known], instances[known], visibility[known].astype(np.float64)
    objects, mine = np.unique(mine, return_inverse=True)
    ids, truth = np.unique(truth, return_inverse=True)
    whole_object, whole_instance = np.bincount(mine, weight), np.bincount(truth, weight)
    pairs, place = np.unique(mine.astype(np.int64) * max(1, len(ids)) + truth, return_inverse=True)
    common = np.bincount(place, weight)
    o, g = pairs // max(1, len(ids)), pairs % max(1, len(ids))
    assigned = (objects[o] != NO_OBJECT) & (common > 0)
    o, g, common = o[assigned], g[assigned], common[assigned]
    iou = common / (whole_object[o] + whole_instance[g] - common)
    expected = np.bincount(g, common * iou, len(ids)) / np.where(whole_instance > 0, whole_instance, 1.0)
    by_instance = {int(ids[k]): float(expected[k]) for k in range(len(ids)) if whole_instance[k] > 0}
    if not by_instance:
        raise ValueError("no view sees any Gaussian of any instance")
    return float(np.mean(list(by_instance.values()))), by_instance
