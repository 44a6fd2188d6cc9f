"""Objects that were left in two: the grouping's last word, once every Gaussian has found its object.

Atoms are small and near borders mixed, so the grouping hears blurred evidence and must be careful. After the assignment
the evidence is clean, and more facts can be heard than masks that agree: a segmenter that drops an object drops all of
it, and drops two things together only by chance; two things mostly meet in a concave fold of the surface; what is large
beside the other objects of the scene is whole. With W, a, c, X and B the weight of views, their mean agreement, the
share of them that agree clearly, the weight of views that drop one of the two and of those that drop both
(`gsseg.objects.agreement.PairWords`), K contacts of which the share v is concave and whose normals have the mean cosine
b (`gsseg.objects.contacts.Folds`), s and l the Gaussians of the smaller and the larger, the probability that two
touching objects are one is

    p = sigmoid( constant + agreement a + clear c - views ln(W + 1/10) - dropped X / (W + X + 1/2)
                 + together B / (W + X + B + 1/2) - concave v + even b + border ln(K / sqrt(s) + 1/50)
                 - smaller ln(s / t) - larger ln(l / t) ),

t being the size of the object that a Gaussian is of, on average over the scene. That many views speak is no comfort:
objects that stayed apart although they were often seen did so for a reason.

How much each fact says depends on the segmenter. One that seldom drops a thing but cuts things into their parts, as
Segment Anything does, says little by not dropping two apart; of one that drops often it is the best that is known. The
mean d of X / (W + X + 1/2) over the pairs that touch tells which it is, with no truth: coefficients go in a straight
line from `JoiningConfig.seldom` to `JoiningConfig.often` while d goes from `SELDOM` to `OFTEN`.
``scripts/14_join_odds.py`` fits the coefficients on made scenes with truth and shows on others how true p is.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from gsseg.objects.grouping import merge_best_pairs
from gsseg.objects.pair_facts import LEAST_WEIGHT, Joinable, PairFacts, share_dropped
from gsseg.validation import check_real

SELDOM, OFTEN = 0.08, 0.19
"""What a scene's pairs have, on average, of views that drop one of two: where the segmenter drops things seldom, and
where it drops them often."""


@dataclass(frozen=True)
class JoinOdds:
    """Log-odds that two objects are one, for each unit of what is known of them."""

    constant: float = 0.0
    """Before anything is known."""
    agreement: float = 0.0
    """For the mean agreement of views."""
    clear: float = 0.0
    """For the share of views that agree clearly."""
    views: float = 0.0
    """Against, for each e-fold of the weight of views."""
    dropped: float = 0.0
    """Against, for the share of views that drop one of the two."""
    together: float = 0.0
    """For the share of views that drop both."""
    concave: float = 0.0
    """Against, for the share of contacts where the surface is concave."""
    even: float = 0.0
    """For the mean cosine between normals across the border."""
    border: float = 0.0
    """For each e-fold of the length of the border beside the smaller object."""
    smaller: float = 0.0
    """Against, for each e-fold of the size of the smaller object."""
    larger: float = 0.0
    """Against, for each e-fold of the size of the larger object."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, *(each.name for each in fields(self)))

    @property
    def coefficients(self) -> Float64[ndarray, " traits"]:
        """In the order of `traits`."""
        return np.array([getattr(self, each.name) for each in fields(self)])


WHERE_SELDOM_DROPPED = JoinOdds(
    constant=-4.55, agreement=0.45, clear=7.16, views=-0.30, dropped=3.72, together=5.18, concave=2.75,
    even=1.10, border=0.52, smaller=0.33, larger=0.71,
)  # fmt: skip
"""Fitted where the segmenter drops things seldom."""

WHERE_OFTEN_DROPPED = JoinOdds(
    constant=-4.96, agreement=4.52, clear=3.77, views=-0.05, dropped=11.40, together=9.24, concave=3.23,
    even=1.04, border=0.02, smaller=0.34, larger=0.86,
)  # fmt: skip
"""Fitted where it drops them often."""


@dataclass(frozen=True)
class JoiningConfig:
    """When two touching objects are one."""

    sure: float = 2.0 / 3.0
    """Probability above which two objects become one; above 1/2, as a wrong union costs more than a missing one."""
    seldom: JoinOdds = WHERE_SELDOM_DROPPED
    """The odds where the segmenter drops things seldom."""
    often: JoinOdds = WHERE_OFTEN_DROPPED
    """The odds where it drops them often."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "sure", above=0, below=1)

    def coefficients(self, dropping: float) -> Float64[ndarray, " traits"]:
        """Of a scene whose pairs have ``dropping`` of views that drop one of two, in the order of `traits`."""
        often = share_of_often(dropping)
        return (1.0 - often) * self.seldom.coefficients + often * self.often.coefficients


def share_of_often(dropping: float) -> float:
    """How far a scene is on the way from `SELDOM` to `OFTEN`, 0..1."""
    return float(np.clip((dropping - SELDOM) / (OFTEN - SELDOM), 0.0, 1.0))


def traits(facts: PairFacts) -> Float64[ndarray, "pairs traits"]:
    """What the log-odds are linear in, in the order of `JoinOdds`."""
    words, folds = facts.words, facts.folds
    weight, dropped, together = words.weight, words.dropped, words.dropped_together
    smaller = np.maximum(folds.smaller, 1.0)
    return np.stack(
        [
            np.ones_like(weight),
            words.agreeing / np.maximum(weight, 1e-12),
            words.clear / np.maximum(weight, 1e-12),
            -np.log(weight + 0.1),
            -share_dropped(words),
            together / (weight + dropped + together + 0.5),
            -folds.concave,
            folds.cosine,
            np.log(folds.contacts / np.sqrt(smaller) + 0.02),
            -np.log(smaller / facts.typical_size),
            -np.log(np.maximum(folds.larger, 1.0) / facts.typical_size),
        ],
        axis=1,
    )


def log_odds_of_one(facts: PairFacts, coefficients: Float64[ndarray, " traits"]) -> Float64[ndarray, " pairs"]:
    """Log-odds of p above, within 30 either way: what lies beyond is as good as certain, and would overflow."""
    return np.clip(traits(facts) @ coefficients, -30.0, 30.0)


def probability_of_one(facts: PairFacts, coefficients: Float64[ndarray, " traits"]) -> Float64[ndarray, " pairs"]:
    """p above; 0 for pairs of which next to nothing is known."""
    p = 1.0 / (1.0 + np.exp(-log_odds_of_one(facts, coefficients)))
    return np.where(facts.words.weight < LEAST_WEIGHT, 0.0, p)


def join_objects(
    objects: Joinable, touch: Bool[ndarray, "objects objects"], config: JoiningConfig
) -> Int64[ndarray, " objects"]:
    """New number of every object, from 0: the surest touching pair becomes one, is judged anew, and so on.

    ``objects`` are merged in place.
    """
    price, coefficients = np.full(touch.shape, config.sure, np.float32), config.coefficients(objects.dropping)
    return merge_best_pairs(objects, touch | touch.T, price, lambda facts: probability_of_one(facts, coefficients))
