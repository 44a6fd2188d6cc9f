"""The losses of stage 1, as pure functions of mask means.

Masks have no identity across views, so all they can say is: what lies in one mask belongs together, and what
lies in two masks of *one view* does not.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def cohesion(means: Float[Tensor, "masks dim"], shares: Float[Tensor, " masks"]) -> Float[Tensor, ""]:
    """Spread inside the masks: sum_m shares_m (1 - ||mu_m||^2).

    For unit features the weighted mean of ||f_i - mu||^2 over a mask is exactly 1 - ||mu||^2, so the pull on
    every single Gaussian comes from the mean alone. ``shares`` sum to 1.
    """
    return (shares * (1.0 - means.square().sum(1))).sum()


def prototype_separation(
    means: Float[Tensor, "views slots dim"],
    present: Bool[Tensor, "views slots"],
    shares: Float[Tensor, "views slots"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Contrast of the masks of one view: sum_m shares_m log(1 + sum_{n != m} exp((cos(mu_m, mu_n) - 1) / t)).

    InfoNCE with the mask's own mean as the positive (prototype contrast, as in COS3D and Unified-Lift): it stops
    pushing once two masks are a few ``temperature`` apart in cosine, where the inverse-distance loss never stops.
    """
    directions = torch.nn.functional.normalize(means, dim=2, eps=1e-6)
    similarity = (directions @ directions.transpose(1, 2) - 1.0) / temperature
    slots = means.shape[1]
    pair = present[:, :, None] & present[:, None, :] & ~torch.eye(slots, dtype=torch.bool, device=means.device)
    own = torch.zeros_like(similarity[:, :, :1])
    crowd = torch.logsumexp(torch.cat([similarity.masked_fill(~pair, -torch.inf), own], 2), 2)
    return (shares * crowd * present).sum()


def pixel_cohesion(
    rendered: Float[Tensor, "pixels dim"],
    means: Float[Tensor, "masks dim"],
    labels: Tensor,
    counts: Float[Tensor, " masks"],
) -> Float[Tensor, ""]:
    """OpenGaussian's smoothing loss (Wu et al. 2024, eq. 1): mean over masks of the mean ||M_p - mu||_2 inside."""
    distances = torch.linalg.vector_norm(rendered - means[labels] + 1e-12, dim=1)
    return (torch.zeros_like(counts).index_add(0, labels, distances) / counts).mean()


def inverse_distance_separation(means: Float[Tensor, "masks dim"]) -> Float[Tensor, ""]:
    """OpenGaussian's contrastive loss (Wu et al. 2024, eq. 2) with its rank weights.

    Mean over ordered pairs of w_ij / (||mu_i - mu_j||^2 + 1), where w_ij falls linearly with the rank of j among
    the neighbours of i, from 1 for the nearest to 0.1 + 0.9 / (masks - 1) for the farthest, so that near masks are
    pushed first (the published code ranks the mask itself too: it has the 0.1).
    """
    count = means.shape[0]
    if count < 2:
        return means.sum() * 0.0
    inverse = 1.0 / ((means[:, None] - means[None]).square().sum(2) + 1.0)
    inverse = inverse * ~torch.eye(count, dtype=torch.bool, device=means.device)
    rank = inverse.detach().argsort(1).argsort(1).to(means.dtype) / (count - 1)
    return (inverse * (0.1 + 0.9 * rank)).sum() / (count * (count - 1))
