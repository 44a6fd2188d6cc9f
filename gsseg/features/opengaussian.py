"""The published per-pixel objective (OpenGaussian, Wu et al. 2024) on the same blending weights.

One step renders the features of one view, M_p = W F, and takes the two losses of the paper on the pixels of
its masks; W is constant, so the step is a sparse product and its transpose. It is here so that the default and
the published objective stand in one table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from gsseg.features.field import FeatureField
from gsseg.features.fit import DIM
from gsseg.features.losses import inverse_distance_separation, pixel_cohesion
from gsseg.render import BlendWeights
from gsseg.validation import check_real, check_whole


@dataclass(frozen=True)
class OpenGaussianConfig:
    """The published settings."""

    passes: int = 60
    """Times every view is visited; the views' order is drawn anew for each pass."""
    learning_rate: float = 0.001
    """Of Adam on the features, as published."""
    cohesion: float = 0.1
    """Weight of the cohesion loss against the separation loss, as published."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_whole(self, "passes", least=1)
        check_real(self, "learning_rate", "cohesion", least=0)


def fit_opengaussian(
    views: Sequence[Callable[[], tuple[BlendWeights, Int64[Tensor, " pixels"]]]],
    masked: Tensor,
    config: OpenGaussianConfig,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FeatureField:
    """Learns features by the per-pixel objective, on the device of ``masked`` and the views; they lie on the host.

    ``views``: for each view, a function that returns its weights and the label of each of its pixels (0 = none).
    ``masked``: (gaussians,) bool, those that some mask shows.
    """
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(len(masked), DIM, generator=generator).mul_(2).sub_(1)
    features = start.to(masked.device).requires_grad_(True)
    optimizer = torch.optim.Adam([features], lr=config.learning_rate, eps=1e-15)
    losses: dict[str, list[float]] = {"cohesion": [], "separation": []}
    total = config.passes * len(views)
    for _ in range(config.passes):
        for number in torch.randperm(len(views), generator=generator).tolist():
            weights, labels = views[number]()
            inside = labels > 0
            present, slots = torch.unique(labels[inside], return_inverse=True)
            if len(present) == 0:
                continue
            rendered = weights.render(torch.nn.functional.normalize(features, dim=1))[inside]
            counts = torch.bincount(slots, minlength=len(present)).float()
            means = rendered.new_zeros(len(present), DIM).index_add(0, slots, rendered) / counts[:, None]
            together = pixel_cohesion(rendered, means, slots, counts)
            apart = inverse_distance_separation(means)
            optimizer.zero_grad()
            (config.cohesion * together + apart).backward()
            optimizer.step()
            losses["cohesion"].append(together.item())
            losses["separation"].append(apart.item())
            progress(len(losses["cohesion"]), total)
    learnt = torch.nn.functional.normalize(features.detach(), dim=1) * masked[:, None]
    return FeatureField(
        learnt.cpu(), masked.cpu(), {name: _smoothed(curve, len(views)) for name, curve in losses.items()}
    )


def _smoothed(curve: list[float], window: int) -> list[float]:
    """Means over one pass: a single view's loss says more of the view than of the progress."""
    whole = len(curve) // window * window
    return np.asarray(curve[:whole]).reshape(-1, window).mean(1).tolist() if whole else curve
