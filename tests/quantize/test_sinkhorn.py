"""Balanced plans: sums, invariances, the plain formula, the conditions of the optimum, and stored values."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsseg.quantize.rqvae.sinkhorn import sinkhorn, sinkhorn_codes


def distances_of(items: int, codes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).chisquare(4, (items, codes))


def plain(distances: np.ndarray, epsilon: float, iterations: int) -> np.ndarray:
    """The same without logarithms."""
    middle = (distances.max() + distances.min()) / 2
    plan = np.exp(-(distances - middle) / (distances.max() - middle + 1e-5) / epsilon)
    plan /= plan.sum()
    for _ in range(iterations):
        plan /= plan.sum(1, keepdims=True) * len(plan)
        plan /= plan.sum(0, keepdims=True) * plan.shape[1]
    return plan * len(plan)


@settings(max_examples=40, deadline=None)
@given(
    items=st.integers(1, 30), codes=st.integers(1, 9), seed=st.integers(0, 99),
    epsilon=st.sampled_from([0.02, 0.1, 1.0, 10.0]), iterations=st.integers(0, 20),
)  # fmt: skip
def test_logarithms_equal_the_plain_formula_where_that_is_finite(items, codes, seed, epsilon, iterations):
    distances = distances_of(items, codes, seed)
    np.testing.assert_allclose(
        sinkhorn(distances, epsilon, iterations).numpy(), plain(distances, epsilon, iterations), rtol=1e-9, atol=1e-13
    )


@pytest.mark.parametrize("epsilon", [0.05, 0.3])
def test_rows_and_columns_get_their_shares(epsilon):
    plan = sinkhorn(distances_of(60, 12), epsilon, 500)
    torch.testing.assert_close(plan.sum(1), torch.ones(60, dtype=torch.float64), atol=1e-8, rtol=0)
    torch.testing.assert_close(plan.sum(0), torch.full((12,), 5.0, dtype=torch.float64), atol=1e-12, rtol=0)


def test_columns_are_exact_after_every_round():
    for iterations in (1, 2, 3):
        plan = sinkhorn(distances_of(20, 8), 0.003, iterations)
        torch.testing.assert_close(plan.sum(0), torch.full((8,), 2.5, dtype=torch.float64), atol=1e-12, rtol=0)


def test_no_round_only_scales_the_total():
    plan = sinkhorn(distances_of(20, 8), 0.1, 0)
    assert float(plan.sum()) == pytest.approx(20)
    assert float(plan.sum(0).max()) > 3


def test_permuting_items_and_codes_permutes_the_plan():
    distances = distances_of(30, 6)
    rows, columns = np.random.default_rng(1).permutation(30), np.random.default_rng(2).permutation(6)
    moved = sinkhorn(distances[rows][:, columns], 0.05).numpy()
    np.testing.assert_allclose(moved, sinkhorn(distances, 0.05).numpy()[rows][:, columns], rtol=1e-10)


def test_origin_and_unit_of_the_distances_do_not_matter():
    distances = distances_of(30, 6)
    expected = sinkhorn(distances, 0.05)
    torch.testing.assert_close(sinkhorn(distances + 1e4, 0.05), expected, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(sinkhorn(distances * 1e6, 0.05), expected, rtol=1e-3, atol=1e-5)


def test_equal_distances_spread_evenly():
    plan = sinkhorn(np.full((6, 3), 7.0), 0.003)
    torch.testing.assert_close(plan, torch.full((6, 3), 1 / 3, dtype=torch.float64))


def test_a_small_epsilon_gives_float32_distances_a_finite_plan():
    distances = torch.from_numpy(distances_of(200, 16)).float() + 50
    plan = sinkhorn(distances, 1e-4, 50)
    assert bool(torch.isfinite(plan).all())
    assert torch.equal(plan.argmax(1), sinkhorn_codes(distances, 1e-4, 50))


def test_codes_are_more_even_than_nearest_ones():
    distances = distances_of(320, 8)
    distances[:, 0] *= 0.2
    nearest = np.bincount(distances.argmin(1), minlength=8)
    balanced = torch.bincount(sinkhorn_codes(distances, 0.01, 200), minlength=8)
    assert nearest.max() > 150
    assert int(balanced.max()) < 55
    assert int(balanced.min()) > 25


@pytest.mark.parametrize("epsilon", [0.003, 0.01, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("iterations", [0, 1, 5, 50, 100])
def test_small_epsilons_lose_nothing(epsilon, iterations):
    distances = distances_of(32, 8)
    expected = plain(distances, epsilon, iterations)
    np.testing.assert_allclose(sinkhorn(distances, epsilon, iterations), expected, rtol=1e-9, atol=1e-12)
    # Float32 distances are as good as their own rounding; the plain formula gives NaN here at small epsilons.
    rounded = sinkhorn(distances.astype(np.float32), epsilon, iterations)
    np.testing.assert_allclose(rounded, expected, atol=2e-5)


@pytest.mark.parametrize("epsilon", [0.05, 0.2, 1.0])
def test_a_converged_plan_is_the_optimum_of_transport_with_entropy(epsilon):
    # Its conditions (Cuturi 2013, lemma 2) have one solution: the shares of rows and columns, and
    # log Q_ik + D'_ik / epsilon = u_i + v_k.
    distances = distances_of(32, 8)
    plan = sinkhorn(distances, epsilon, 2000).numpy()
    np.testing.assert_allclose(plan.sum(axis=1), 1, rtol=1e-9)
    np.testing.assert_allclose(plan.sum(axis=0), 4, rtol=1e-9)
    middle = (distances.max() + distances.min()) / 2
    sums = np.log(plan) + (distances - middle) / (distances.max() - middle + 1e-5) / epsilon
    np.testing.assert_allclose(sums - sums[:, :1] - sums[:1] + sums[0, 0], 0, atol=1e-9)


def test_stored_values(shared):
    with np.load(shared / "oracle/rq/sinkhorn.npz", allow_pickle=False) as data:
        distances, compared = data["distances"], 0
        for name in data.files:
            if name.startswith("Q_eps"):
                epsilon, iterations = name.removeprefix("Q_eps").split("_it")
                found = sinkhorn(distances, float(epsilon), int(iterations)).numpy()
                np.testing.assert_allclose(found, data[name], rtol=1e-9, atol=1e-12, err_msg=name)
                compared += 1
        assert compared >= 25
        for epsilon in ("0.05", "0.2", "1.0"):  # of a library of optimal transport
            found = sinkhorn(distances, float(epsilon), 400)
            np.testing.assert_allclose(found.numpy(), data[f"pot_plan_times_B_eps{epsilon}"], atol=1e-11)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_with_its_rows(bad):
    distances = distances_of(9, 4)
    distances[[2, 7], 1] = bad
    with pytest.raises(ValueError, match=re.escape("2 rows, the first: [2, 7]")):
        sinkhorn(distances, 0.05)


def test_arguments_out_of_range():
    for epsilon in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="epsilon"):
            sinkhorn(distances_of(3, 3), epsilon)
    with pytest.raises(ValueError, match="iterations"):
        sinkhorn(distances_of(3, 3), 0.1, -1)
    with pytest.raises(ValueError, match="0 items"):
        sinkhorn(np.zeros((0, 3)), 0.1)


def test_no_plan_is_nan():
    largest = np.array([[1.0, 1.5], [1.7, 1.0]])
    np.testing.assert_allclose(sinkhorn(largest * 1e308, 0.05), sinkhorn(largest * 1e300, 0.05))
    with pytest.raises(ValueError, match="epsilon 1e-310 is too small"):
        sinkhorn(distances_of(4, 3), 1e-310)
