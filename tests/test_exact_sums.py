"""Sums whose bits depend on no order."""

from itertools import pairwise

import pytest
import torch

from gsseg.exact_sums import MOST, add_at_, in_steps_of, largest_of, segment_sums, step_of, torch_in_order


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_order_of_the_terms_changes_no_bit():
    terms = random(1, 5000) * torch.logspace(-6, 3, 5000)
    step, ends = step_of(largest_of(terms)), torch.tensor([0, 5000])
    whole = segment_sums(terms, ends, step)
    for seed in range(3):
        order = torch.randperm(5000, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(segment_sums(terms[:, order], ends, step), whole)
        sums = torch.zeros(1, dtype=torch.int64)
        add_at_(sums, torch.zeros(5000, dtype=torch.int32), terms[0, order], step)
        assert torch.equal((sums.double() * step).float(), whole[0])


def test_sums_are_those_of_float64():
    terms, ends = random(3, 900), torch.tensor([0, 0, 17, 17, 600, 900])
    found = segment_sums(terms, ends, step_of(largest_of(terms)))
    expected = torch.stack([terms[:, a:b].double().sum(1) for a, b in pairwise(ends)], 1)
    assert torch.allclose(found.double(), expected, rtol=1e-6, atol=1e-7)


def test_a_running_sum_that_leaves_64_bits_wraps_and_no_segment_is_wrong():
    terms = torch.full((1, 1 << 12), 1e30)
    step = step_of(1e30) / 2**20  # so that a few terms fill 64 bits
    assert float(in_steps_of(step, terms).double().sum()) > 2.0**63
    ends = torch.arange(0, len(terms[0]) + 1, 4)
    assert torch.allclose(segment_sums(terms, ends, step), torch.full((1, len(ends) - 1), 4e30), rtol=1e-6)


def test_as_many_terms_fit_as_are_promised():
    assert (1.0 / step_of(1.0)) * MOST < 2.0**63
    assert step_of(1.0) <= 2.0**-33


def test_terms_that_are_not_finite_are_named():
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not finite"):
            step_of(largest_of(torch.tensor([1.0, wrong])))


def test_no_terms_at_all():
    step = step_of(largest_of(torch.zeros(2, 0)))
    assert segment_sums(torch.zeros(2, 0), torch.zeros(4, dtype=torch.int64), step).tolist() == [[0.0] * 3] * 2


def test_torch_is_told_to_keep_an_order_inside_the_block_alone():
    before = torch.are_deterministic_algorithms_enabled()
    with torch_in_order():
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.are_deterministic_algorithms_enabled() == before
