"""How good an `RQVAE` is on items, in evaluation mode: nearest codes, no Sinkhorn."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from gsseg.quantize.residual.statistics import collision_rate
from gsseg.quantize.rqvae.model import ENCODE_ROWS, RQVAE


@dataclass(frozen=True)
class Evaluation:
    """A model in evaluation mode on all items."""

    epoch: int
    """Epochs done."""
    reconstruction: float
    """Mean squared error over all entries."""
    quantization: float
    """Quantization loss of the nearest codes."""
    collision_rate: float
    """1 - distinct code tuples / items."""


@torch.no_grad()
def evaluate_rqvae(
    model: RQVAE, items: Float[Tensor, "items dim"] | Float[ndarray, "items dim"], epoch: int = 0
) -> Evaluation:
    """Reconstruction, quantization loss and collisions of the model on ``items``, which it does not change.

    Raises ValueError as `RQVAE.checked` does.
    """
    rows = model.checked(items)
    was_training = model.training
    model.eval()
    reconstruction = quantization = 0.0
    codes = []
    try:
        for part in rows.split(ENCODE_ROWS):
            x_hat, loss, chosen = model(part)
            reconstruction += float((x_hat - part).square().mean()) * len(part) / len(rows)
            quantization += float(loss) * len(part) / len(rows)
            codes.append(chosen)
    finally:
        model.train(was_training)
    return Evaluation(epoch, reconstruction, quantization, collision_rate(torch.cat(codes, dim=1).cpu().numpy()))
