"""Sums whose bits depend on no order: what a GPU needs so that one seed gives one result.

Thousands of threads that add float numbers to one place add them in another order every time, and float addition is
not associative. Whole numbers are: every term becomes a multiple of one power of two, 64-bit integers are added, and
the sum is rounded once. With room for `MOST` terms a term keeps 34 bits below the largest one, ten more than float32
has. The same code on any device gives the same bits.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Float32, Float64, Int, Int64
from torch import Tensor

MOST = 1 << 28
"""Terms that one sum may have."""


def step_of(largest: float, most: int = MOST) -> float:
    """The power of two of which terms up to ``largest`` in size become multiples; ValueError where it is not finite.

    ``most``: terms that one sum may have; the fewer, the finer the step.
    """
    if not math.isfinite(largest):
        raise ValueError("terms of a sum are not finite")
    return math.ldexp(1.0, math.frexp(largest)[1] + most.bit_length() - 63)


def in_steps_of(step: float, terms: Float[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
    """The terms as whole multiples of ``step``."""
    return torch.round(terms.double() / step).long()


def largest_of(terms: Float[Tensor, "..."]) -> float:
    """Size of the largest term, 0 where there are none; one number crosses to the host."""
    return float(terms.abs().amax().cpu()) if terms.numel() else 0.0


def segment_sums(
    terms: Float[Tensor, "dim entries"], ends: Int64[Tensor, " offsets"], step: float
) -> Float32[Tensor, "dim segments"]:
    """`double_sums`, rounded to what features and weights are."""
    return double_sums(terms, ends, step).float()


def double_sums(
    terms: Float[Tensor, "dim entries"], ends: Int64[Tensor, " offsets"], step: float
) -> Float64[Tensor, "dim segments"]:
    """Sums of ``terms[:, ends[s] : ends[s + 1]]`` for every segment s.

    One running sum over all terms and differences of it: no two threads ever add to one place. Where the running sum
    leaves 64 bits it wraps around, and the difference of two of its values is right nevertheless.
    """
    dim, entries = terms.shape
    running = torch.zeros(dim * entries + 1, dtype=torch.int64, device=terms.device)
    torch.cumsum(in_steps_of(step, terms).reshape(-1), 0, out=running[1:])
    places = ends + entries * torch.arange(dim, device=terms.device)[:, None]
    return (running[places[:, 1:]] - running[places[:, :-1]]).double() * step


def add_at_(
    sums: Int64[Tensor, " places"], places: Int[Tensor, " entries"], terms: Float[Tensor, " entries"], step: float
) -> None:
    """Adds every term, in multiples of ``step``, to the sum at its place; in place."""
    sums.index_add_(0, places, in_steps_of(step, terms))


@contextmanager
def torch_in_order() -> Iterator[None]:
    """Inside the block torch's own sums at places that repeat (``index_add``) are taken in order on a GPU too.

    For what is differentiated through them. It makes whole-number sums slower there, which need no order.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
