"""Objects that were left in two: the grouping's last word, once every Gaussian has found its object.

Atoms are small and near borders mixed, so the grouping hears blurred evidence and must be careful. After the assignment
the evidence is clean, and more facts can be heard than masks that agree: a segmenter that drops an object drops all of
it, and drops two things together only by chance; halves of an object are of one size more often than a cup and its
table. With W, a, X and B the weight of views, their mean agreement, the weight of views that drop one of the two and of
those that drop both (`gsseg.objects.agreement.PairWords`), and r the ratio of sizes, the probability that two touching
objects are one is

    p = sigmoid( agreement a - views ln(W + 1/10) - dropped X / (W + X + 1/2)
                 + together B / (W + X + B + 1/2) + size_ratio ln(r + 1/50) ).

That many views speak is no comfort: objects that stayed apart although they were often seen did so for a reason.
``scripts/14_join_odds.py`` fits the coefficients on made scenes with truth and shows on others how true p is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from gsseg.objects.agreement import GroupEvidence, PairWords
from gsseg.objects.grouping import merge_best_pairs
from gsseg.validation import check_real

LEAST_WEIGHT = 0.25
"""Weight of views below which nothing is known of a pair, and it stays two."""


@dataclass(frozen=True)
class JoiningConfig:
    """When two touching objects are one."""

    sure: float = 2.0 / 3.0
    """Probability above which two objects become one; above 1/2, as a wrong union costs more than a missing one."""
    agreement: float = 11.6
    """Log-odds for each unit of mean agreement."""
    views: float = 1.53
    """Log-odds against one object for each e-fold of the weight of views."""
    dropped: float = 16.6
    """Log-odds against one object for each unit of the share of views that drop one of the two."""
    together: float = 11.7
    """Log-odds for each unit of the share of views that drop both."""
    size_ratio: float = 0.90
    """Log-odds for each e-fold of the ratio of sizes."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "sure", above=0, below=1)
        check_real(self, "agreement", "views", "dropped", "together", "size_ratio", least=0)

    @property
    def coefficients(self) -> Float64[ndarray, " traits"]:
        """In the order of `traits`."""
        return np.array([self.agreement, self.views, self.dropped, self.together, self.size_ratio])


def traits(words: PairWords) -> Float64[ndarray, "pairs traits"]:
    """What the log-odds are linear in, in the order of `JoiningConfig`."""
    weight, dropped, together = words.weight, words.dropped, words.dropped_together
    return np.stack(
        [
            words.agreeing / np.maximum(weight, 1e-12),
            -np.log(weight + 0.1),
            -dropped / (weight + dropped + 0.5),
            together / (weight + dropped + together + 0.5),
            np.log(words.size_ratio + 0.02),
        ],
        axis=1,
    )


def probability_of_one(words: PairWords, config: JoiningConfig) -> Float64[ndarray, " pairs"]:
    """p above; 0 for pairs of which next to nothing is known."""
    log_odds = traits(words) @ config.coefficients
    return np.where(words.weight < LEAST_WEIGHT, 0.0, 1.0 / (1.0 + np.exp(-log_odds)))


def join_objects(
    evidence: GroupEvidence, touch: Bool[ndarray, "objects objects"], config: JoiningConfig
) -> Int64[ndarray, " objects"]:
    """New number of every object, from 0: the surest touching pair becomes one, is judged anew, and so on."""
    price = np.full(touch.shape, config.sure, np.float32)
    return merge_best_pairs(evidence, touch | touch.T, price, lambda words: probability_of_one(words, config))
