"""Things in a row, cut into parts, as masks of many views show them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from gsseg.features import MaskEvidence

PARTS = 3


@dataclass(frozen=True)
class Things:
    """A made-up world of which everything is known."""

    truth: np.ndarray
    """(gaussians,) thing."""
    part: np.ndarray
    """(gaussians,) part, `PARTS` to a thing, counted through all things: what codes are to the real job."""
    means: np.ndarray
    """(gaussians, 3) things are unit cubes that touch, in a row along x."""
    evidence: MaskEvidence


@pytest.fixture(scope="session")
def make_things(evidence_of) -> Callable[..., Things]:
    """A function (seed, things, views, split, merged, missing) -> `Things` whose masks err with these probabilities.

    ``split``: a thing has two masks in a view; ``merged``: it shares its mask with the next; ``missing``: it has
    none. Every view numbers its masks anew and sees four Gaussians of five.
    """

    def make(
        seed: int = 0, things: int = 6, per_thing: int = 60, views: int = 15,
        split: float = 0.0, merged: float = 0.0, missing: float = 0.0, seen: float = 0.8,
    ) -> Things:  # fmt: skip
        rng = np.random.default_rng(seed)
        truth = np.repeat(np.arange(things), per_thing)
        inside = rng.uniform(0, 1, (len(truth), 3))
        part = truth * PARTS + np.minimum((inside[:, 2] * PARTS).astype(int), PARTS - 1)
        labels = np.full((views, len(truth)), -1)
        for view in range(views):
            mask = np.arange(things)
            for thing in range(1, things):
                if rng.random() < merged:
                    mask[thing] = mask[thing - 1]
            halves = (rng.random(things) < split)[truth] & (inside @ rng.normal(size=3) > 0)
            names = 1 + rng.permutation(2 * things)
            labels[view] = names[mask[truth] + things * halves]
            labels[view, (rng.random(things) < missing)[truth]] = 0
            labels[view, rng.random(len(truth)) > seen] = -1
        means = (inside + truth[:, None] * np.array([1.0, 0, 0])).astype(np.float32)
        return Things(truth, part, means, evidence_of(labels, rng.uniform(0.2, 0.9, labels.shape)))

    return make
