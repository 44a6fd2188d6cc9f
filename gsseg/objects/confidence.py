"""How sure the objects are: calibrated probabilities for every Gaussian, every object and every border between two.

Each is a logistic regression on a few traits that need no truth, fitted on made scenes with truth and checked on others
(scripts/16_calibration.py prints the constants below and the errors of calibration, and draws docs/calibration.svg):

- *border*: the two objects are two things, i.e. most of their light is of different instances; its trait is what
  decided that they were not joined (`gsseg.objects.joining`);
- *Gaussian*: it is of the instance that most light of its object is of;
- *object*: its IoU with an instance, by light, is at least 1/2.

A probability says what happened where it was fitted. On scenes whose masks fail in other ways it orders rightly what to
look at first, and may be a few per cent too sure.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.features.evidence import MaskEvidence
from gsseg.objects.agreement import BARELY_SEEN
from gsseg.objects.joining import JoiningConfig, log_odds_of_one
from gsseg.objects.pair_facts import RIM_NEIGHBOURS, PairFacts, joinable
from gsseg.objects.profiles import Profiles, group_mass, mask_profiles, neighbours
from gsseg.objects.unmasked import speaking
from gsseg.segmentation.confidence import Border, Confidence, most_doubtful_first

BORDER = (-0.367, 1.380)
"""Coefficients of `border_traits`."""
GAUSSIAN = (-0.194, 1.661, 1.800, -1.202, 0.302, 1.027, -0.586)
"""Coefficients of `gaussian_traits`."""
OBJECT = (-12.575, -0.708, 5.538, 0.565, 6.669, 4.428)
"""Coefficients of `object_traits`."""


def find_confidence(
    evidence: MaskEvidence,
    objects: Int64[ndarray, " gaussians"],
    means: Float32[ndarray, "gaussians 3"],
    near: Int64[ndarray, "gaussians neighbours"] | None = None,
) -> Confidence:
    """How sure the objects are that Gaussians were given to; objects are numbered from 0, each has a Gaussian.

    ``near``: the nearest of each, where somebody has them already; `RIM_NEIGHBOURS` count.
    """
    count = int(objects.max(initial=-1)) + 1
    if not count:
        return Confidence(np.zeros(len(objects), np.float32), [], [])
    near = neighbours(means, RIM_NEIGHBOURS) if near is None else np.ascontiguousarray(near[:, :RIM_NEIGHBOURS])
    first, second, known, traits_of = borders_of(evidence, objects, near, means)
    two, words = sigmoid(traits_of @ BORDER), known.words
    of_gaussian = np.where(objects >= 0, sigmoid(gaussian_traits(evidence, objects, near, count) @ GAUSSIAN), 0.0)
    traits = object_traits(evidence, objects, of_gaussian, weakest_border(first, second, two, count), count)
    borders = [
        Border(int(first[k]), int(second[k]), float(two[k]), float(words.agreeing[k]),
               float(max(0.0, words.weight[k] - words.agreeing[k])), float(words.dropped[k]))
        for k in range(len(first))
    ]  # fmt: skip
    return Confidence(of_gaussian.astype(np.float32), sigmoid(traits @ OBJECT).tolist(), most_doubtful_first(borders))


def sigmoid(log_odds: Float64[ndarray, " items"]) -> Float64[ndarray, " items"]:
    """Probability of log-odds; what lies beyond thirty is as good as certain and would only overflow."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0)))


def borders_of(
    evidence: MaskEvidence,
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
) -> tuple[Int64[ndarray, " borders"], Int64[ndarray, " borders"], PairFacts, Float64[ndarray, "borders traits"]]:
    """Ids of the objects that touch, the smaller first, all that is known of the two, and `border_traits`."""
    joined, touch = joinable(evidence, speaking(evidence, near), objects, near, means)
    first, second = np.nonzero(np.triu(touch, 1))
    facts = joined.compare(first, second)
    return first, second, facts, border_traits(facts, joined.dropping)


def border_traits(facts: PairFacts, dropping: float) -> Float64[ndarray, "borders traits"]:
    """1; log-odds that the two are two, as the joining has them. ``dropping``: of the scene."""
    log_odds = log_odds_of_one(facts, JoiningConfig().coefficients(dropping))
    return np.column_stack([np.ones(len(log_odds)), -log_odds])


