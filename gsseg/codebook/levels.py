"""Codebooks of one and of two levels, started from samples of the data (OpenGaussian, Wu et al. 2024, section 3.2).

Single level: k codes on the feature. Coarse to fine (eq. 3): k1 codes on [feature; position], so that alike objects far
apart fall into different clusters; inside each, k2 codes on the feature alone. The position is divided by the
extent of the scene, steers the assignment and is never trained.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray
from torch import Tensor

from gsseg.codebook.clusters import code_means, settle, start
from gsseg.validation import check_choice, check_real, check_whole

Target = Literal["map", "mask_mean"]

MOST_CODES = 65_535
"""Fine codes are written as 16 bits, and the last of the 65,536 numbers says that a Gaussian has none."""


@dataclass(frozen=True)
class CodebookConfig:
    """Size of the codebook, and how it is trained."""

    coarse: int = 256
    """Coarse codes k1, on [feature; position]; 1 makes a single-level codebook."""
    fine: int = 10
    """Fine codes k2 inside each coarse one, on the feature."""
    position_weight: float = 10.0
    """Weight of the position, in units of the scene's extent, against the unit feature."""
    rounds: int = 40
    """Most rounds of assignment and means before training; it stops where assignments settle."""
    steps: int = 10
    """Training steps under the pseudo-feature loss, for each level; each sees the sampled pixels of all views."""
    learning_rate: float = 0.5
    """How far a code may move in a step, in units of the present pseudo-feature loss."""
    target: Target = "map"
    """``map``: codes imitate the rendered features; ``mask_mean``: their mean in each mask, which leaves out
    masks of high variance (they hold more than one object)."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense, and for more than `MOST_CODES` codes in all."""
        check_whole(self, "coarse", "fine", "rounds", least=1)
        check_whole(self, "steps", least=0)
        check_real(self, "position_weight", "learning_rate", least=0)
        check_choice(self, "target", get_args(Target))
        if self.coarse * self.fine > MOST_CODES:
            raise ValueError(f"coarse * fine: is {self.coarse} * {self.fine} codes, must be at most {MOST_CODES}")


FAR_AWAY = 1e18
"""Where an empty code waits until it is re-seeded; its squared distances stay below the largest float32."""


def scene_units(positions: Float32[ndarray, "items 3"]) -> Float32[ndarray, "items 3"]:
    """Positions about their median, in units of the radius that holds 90 % of the items: floaters do not count."""
    centred = positions - np.median(positions, axis=0)
    radius = np.quantile(np.linalg.norm(centred, axis=1), 0.9) or 1.0
    return (centred / radius).astype(np.float32)


def coarse_assignment(
    features: Float32[Tensor, "items dim"],
    places: Float32[Tensor, "items 3"],
    config: CodebookConfig,
    generator: np.random.Generator,
) -> Int64[Tensor, " items"]:
    """Coarse code of every item, by k-means on [feature; weighted place]."""
    joint = torch.cat([features, config.position_weight * places], 1)
    first = torch.zeros(len(joint), dtype=torch.int64, device=joint.device)
    sample = start(joint, first, config.coarse, config.coarse, generator)
    return settle(joint, sample, first, config.coarse, config.rounds)[0]


def fine_assignment(
    features: Float32[Tensor, "items dim"],
    coarse: Int64[Tensor, " items"],
    config: CodebookConfig,
    generator: np.random.Generator,
) -> Int64[Tensor, " items"]:
    """Fine code of every item, by k-means on the feature inside each coarse cluster."""
    first = coarse * config.fine
    codes = config.coarse * config.fine
    sample = start(features, first, config.fine, codes, generator)
    return settle(features, sample, first, config.fine, config.rounds)[0]


def refit(
    features: Float32[Tensor, "items dim"],
    places: Float32[Tensor, "items 3"] | None,
    labels: Int64[Tensor, " items"],
    codes: int,
    size: int,
) -> Int64[Tensor, " items"]:
    """One half-step each: means of the present codes, then the nearest code of the same block for every item."""
    joint = features if places is None else torch.cat([features, places], 1)
    codebook, counts = code_means(joint, labels, codes)
    codebook[counts == 0] = FAR_AWAY
    moved, _ = settle(joint, codebook, labels // size * size, size, 1)
    return moved
