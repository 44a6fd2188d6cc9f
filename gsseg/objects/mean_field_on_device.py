"""`gsseg.objects.mean_field` as operations on tensors; no two threads ever add to one number."""

import torch
from jaxtyping import Float, Float32, Int32, Int64
from torch import Tensor

ROWS_AT_ONCE = 1 << 18
"""Gaussians that hear a neighbour at once: 0.6 kB each."""


def neighbour_weights_on_device(
    visibility: Float32[Tensor, " gaussians"],
    near: Int64[Tensor, "gaussians neighbours"],
    colors: Float32[Tensor, "gaussians 3"],
) -> Float32[Tensor, "gaussians neighbours"]:
    """`gsseg.objects.mean_field.neighbour_weights`."""
    seen = visibility > 0
    if not near.shape[1] or not bool(seen.any().cpu()):
        return visibility.new_zeros(near.shape)
    strength = torch.sqrt(visibility)
    difference = torch.stack([(colors[column] - colors).square().sum(1) for column in near.unbind(1)], 1)
    typical = float(median_of(difference[seen].reshape(-1)).cpu())
    likeness = torch.exp(-difference / max(2.0 * typical, 1e-12))
    heard = 2.0 * strength / (strength + median_of(strength[seen])) / near.shape[1]
    return likeness * heard[near]


def median_of(values: Float[Tensor, " values"]) -> Float[Tensor, ""]:
    """The mean of the two in the middle, where their number is even, as numpy has it and torch does not."""
    ordered = torch.sort(values).values
    return (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2


def mean_field_on_device(
    candidates: Int32[Tensor, "gaussians candidates"],
    likelihood: Float32[Tensor, "gaussians candidates"],
    near: Int64[Tensor, "gaussians neighbours"],
    weights: Float32[Tensor, "gaussians neighbours"],
    sweeps: int,
) -> Float32[Tensor, "gaussians candidates"]:
    """`gsseg.objects.mean_field.mean_field`."""
    chance = torch.empty_like(likelihood)
    for sweep in range(sweeps + 1):
        heard = chance.clone()
        for first in range(0, len(near), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            mine = candidates[rows]
            score = torch.where(mine >= 0, likelihood[rows].double(), float("-inf"))
            for k in range(near.shape[1] if sweep else 0):
                beside = near[rows, k]
                theirs = candidates[beside]
                said = weights[rows, k, None] * heard[beside]
                # A candidate is in a list once: of each sum one term at most is not zero, and it has no order.
                same = (mine[:, :, None] == theirs[:, None, :]) & (theirs >= 0)[:, None, :]
                score += torch.where(same, said[:, None, :], 0.0).sum(2)
            above = torch.exp(score - score.amax(1, keepdim=True))
            chance[rows] = (above / above.sum(1, keepdim=True)).float()
    return chance