def gaussian_traits(
    evidence: MaskEvidence,
    objects: Int64[ndarray, " gaussians"],
    near: Int64[ndarray, "gaussians neighbours"],
    count: int,
) -> Float64[ndarray, "gaussians traits"]:
    """1; share of its neighbours that are of its object; how much of the masks that it lies on its object draws; share
    of its light that is masked; ln of its light in the evidence; and of its object, how far each view's light of it
    falls into one mask and how much of the masks it lies on it draws. Of no object: all but the 1 are 0."""
    mass = group_mass(evidence, objects, count)
    owners = mass / np.maximum(np.asarray(evidence.matrix.sum(axis=1)).reshape(1, -1), 1e-9)
    own, masked, light = _support(
        evidence.matrix.indptr.astype(np.int64), evidence.matrix.indices.astype(np.int32), evidence.matrix.data,
        evidence.row_label, np.ascontiguousarray(owners, np.float32), objects,
    )  # fmt: skip
    same = (objects[near] == objects[:, None]).mean(axis=1) if near.shape[1] else np.zeros(len(objects))
    profiles, its = mask_profiles(evidence, objects, count), np.maximum(objects, 0)
    held, fills = held_together(profiles)[its], filled(profiles, evidence)[its]
    share = own / np.maximum(masked, 1e-9)
    traits = np.stack([same, share, masked / np.maximum(light, 1e-9), np.log(light + 0.1), held, fills], axis=1)
    return np.column_stack([np.ones(len(objects)), np.where((objects >= 0)[:, None], traits, 0.0)])


@njit(nogil=True, cache=True)
def _support(indptr, indices, values, row_label, owners, objects):
    own, masked, light = np.zeros(len(objects)), np.zeros(len(objects)), np.zeros(len(objects))
    for row in range(len(row_label)):
        for entry in range(indptr[row], indptr[row + 1]):
            g = indices[entry]
            light[g] += values[entry]
            if row_label[row] > 0 and objects[g] >= 0:
                masked[g] += values[entry]
                own[g] += values[entry] * owners[objects[g], row]
    return own, masked, light


def weakest_border(
    first: Int64[ndarray, " borders"], second: Int64[ndarray, " borders"], two: Float64[ndarray, " borders"], count: int
) -> Float64[ndarray, " objects"]:
    """The least probability of being two among the borders of each object; 1 for an object without one."""
    out = np.ones(count)
    np.minimum.at(out, first, two)
    np.minimum.at(out, second, two)
    return out


def object_traits(
    evidence: MaskEvidence,
    objects: Int64[ndarray, " gaussians"],
    of_gaussian: Float64[ndarray, " gaussians"],
    weakest: Float64[ndarray, " objects"],
    count: int,
) -> Float64[ndarray, "objects traits"]:
    """1; how far each view's light of the object falls into one mask; how much of the masks it lies on it draws; ln of
    the views that show it; mean confidence of its Gaussians, by light; its weakest border."""
    profiles = mask_profiles(evidence, objects, count)
    held, fills = held_together(profiles), filled(profiles, evidence)
    views = (profiles.view_mass > BARELY_SEEN).sum(axis=1)
    known: Bool[ndarray, " gaussians"] = objects >= 0
    weight = evidence.visibility[known] + 1e-6
    light = np.bincount(objects[known], weight, count)
    inner = np.bincount(objects[known], weight * of_gaussian[known], count) / np.maximum(light, 1e-12)
    return np.stack([np.ones(count), held, fills, np.log(views + 0.5), inner, weakest], axis=1)


def held_together(profiles: Profiles) -> Float64[ndarray, " objects"]:
    """Share of an object's light, over all views, that falls into the fullest mask of each."""
    largest = np.maximum.reduceat(profiles.mass, profiles.first_mask[:-1], axis=1)
    return largest.sum(axis=1).astype(np.float64) / np.maximum(profiles.view_mass.sum(axis=1), 1e-9)


def filled(profiles: Profiles, evidence: MaskEvidence) -> Float64[ndarray, " objects"]:
    """Mean, by the object's light, of its share in the light of the masks that it lies on."""
    mask_light = np.asarray(evidence.masks.sum(axis=1)).reshape(1, -1)
    shared = profiles.mass.astype(np.float64) ** 2 / np.maximum(mask_light, 1e-9)
    return shared.sum(axis=1) / np.maximum(profiles.mass.sum(axis=1), 1e-9)
