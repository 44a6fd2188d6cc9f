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
                 - smaller ln(s / t) - larger ln(l / t) - dropping d ).

Two facts are of the scene: t, the size of the object that a Gaussian is of, on average, and d, the mean of
X / (W + X + 1/2) over the pairs that touch: where the segmenter drops things often, two that are seldom dropped apart
and were left in two are more likely two. That many views speak is no comfort either.
``scripts/14_join_odds.py`` fits the coefficients on made scenes with truth and shows on others how true p is.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from gsseg.objects.agreement import GroupEvidence, PairWords
from gsseg.objects.contacts import Contacts, Folds
from gsseg.objects.grouping import merge_best_pairs
from gsseg.validation import check_real

LEAST_WEIGHT = 0.25
"""Weight of views below which nothing is known of a pair, and it stays two."""


@dataclass(frozen=True)
class JoiningConfig:
    """When two touching objects are one."""

    sure: float = 0.6
    """Probability above which two objects become one; above 1/2, as a wrong union costs more than a missing one."""
    constant: float = -4.24
    """Log-odds before anything is known."""
    agreement: float = 1.45
    """Log-odds for each unit of mean agreement."""
    clear: float = 6.24
    """Log-odds for each unit of the share of views that agree clearly."""
    views: float = -0.33
    """Log-odds against one object for each e-fold of the weight of views."""
    dropped: float = 7.05
    """Log-odds against one object for each unit of the share of views that drop one of the two."""
    together: float = 8.43
    """Log-odds for each unit of the share of views that drop both."""
    concave: float = 2.49
    """Log-odds against one object for each unit of the share of concave contacts."""
    even: float = 1.35
    """Log-odds for each unit of the mean cosine between normals across the border."""
    border: float = 0.36
    """Log-odds for each e-fold of the length of the border beside the smaller object."""
    smaller: float = 0.36
    """Log-odds against one object for each e-fold of the size of the smaller object."""
    larger: float = 0.76
    """Log-odds against one object for each e-fold of the size of the larger object."""
    dropping: float = 7.24
    """Log-odds against one object for each unit of what a scene's pairs have of views that drop one of two."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "sure", above=0, below=1)
        check_real(self, *(each.name for each in fields(self) if each.name != "sure"))

    @property
    def coefficients(self) -> Float64[ndarray, " traits"]:
        """In the order of `traits`."""
        return np.array([
            self.constant, self.agreement, self.clear, self.views, self.dropped, self.together, self.concave, self.even,
            self.border, self.smaller, self.larger, self.dropping,
        ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class PairFacts:
    """What is known of pairs of objects."""

    words: PairWords
    """What the views say."""
    folds: Folds
    """How they touch."""
    typical_size: float
    """t above, of the scene."""
    dropping: float
    """d above, of the scene."""


class Joinable:
    """Objects that are being joined, kept ready for comparison; changed in place by `merge`."""

    def __init__(
        self, evidence: GroupEvidence, contacts: Contacts, touch: Bool[ndarray, "objects objects"]
    ) -> None:
        """Takes over the tables; ``touch``: which objects lie against each other, either way round."""
        self.evidence, self.contacts = evidence, contacts
        sizes = contacts.sizes
        self.typical_size = float(np.square(sizes).sum() / max(sizes.sum(), 1.0))
        words = evidence.compare(*np.nonzero(np.triu(touch | touch.T, 1)))
        known = words.weight >= LEAST_WEIGHT
        self.dropping = float(_share_dropped(words)[known].mean()) if known.any() else 0.0

    def merge(self, keep: int, gone: int) -> None:
        """Object ``keep`` takes over object ``gone``."""
        self.evidence.merge(keep, gone)
        self.contacts.merge(keep, gone)

    def compare(self, one: Int64[ndarray, " pairs"], other: Int64[ndarray, " pairs"]) -> PairFacts:
        """What is known of the two objects of each pair."""
        words, folds = self.evidence.compare(one, other), self.contacts.compare(one, other)
        return PairFacts(words, folds, self.typical_size, self.dropping)


def _share_dropped(words: PairWords) -> Float64[ndarray, " pairs"]:
    return words.dropped / (words.weight + words.dropped + 0.5)


def traits(facts: PairFacts) -> Float64[ndarray, "pairs traits"]:
    """What the log-odds are linear in, in the order of `JoiningConfig`."""
    words, folds = facts.words, facts.folds
    weight, dropped, together = words.weight, words.dropped, words.dropped_together
    smaller = np.maximum(folds.smaller, 1.0)
    return np.stack(
        [
            np.ones_like(weight),
            words.agreeing / np.maximum(weight, 1e-12),
            words.clear / np.maximum(weight, 1e-12),
            -np.log(weight + 0.1),
            -_share_dropped(words),
            together / (weight + dropped + together + 0.5),
            -folds.concave,
            folds.cosine,
            np.log(folds.contacts / np.sqrt(smaller) + 0.02),
            -np.log(smaller / facts.typical_size),
            -np.log(np.maximum(folds.larger, 1.0) / facts.typical_size),
            np.full_like(weight, -facts.dropping),
        ],
        axis=1,
    )


def probability_of_one(facts: PairFacts, config: JoiningConfig) -> Float64[ndarray, " pairs"]:
    """p above; 0 for pairs of which next to nothing is known."""
    log_odds = np.clip(traits(facts) @ config.coefficients, -30.0, 30.0)
    return np.where(facts.words.weight < LEAST_WEIGHT, 0.0, 1.0 / (1.0 + np.exp(-log_odds)))


def join_objects(
    objects: Joinable, touch: Bool[ndarray, "objects objects"], config: JoiningConfig
) -> Int64[ndarray, " objects"]:
    """New number of every object, from 0: the surest touching pair becomes one, is judged anew, and so on.

    ``objects`` are merged in place.
    """
    price = np.full(touch.shape, config.sure, np.float32)
    return merge_best_pairs(objects, touch | touch.T, price, lambda facts: probability_of_one(facts, config))
