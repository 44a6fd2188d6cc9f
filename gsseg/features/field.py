"""The result of stage 1."""

from dataclasses import dataclass, field

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class FeatureField:
    """A continuous instance feature for every Gaussian."""

    features: Float[Tensor, "gaussians dim"]
    """Unit length; zero for Gaussians that no mask shows."""
    seen: Bool[Tensor, " gaussians"]
    """Gaussians that some mask shows, so their feature is learnt."""
    losses: dict[str, list[float]] = field(default_factory=dict)
    """Loss curves by name, one value a step."""
